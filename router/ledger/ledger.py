"""The ledger: every decision, durable before the request returns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from router.decision import Decision
from router.errors import InputError, LedgerError
from router.ledger import faults, reading
from router.ledger.codec import Entry, encode
from router.ledger.connecting import Durability
from router.ledger.database import Database
from router.ledger.group_commit import GroupCommit
from router.ledger.keep import Keep
from router.ledger.label import Label, encode_label
from router.ledger.location import Location, locate
from router.ledger.writer import Item
from router.types import Request

if TYPE_CHECKING:
    from sqlalchemy import Connection

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

    def label(self, label: Label) -> None:
        """Write ``label``; return after the commit.

        The same decision, tier, source and judge again replaces the label before. Concurrent calls share a
        transaction, with each other and with :meth:`append`.

        Raises:
            InputError: the ledger has no answer of that tier in that decision.
            LedgerError: it could not be written.
        """
        opened = self._opened()
        opened.guard(lambda: opened.commits.submit(encode_label(label)))

    def labels(self, since: float | None = None, until: float | None = None) -> Iterator[Label]:
        """Iterate over labels given from ``since`` until before ``until``, oldest first, a page in memory at a time.

        Both are seconds since the epoch, and compared with when the label was given, which may be long after its
        decision. A label that is replaced meanwhile may come twice, the newer one last.

        Raises:
            LedgerError: there is no ledger, or it cannot be read.
        """
        after: Label | None = None
        while True:
            found = self.read(partial(reading.label_page, since=since, until=until, after=after))
            yield from found
            if len(found) < reading.PAGE:
                return
            after = found[-1]

    def decisions(self, since: float | None = None, until: float | None = None) -> Iterator[Entry]:
        """Iterate over decisions from ``since`` until before ``until``, oldest first, a page in memory at a time.

        Both are seconds since the epoch. Decisions appended meanwhile are seen if they come later in that order.

        Raises:
            LedgerError: there is no ledger, or it cannot be read.
        """
        after: Entry | None = None
        while True:
            entries = self.read(partial(reading.page, since=since, until=until, after=after))
            yield from entries
            if len(entries) < reading.PAGE:
                return
            after = entries[-1]

    def count(self, since: float | None = None, until: float | None = None) -> int:
        """Count the decisions from ``since`` until before ``until``, in seconds since the epoch.

        Raises:
            LedgerError: there is no ledger, or it cannot be read.
        """
        return self.read(lambda connection: reading.count(connection, since, until))

    def find(self, id: str | None = None) -> Decision | None:
        """Read the decision ``id``, or without one the last; None when there is none.

        Raises:
            LedgerError: there is no ledger, or it cannot be read.
        """
        entry = self.read(lambda connection: reading.find(connection, id))
        return None if entry is None else entry.decision

    def read(self, query: Callable[[Connection], T]) -> T:
        """Run ``query`` on one unchanging state of the ledger.

        Raises:
            LedgerError: there is no ledger, or it cannot be read.
        """
        opened = self._opened()

        def act() -> T:
            with opened.database.reading() as connection:
                return query(connection)

        return opened.guard(act)

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
        self.commits: GroupCommit[Item] = GroupCommit(self.database.write)

    def guard(self, act: Callable[[], T]) -> T:
        """Run ``act``; what fails becomes a new LedgerError or InputError, since callers of a batch share the cause."""
        try:
            return act()
        except LedgerError as error:
            raise LedgerError(str(error)) from error.__cause__
        except InputError as error:
            raise InputError(str(error)) from error.__cause__
        except Exception as error:
            message = f"ledger {self.location.name}: {faults.sentence(error)}"
            password = self.location.url.password
            raise LedgerError(message.replace(password, "***") if password else message) from error
