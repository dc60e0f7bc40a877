"""An answer read piece by piece."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Self

from router.decision import Response


class Stream:
    """The text of one answer, piece by piece; ``response`` is set after the last piece."""

    def __init__(self, pieces: Generator[str, None, Response]) -> None:
        self._pieces = pieces
        self.response: Response | None = None

    def __iter__(self) -> Iterator[str]:
        self.response = yield from self._pieces

    def close(self) -> None:
        """Stop reading; what was spent so far is written down."""
        self._pieces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
