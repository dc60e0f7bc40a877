"""The ledger: every decision, durable before the request returns."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Self, TypeVar

from router.decision import Decision
from router.errors import LedgerError
from router.ledger import faults
from router.ledger.codec import Rows, encode
from router.ledger.database import Database, Durability
from router.ledger.group_commit import GroupCommit
from router.ledger.keep import Keep
from router.ledger.location import Location, locate
from router.types import Request

T = TypeVar("T")

_KEEP_TEXT = Keep()


class Ledger:
    """Decisions in SQLite or PostgreSQL, for any number of threads and processes, also after a fork.

    ``url`` is a path, a ``sqlite:///`` or a ``postgresql://`` URL. With ``durability="process"`` a decision
    outlives the end of the process, however sudden; with "power" also the loss of power, at the cost of a disk
    flush for each group of appends. Nothing is opened before :meth:`open` or the first use.
    """

    def __init__(
        self, url: str | os.PathLike[str], *, keep: Keep = _KEEP_TEXT, durability: Durability = "process"
    ) -> None:
        self.url = url
        self.keep = keep
        self.durability: Durability = durability
        # A process that was forked must not touch its parent's connections, not even to close them: so they
        # stay here, under the parent's id.
        self._by_process: dict[int, _Opened] = {}

    def open(self) -> None:
        """Create or migrate the ledger, and see that it can be written.

        Raises:
            LedgerError: it cannot be opened or written, or a newer tierwise wrote it.
        """
        opened = self._opened()
        opened.guard(opened.database.open)

    def append(self, decision: Decision, request: Request | None = None) -> None:
        """Write ``decision``, and ``request`` as far as :attr:`keep` lets; return after the commit.

        Concurrent calls share a transaction. A decision whose id is there already changes nothing.

        Raises:
            LedgerError: it could not be written, and nothing of it was.
        """
        opened = self._opened()
        kept = self.keep.kept(decision.tags) if request is None else self.keep.kept(decision.tags, request.tags)
        opened.guard(lambda: opened.commits.submit(encode(decision, request, kept=kept)))

    def close(self) -> None:
        """Close this process's connections; the next use opens them again."""
        self._opened().database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _opened(self) -> _Opened:
        pid = os.getpid()
        found = self._by_process.get(pid)
        return self._by_process.setdefault(pid, _Opened(self.url, self.durability)) if found is None else found


class _Opened:
    """What one process holds of a ledger."""

    def __init__(self, url: str | os.PathLike[str], durability: Durability) -> None:
        self.location: Location = locate(url)
        self.database = Database(self.location, durability=durability)
        self.commits: GroupCommit[Rows] = GroupCommit(self.database.write)

    def guard(self, act: Callable[[], T]) -> T:
        """Run ``act``; whatever fails becomes a new LedgerError, since callers of one batch share the cause."""
        try:
            return act()
        except LedgerError as error:
            raise LedgerError(str(error)) from error.__cause__
        except Exception as error:
            message = f"ledger {self.location.name}: {faults.sentence(error)}"
            password = self.location.url.password
            raise LedgerError(message.replace(password, "***") if password else message) from error
