"""A better answer after the first one: asked for by the caller, or where the rule thinks that it pays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from router.decision import Response
from router.drivers import AsyncShell, Core, Shell, arun, run
from router.errors import InputError
from router.ledger import Ledger, reading
from router.options import Options, Prompt, request_of
from router.plan import Plan
from router.policy import Rule, Run, State, Step, Stop
from router.tiers import Ladder
from router.types import Request

Flow = Generator[Core[Response], Response, None]
"""Cores to perform in turn; each response is sent back before the next."""


class Begin(Protocol):
    """Begins a request: ``shape`` is what becomes of the plan that it is routed by."""

    def __call__(
        self, request: Request, *, upgraded_from: str | None = None, shape: Callable[[Plan], Plan] | None = None
    ) -> Core[Response]:
        """The core to perform."""
        ...


class AtOnce:
    """Makes of a plan one whose first answer is returned, whatever it is. For one request.

    ``tier`` is the one that the plan's own rule would have asked next, None where the answer would do, or is not there
    yet.
    """

    def __init__(self) -> None:
        self.tier: str | None = None

    def plan(self, plan: Plan) -> Plan:
        """The plan; without audits, which would ask the tier that is asked next."""

        def first(rule: Rule) -> Rule:
            return _First(rule, partial(self._onward, plan.ladder))

        profiles = None if plan.profiles is None else {name: first(rule) for name, rule in plan.profiles.items()}
        return replace(plan, rule=first(plan.rule), profiles=profiles, audits=None)

    def _onward(self, ladder: Ladder, step: Run) -> None:
        self.tier = ladder.names[step.rank]


class _First:
    """A rule that stops at the first answer, and tells ``onward`` where ``rule`` would not have."""

    def __init__(self, rule: Rule, onward: Callable[[Run], None]) -> None:
        self._rule = rule
        self._onward = onward

    def next(self, state: State) -> Step:
        step = self._rule.next(state)
        if not state.run or isinstance(step, Stop):
            return step
        self._onward(step)
        # The bar that it missed stays with it, so that nobody takes it for an answer that was good enough.
        bar = 1.0 if step.threshold is None else step.threshold
        return Stop(state.run[-1], f"it is shown at once, before a stronger tier is asked: {step.reason}", bar)

    def final(self, state: State, rank: int) -> bool:
        del rank
        return not state.run

    def as_dict(self) -> dict[str, Any]:
        return self._rule.as_dict()


def enhancing(request: Request, begin: Begin) -> Flow:
    """The first answer to ``request``, then that of a stronger tier where the plan's rule would have gone on."""
    first = AtOnce()
    response = yield begin(request, shape=first.plan)
    if first.tier is not None:
        yield begin(replace(request, floor=first.tier), upgraded_from=response.decision.id)


def each(flow: Flow, shell: Shell) -> Iterator[Response]:
    """Perform ``flow`` in this thread, a response at a time; what is not asked for is not begun."""
    core = next(flow)
    while True:
        response = run(core, shell)
        yield response
        try:
            core = flow.send(response)
        except StopIteration:
            return


async def aeach(flow: Flow, shell: AsyncShell) -> AsyncIterator[Response]:
    """:func:`each`, on the running event loop."""
    core = next(flow)
    while True:
        response = await arun(core, shell)
        yield response
        try:
            core = flow.send(response)
        except StopIteration:
            return


def raised(request: Request, response: Response, ladder: Ladder) -> Request:
    """``request`` as it is asked of a stronger tier than answered ``response``.

    Raises:
        InputError: nothing was answered, or there is no stronger tier.
    """
    tier = response.decision.tier
    rank = ladder.rank(tier or "", where="response.decision.tier")
    if rank + 1 >= len(ladder):
        raise InputError(f"{tier!r} is the strongest tier; there is nothing to upgrade to")
    floor = rank + 1 if request.floor is None else max(rank + 1, ladder.rank(request.floor, where="floor"))
    return replace(request, floor=ladder.names[floor])


def asked_again(response: Response, prompt: Prompt | None, options: Options, ledger: Ledger | None) -> Request:
    """The request that ``response`` answered, as far as it is not given: the ledger's, as it was sent.

    Raises:
        InputError: there is no ``prompt``, and the ledger has not kept it.
        LedgerError: the ledger cannot be read.
    """
    if prompt is not None:
        return request_of(prompt, options)
    id = response.decision.id
    entry = None if ledger is None else ledger.read(lambda connection: reading.find(connection, id))
    if entry is None or entry.request is None:
        raise InputError(f"the ledger has kept no text of decision {id!r}; pass the prompt again")
    kept = entry.request
    own: Options = {
        "max_tokens": kept.max_tokens,
        "temperature": kept.temperature,
        "stop": kept.stop,
        "response_format": kept.response_format,
        "tools": kept.tools,
        "tags": kept.tags,
        "user": kept.user,
        "session": kept.session,
        "profile": kept.profile,
    }
    return request_of(kept.messages, {**own, **options})
