"""Equal requests of one batch: the first makes the answer, the others wait for it, however long its batch takes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from router.cache.ops import Fetch, Fetched

H = TypeVar("H", bound=Hashable)


class Sharing(Generic[H]):
    """Who makes the answer of which key of the cache, and who waits behind."""

    def __init__(self) -> None:
        self._making: dict[str, H] = {}
        self._behind: dict[str, list[tuple[H, Fetch]]] = {}

    def fetched(self, who: H, op: Fetch, fetch: Callable[[Fetch], Fetched]) -> Fetched | None:
        """What the cache says; None where another one of us makes that answer, and ``who`` waits behind."""
        if op.key in self._making:
            self._behind.setdefault(op.key, []).append((who, op))
            return None
        found = fetch(op)
        if found.lease is not None:
            self._making[op.key] = who
        return found

    def made(self, key: str) -> list[tuple[H, Fetch]]:
        """Who waited for the answer of ``key``, which was handed in or will not come; they are to look again."""
        self._making.pop(key, None)
        return self._behind.pop(key, [])

    def left(self, who: H) -> list[tuple[H, Fetch]]:
        """The same of all that ``who``, who is done, was making."""
        keys = [key for key, maker in self._making.items() if maker is who]
        return [each for key in keys for each in self.made(key)]
