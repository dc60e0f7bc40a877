"""Which split a row belongs to, by a hash that never changes, so that whatever belongs together stays together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from training.records import Records

SHARES = {"train": 0.6, "certify": 0.2, "test": 0.2}


def split_of(key: str, *, seed: int = 0) -> str:
    """Return the split of everything that bears ``key``: train for 60 % of keys, certify and test for 20 % each."""
    digest = hashlib.sha256(f"{seed}\x1f{key}".encode("utf-8", "surrogatepass")).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    for split, share in SHARES.items():
        if place < share:
            return split
        place -= share
    return "test"


def resplit(records: Records, seed: int) -> Records:
    """Return the same queries, split 60/20/20 by a hash of ``seed`` and the split key."""
    queries = tuple(replace(query, split=split_of(query.split_key, seed=seed)) for query in records.queries)
    return replace(records, queries=queries)


class Joined:
    """Keys of which some belong together: union-find.

    >>> together = Joined()
    >>> together.join(["prompt:b", "session:1"])
    >>> together.join(["prompt:a", "session:1"])
    >>> together.name("prompt:b")
    'prompt:a'
    """

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def join(self, keys: Sequence[str]) -> None:
        """Put all of ``keys`` and whatever they belong to together."""
        first = self.name(keys[0])
        for key in keys[1:]:
            other = self.name(key)
            # The least key names the group, so that the order of the rows does not matter.
            first, other = min(first, other), max(first, other)
            self._parent[other] = first

    def name(self, key: str) -> str:
        """Return the least key of those that belong with ``key``: the same one for all of them."""
        path = []
        while (parent := self._parent.setdefault(key, key)) != key:
            path.append(key)
            key = parent
        for passed in path:
            self._parent[passed] = key
        return key
