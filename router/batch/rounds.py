"""The batch driver: all cores go on until each has a call to make; the calls of a round go out together.

Nothing of the cascade is done here. A core is given what its journal knows of an earlier run, so that it takes the same
way again without a call.
"""

from __future__ import annotations

import heapq
import json
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

from router.batch.answers import answer_of, kept, kept_error, key_of
from router.batch.apis import item_of
from router.batch.entry import Entry
from router.batch.journal import Journal
from router.batch.means import Means
from router.batch.outcomes import outcome_of
from router.batch.provider_batches import Back, Parked, ProviderBatches
from router.batch.records import Line, Outcome, Place
from router.batch.sharing import Sharing
from router.batch.tiers import batched_plan, is_batched, reckoned
from router.budget.ops import Grant, Posture, Reserve, Settle, Survey
from router.cache.ops import Fetch, Fetched, Keep, Nearest
from router.cascade import cascade
from router.decision import Response
from router.errors import BatchError, ProviderError
from router.limits.ops import Enter, Leave, Turn
from router.ops import Append, Op, Send, Sleep, Spare
from router.plan import Birth
from router.tiers import Tier
from router.types import Completion, Request

_REPLAYED = "journal"
"""The ticket of a call that the journal has the answer to; it takes no turn at any limit."""

_PARKED = object()

Finished = Callable[[Entry, Response | Exception], None]


class Rounds:
    """Drives cores until all are done; of one thread, but for :attr:`wake`, which anyone may set.

    ``finished`` is told of each request once its outcome is in the journal.
    """

    def __init__(
        self,
        means: Means,
        journal: Journal,
        *,
        report: Callable[[str], None] = lambda _: None,
        finished: Finished = lambda _, __: None,
    ) -> None:
        self._means, self._journal, self._finished = means, journal, finished
        self._shell = means.shell()
        self.wake = threading.Event()
        self._plan = means.plan()
        self._batches = ProviderBatches(means, journal, report=report)
        self._batches.adopt({tier.name: tier for tier in batched_plan(self._plan, means.settings).ladder.tiers})
        self._ready: deque[tuple[Entry, Any, BaseException | None]] = deque()
        self._parked: dict[str, list[Parked]] = {}
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._ticks = count()
        self._pool = ThreadPoolExecutor(means.settings.concurrency, thread_name_prefix="tierwise-batch")
        self._answers: SimpleQueue[tuple[Entry, Future[Completion]]] = SimpleQueue()
        self._direct = 0
        self._live: set[Entry] = set()
        self._sharing: Sharing[Entry] = Sharing()
        self._outcomes: dict[Entry, tuple[Outcome, Response | Exception]] = {}

    def add(self, line: Line, request: Request) -> None:
        """Begin a request. It has no deadline: nobody waits for it."""
        request = replace(request, deadline=None)
        standard = self._means.plan()
        plan = standard if self._means.reaching is None else batched_plan(standard, self._means.settings)
        plan = replace(plan, audits=None)
        birth = Birth(line.birth, line.created)
        entry = Entry(line, request, plan, standard, cascade(request, plan, birth), self._journal.was_sent(line.id))
        self._live.add(entry)
        self._ready.append((entry, None, None))

    @property
    def busy(self) -> bool:
        """Whether anything is left to do. A batch whose requests are gone is not waited for."""
        return bool(self._live)

    def advance(self) -> float:
        """Do all that can be done now; the seconds until there is more, infinite when only a call has to come back."""
        self._shell = self._means.shell()
        while True:
            self._collect()
            while self._ready:
                entry, value, error = self._ready.popleft()
                self._go_on(entry, value, error)
            self._write_down()
            for back in self._batches.advance():
                self._take(back)
            if self._ready or not self._answers.empty():
                continue
            flushed = self._flush()
            if not flushed:
                break
        now = self._means.clock()
        due = min(self._batches.due, self._later[0][0] if self._later else math.inf, self._flush_due())
        return max(due - now, 0.0)

    def wait(self, seconds: float) -> None:
        """Wait until something may have to be done."""
        self.wake.wait(None if seconds == math.inf else seconds)
        self.wake.clear()

    def close(self) -> None:
        """Let go of all cores; the journal knows how to go on."""
        self._pool.shutdown(cancel_futures=True)
        for entry in self._live:
            entry.core.close()
        self._live.clear()

    def _collect(self) -> None:
        now = self._means.clock()
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
        while True:
            try:
                entry, future = self._answers.get_nowait()
            except Empty:
                return
            self._direct -= 1
            error = future.exception()
            if isinstance(error, BatchError):
                raise error
            self._ready.append((entry, None if error else future.result(), error))

    def _go_on(self, entry: Entry, value: Any, error: BaseException | None) -> None:
        while True:
            try:
                op = entry.core.send(value) if error is None else entry.core.throw(error)
            except StopIteration as stop:
                self._done(entry, stop.value)
                return
            except Exception as raised:  # noqa: BLE001
                self._done(entry, raised)
                return
            value = error = None
            try:
                value = self._perform(entry, op)
            except BatchError:
                raise  # the journal is away: no fault of the request, which is kept in it
            except Exception as raised:  # noqa: BLE001
                error = raised
            if value is _PARKED:
                return

    def _perform(self, entry: Entry, op: Op[Any]) -> Any:
        if isinstance(op, Send):
            return self._send(entry, op)
        if isinstance(op, Sleep):
            return self._sleep(entry, op.seconds)
        if isinstance(op, Spare):
            return False
        if isinstance(op, Fetch | Nearest) and entry.resumed:
            return Fetched()  # its own answer may be there, which was not written down as paid for
        if isinstance(op, Fetch):
            return self._fetch(entry, op)
        if isinstance(op, Keep):
            note = self._shell[Keep](op)
            self._made(self._sharing.made(op.key))
            return note
        if isinstance(op, Enter | Leave | Reserve | Settle):
            return self._gate(entry, op)
        if isinstance(op, Survey):
            return self._survey(entry, op)
        if isinstance(op, Append):
            return self._append(entry, op)
        return self._shell[type(op)](op)

    def _send(self, entry: Entry, op: Send) -> Any:
        place = self._placed(entry, op)
        entry.asked[place.key] += 1
        entry.place = place
        slow = self._means.reaching is not None and is_batched(_standard(entry, op), self._means.settings)
        known = self._journal.sent(place)
        entry.batched = entry.batched or (slow and known is not None)
        if known is not None and known.raw is not None:
            entry.replaying = True
            return self._verified(op, answer_of(op, known.raw))
        entry.replaying = False
        if entry.posture is not None and entry.line.posture is None:
            self._journal.surveyed(entry.line.id, json.dumps(asdict(entry.posture)))
        if not slow:
            if known is not None:
                entry.notes.append(
                    f"{op.tier.name} was asked again: a process had ended during the call, which may have been billed."
                )
            self._ask(entry, op, place)
            return _PARKED
        parked = Parked(owner=entry, send=op, place=place, item=item_of(op), since=self._means.clock())
        entry.batched = True
        if known is not None and known.custom_id is not None and self._batches.holds(known.intent):
            self._batches.join(str(known.intent), known.custom_id, parked)
        else:
            self._parked.setdefault(op.tier.name, []).append(parked)
        return _PARKED

    def _ask(self, entry: Entry, op: Send, place: Place) -> None:
        """Make a call directly, in the hours for it."""
        settings = self._means.settings
        if settings.off_peak is not None and op.tier.name in (settings.off_peak_tiers or (op.tier.name,)):
            pause = settings.off_peak.wait(self._means.wall())
            if pause > 0:
                self._at(self._means.clock() + pause, lambda: self._ask(entry, op, place))
                return
        self._journal.begin(place)
        self._direct += 1
        future = self._pool.submit(self._called, op, place)

        def back(done: Future[Completion]) -> None:
            self._answers.put((entry, done))
            self.wake.set()

        future.add_done_callback(back)

    def _called(self, op: Send, place: Place) -> Completion:
        try:
            answer: Completion = self._shell[Send](op)
        except ProviderError as error:
            self._journal.keep(place, kept_error(error))
            raise
        self._journal.keep(place, kept(answer))
        return answer

    def _verified(self, op: Send, answer: Completion) -> Completion:
        return answer if answer.verified is not None else self._means.verified(op, answer)

    def _take(self, back: Back) -> None:
        entry: Entry = back.parked.owner
        if back.error is not None:
            self._ready.append((entry, None, back.error))
        elif back.raw is None:
            self._parked.setdefault(back.parked.send.tier.name, []).append(back.parked)
        else:
            try:
                answer = self._verified(back.parked.send, answer_of(back.parked.send, back.raw, latency=back.latency))
            except Exception as error:  # noqa: BLE001
                self._ready.append((entry, None, error))
            else:
                self._ready.append((entry, answer, None))

    def _flush(self) -> bool:
        """Send off what is parked, if nothing is to join it soon."""
        if not any(self._parked.values()) or self._flush_due() > self._means.clock():
            return False
        parked, self._parked = self._parked, {}
        for each in parked.values():
            self._batches.begin(each[0].send.tier, each)
        return True

    def _flush_due(self) -> float:
        """When the parked calls are to go: at once, unless others are soon to be made."""
        sinces = [each.since for parked in self._parked.values() for each in parked]
        if not sinces:
            return math.inf
        latest = min(sinces) + self._means.settings.window
        soon = self._direct > 0 or any(when <= latest for when, _, _ in self._later)
        return latest if soon else -math.inf

    def _gate(self, entry: Entry, op: Enter | Leave | Reserve | Settle) -> Any:
        """A call that was made by an earlier process passes no gate again; one that it paid is not paid again."""
        if isinstance(op, Enter | Reserve):
            known = self._journal.sent(self._placed(entry, Send(op.tier, op.request, 0.0, live=False)))
            replayed = known is not None and known.raw is not None
            if replayed and isinstance(op, Enter):
                return Turn(ticket=_REPLAYED)
            if known is not None and replayed and known.settled:
                return Grant(id=_REPLAYED)
            return self._shell[type(op)](op)
        if isinstance(op, Leave):
            return None if op.ticket == _REPLAYED else self._shell[Leave](op)
        if op.grant.id == _REPLAYED:
            return None
        note = self._shell[Settle](op)
        if entry.place is not None:
            self._journal.settle(entry.place)
        return note

    def _fetch(self, entry: Entry, op: Fetch) -> Any:
        found = self._sharing.fetched(entry, op, self._shell[Fetch])
        return _PARKED if found is None else found

    def _made(self, entries: Iterable[tuple[Entry, Fetch]]) -> None:
        """Let those look again who waited for an answer; the first of them makes it, where there still is none."""
        for entry, op in entries:
            found = self._fetch(entry, op)
            if found is not _PARKED:
                self._ready.append((entry, found, None))

    def _survey(self, entry: Entry, op: Survey) -> Posture:
        if entry.line.posture is not None:
            plain = json.loads(entry.line.posture)
            entry.posture = Posture(**{**plain, "notes": tuple(plain["notes"])})
        else:
            entry.posture = self._shell[Survey](op)
        return entry.posture

    def _append(self, entry: Entry, op: Append) -> Any:
        decision = replace(op.decision, notes=(*op.decision.notes, *entry.notes))
        if entry.batched:
            plan = entry.standard
            decision = reckoned(replace(decision, batch=True), plan.ladder, best_single=plan.best_single)
        entry.decision = decision
        return self._shell[Append](Append(decision, op.request))

    def _sleep(self, entry: Entry, seconds: float) -> Any:
        if entry.replaying or seconds <= 0:
            return None
        self._at(self._means.clock() + seconds, lambda: self._ready.append((entry, None, None)))
        return _PARKED

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._later, (when, next(self._ticks), act))

    def _placed(self, entry: Entry, op: Send) -> Place:
        key = key_of(op)
        return Place(entry.line.id, key, entry.asked[key])

    def _done(self, entry: Entry, came: Response | Exception) -> None:
        self._made(self._sharing.left(entry))
        if isinstance(came, Response) and entry.decision is not None:
            came = replace(came, decision=entry.decision)
        self._outcomes[entry] = (outcome_of(entry.line, came, entry.decision, entry.standard.ladder), came)

    def _write_down(self) -> None:
        """Write the outcomes down, many at once: each is a flush of the disk."""
        if self._outcomes:
            self._journal.finish({entry.line.id: outcome for entry, (outcome, _) in self._outcomes.items()})
            done, self._outcomes = self._outcomes, {}
            for entry, (_, came) in done.items():
                self._live.discard(entry)
                self._finished(entry, came)


def _standard(entry: Entry, op: Send) -> Tier:
    """The tier as the configuration has it."""
    return next(tier for tier in entry.standard.ladder.tiers if tier.name == op.tier.name)
