"""What was cleared from a store that cannot list its entries: a record that tells which of them still count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from router.cache.entry import label_of

MOST = 100
"""Tags that are told apart; with more of them everything is cleared, which is always safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clears:
    """How often was cleared (``count``), at which of these times everything (``all``) and each tag's value (``tags``).

    ``epoch`` is this record's own: entries that were marked by one that was lost do not count. No clock is read, so
    none has to agree with another.
    """

    epoch: str
    count: int = 0
    all: int = 0
    tags: Mapping[str, int] = field(default_factory=dict)

    @property
    def mark(self) -> bytes:
        """What is put before an entry that comes now."""
        return f"{self.epoch}:{self.count}\n".encode("ascii")

    def with_one(self, tag: str | None, value: str | None) -> Clears:
        """The record after one more clearing, of the entries whose ``tag`` is ``value`` or of all."""
        count = self.count + 1
        tags = {**self.tags, _named(tag, value): count} if tag is not None else {}
        if tag is None or len(tags) > MOST:
            return replace(self, count=count, all=count, tags={})
        return replace(self, count=count, tags=tags)

    def current(self, marked: bytes) -> bytes | None:
        """The entry behind its mark, None where it was cleared after it came, or its mark is another record's.

        What has no mark is no entry of ours, and is given back as it is: whoever reads it will say so.
        """
        mark, _, blob = marked.partition(b"\n")
        epoch, sign, made = mark.partition(b":")
        if not sign or not made.isdigit():
            return marked
        if epoch != self.epoch.encode("ascii") or int(made) < self.all:
            return None
        if self.tags and self.count > int(made):
            for tag, value in label_of(blob).tags.items():
                if self.tags.get(_named(tag, value), 0) > int(made):
                    return None
        return blob

    def dump(self) -> bytes:
        """The record as bytes."""
        plain = {"epoch": self.epoch, "count": self.count, "all": self.all, "tags": dict(self.tags)}
        return json.dumps(plain, separators=(",", ":")).encode("ascii")


def read_clears(blob: bytes) -> Clears:
    """Read what :meth:`Clears.dump` wrote; anything else is a record under which no entry counts."""
    try:
        plain = json.loads(blob)
        tags = {str(name): int(count) for name, count in plain["tags"].items()}
        return Clears(epoch=str(plain["epoch"]), count=int(plain["count"]), all=int(plain["all"]), tags=tags)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Clears(epoch="lost")


def _named(tag: str, value: str | None) -> str:
    return json.dumps([tag, value])
