"""The router: a plan, the clients and the ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack, cast

from router import config as configuration
from router.abtest.entering import entered
from router.analytics import Costs, Prices
from router.batching import Batching
from router.bundle import PolicyBundle
from router.cache.clearing import cleared
from router.cascade import cascade
from router.config import Config
from router.decision import Decision, Response
from router.drivers import Core, arun, astream, run, run_many, stream
from router.enhancement import aeach, asked_again, each, enhancing, raised
from router.errors import InputError
from router.in_force import InForce
from router.ledger import Label, Ledger
from router.ledger.feedback import record
from router.ledger.label import Source
from router.levers import Levers
from router.opening import Opening, embedded, opening, outline
from router.ops import Look
from router.options import Options, Prompt, Submitted, request_of
from router.plan import Plan
from router.planning import ledger_of
from router.policy import Run
from router.providers.clients import Clients
from router.shell import Outside, Provider, born
from router.shorten.shortening import shortened
from router.steps import Step, awork, stepped, work
from router.streaming import Stream
from router.types import Request
from router.verifying import Verifier, Verify, verify_named

if TYPE_CHECKING:
    from router.batch.running import Summary
    from router.batch.submitting import Ticket


class Router:
    """Routes prompts to the cheapest tier that will do. Safe to share between threads.

    Make one with :meth:`from_config`. Every method that takes a prompt takes :class:`router.options.Options` as
    keyword arguments. A ``plan`` that is given here is in force until another is read.
    """

    def __init__(
        self,
        config: Config,
        *,
        plan: Plan | InForce,
        provider: Provider,
        ledger: Ledger | None = None,
        bundle: PolicyBundle | None = None,
        verify: Verify | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.ledger = ledger
        self._provider = provider
        self._in_force = plan if isinstance(plan, InForce) else InForce(config, plan, bundle=bundle, clock=clock)
        self._outside = Outside(
            provider,
            in_force=self._in_force,
            levers=Levers(config),
            ledger=ledger,
            verifier=None if verify is None else Verifier(verify),
            clock=clock,
            sleep=sleep,
        )
        self._batching = Batching(self._in_force, self._outside)

    @classmethod
    def from_config(
        cls,
        source: str | Path | Config | None = None,
        *,
        provider: Provider | None = None,
        bundle: PolicyBundle | None = None,
        verify: Verify | None = None,
    ) -> Self:
        """A router from a TOML file, or from a :class:`Config`.

        Without ``source`` the file is ``$TIERWISE_CONFIG``, ``./tierwise.toml`` or the user's own. ``provider``
        takes the place of the real clients, ``bundle`` that of the one the configuration names, and ``verify`` that of
        its `verify`: a function of the prompt and the answer whose number, the larger the better, the confidence
        scorer reads as the signal "verified". It may be a coroutine function; None says nothing.

        Raises:
            ConfigError: the configuration needs a change; the message says which.
            BundleError: the bundle that it names is missing, damaged or made for other tiers.
            LedgerError: the ledger cannot be opened; nothing has been spent yet.
        """
        config = source if isinstance(source, Config) else configuration.load(source)
        in_force = InForce.read(config, bundle=bundle)
        if verify is None and config.policy.verify is not None:
            verify = verify_named(config.policy.verify)
        ledger = ledger_of(config)
        if ledger is not None:
            ledger.open()
        return cls(config, plan=in_force, provider=provider or Clients(), ledger=ledger, verify=verify)

    @property
    def costs(self) -> Costs:
        """What requests cost, for whom, and what the levers saved; read from the ledger.

        Raises:
            InputError: the ledger is switched off.
        """
        if self.ledger is None:
            raise InputError("the ledger is switched off in the configuration, so there are no costs to read")
        return Costs(self.ledger, units=self.config.report, prices=Prices.of(self.config.tiers))

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._in_force.config

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._in_force.plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._in_force.replace(plan)

    def route(self, prompt: Prompt, **options: Unpack[Options]) -> Response:
        """Answer ``prompt`` with the cheapest model that will do.

        Raises:
            InputError: the request cannot be served as written; nothing was spent.
            ProviderError, AllTiersFailed, DeadlineExceeded: no answer; ``error.decision`` says what was tried.
            LedgerError: the answer was paid for but not written down; ``error.response`` holds it.
        """
        return run(self._core(self._request(prompt, options)), self._outside.shell)

    async def aroute(self, prompt: Prompt, **options: Unpack[Options]) -> Response:
        """:meth:`route`, on the running event loop."""
        return await arun(self._core(self._request(prompt, options)), self._outside.ashell())

    def route_many(
        self,
        prompts: Iterable[Prompt],
        *,
        workers: int = 8,
        **options: Unpack[Options],
    ) -> Iterator[Response | Exception]:
        """Answer many prompts, ``workers`` at a time, yielding in their order.

        A request that failed yields its error in its place, so that one does not lose the others. Iterating starts
        the work; prompts are taken as workers come free, so ``prompts`` may be endless.
        """
        if workers < 1:
            raise InputError(f"workers must be at least 1, not {workers}")

        def made(prompt: Prompt) -> Callable[[], Core[Response]]:
            return lambda: self._core(self._request(prompt, options))

        return run_many(map(made, prompts), self._outside.shell, workers=workers)

    def submit(self, prompt: Prompt, **options: Unpack[Submitted]) -> Ticket:
        """Have ``prompt`` answered without waiting: ``ticket.result(timeout)`` waits.

        With ``priority="batch"``, as it is unless said otherwise, it is collected with others, as `[batch]` says, and
        goes through the providers' batch APIs at batch prices: within a day. With another it begins at once.

        Raises:
            InputError: the request cannot be served as written.
            ConfigError: there is no `[batch]` with a `path` for the journal.
            BatchError: the journal cannot be written, or another process has it.
        """
        given = options.get("priority", "batch")
        rest = cast(
            "Options", {name: value for name, value in options.items() if (name, value) != ("priority", "batch")}
        )
        request = self._request(prompt, rest)
        if given == "batch":
            return self._batching.submit(request)
        return self._batching.at_once(lambda: run(self._core(request), self._outside.shell))

    def batch(
        self,
        source: str | Path,
        *,
        out: str | Path,
        resume: bool = False,
        report: Callable[[str], None] = lambda _: None,
    ) -> Summary:
        """Answer every line of the file ``source`` through the providers' batch APIs: :func:`router.batch.run_file`."""
        return self._batching.run(Path(source), out=Path(out), resume=resume, report=report)

    def collect(self) -> int:
        """Wait for all that was submitted with priority "batch", by an earlier process too; how many requests."""
        return self._batching.collect()

    def decide(self, prompt: Prompt, **options: Unpack[Options]) -> Decision:
        """Say which tier would be asked first, and why. Nothing is sent, spent or written."""
        request = self._request(prompt, options)
        in_force, birth = self._in_force, born()
        if in_force.watching:
            in_force.look()
        taken = entered(request, in_force.plan, birth)
        request, plan = taken.request, taken.plan
        short = None
        if plan.shorten is not None:  # the classifier reads what would be sent
            short = run(shortened(request, plan.shorten, plan.assessor), self._outside.shell)
            request = short.request
        opened = opening(request, plan) if plan.embedder is None else self._opened(request, plan)
        first = opened.rule.next(opened.state)
        assert isinstance(first, Run)
        decision = outline(request, plan, birth, opened, first)
        return decision if short is None else replace(decision, shortened=short.told, notes=short.notes)

    def stream(self, prompt: Prompt, **options: Unpack[Options]) -> Stream:
        """Answer ``prompt`` as an iterator over text, never showing a draft that is then rejected.

        Text comes as it is made from a tier that cannot be escalated from; otherwise all at once, when the
        answer has been accepted. ``stream.response`` holds the response after the last piece.
        """
        request = self._request(prompt, options)
        return Stream(stream(lambda: self._core(request), self._outside.shell, self._outside.live))

    def astream(self, prompt: Prompt, **options: Unpack[Options]) -> AsyncIterator[str | Response]:
        """:meth:`stream`, on the running event loop; the last item is the :class:`Response`."""
        request = self._request(prompt, options)
        return astream(lambda: self._core(request), self._outside.ashell(), self._outside.alive)

    def upgrade(self, response: Response, prompt: Prompt | None = None, **options: Unpack[Options]) -> Response:
        """Answer ``prompt`` again, by a stronger tier than answered ``response``; both decisions are linked.

        Without ``prompt`` it is what the ledger kept of the request, which may have been told to keep no text.

        Raises:
            InputError: no stronger tier may answer, or there is no prompt.
        """
        return run(self._upgraded(response, prompt, options), self._outside.shell)

    async def aupgrade(self, response: Response, prompt: Prompt | None = None, **options: Unpack[Options]) -> Response:
        """:meth:`upgrade`, on the running event loop."""
        core = await asyncio.to_thread(self._upgraded, response, prompt, options)
        return await arun(core, self._outside.ashell())

    def enhance(self, prompt: Prompt, **options: Unpack[Options]) -> Iterator[Response]:
        """Answer ``prompt`` at once, and once more where the policy thinks that it pays: one response or two.

        The first is the first answer that any tier gives. Where :meth:`route` would have gone on to a stronger tier,
        the second is that tier's, or of one above it; it is asked when the second is asked for, and not paid for by
        who stops before. Each has its decision, and the second's is linked to the first's as an upgrade's.

        Raises:
            As :meth:`route`; where the second fails, the first has been given.
        """
        return each(enhancing(self._request(prompt, options), self._core), self._outside.shell)

    def aenhance(self, prompt: Prompt, **options: Unpack[Options]) -> AsyncIterator[Response]:
        """:meth:`enhance`, on the running event loop."""
        return aeach(enhancing(self._request(prompt, options), self._core), self._outside.ashell())

    def feedback(
        self,
        given: Response | str,
        quality: float,
        *,
        tier: str | None = None,
        source: Source = "human",
        judge: str | None = None,
        weight: float = 1.0,
    ) -> Label:
        """Write down how good an answer was: 0 useless, 1 as good as can be. Training reads it.

        ``given`` is the response or its decision's id; without ``tier`` the label is for the answer that was returned.

        Raises:
            InputError: the ledger is switched off or has no such answer, or a value is outside its range.
            LedgerError: the label could not be written.
        """
        if self.ledger is None:
            raise InputError("the ledger is switched off in the configuration, so there is nothing to label")
        id = given if isinstance(given, str) else given.decision.id
        return record(self.ledger, id, quality, tier=tier, source=source, judge=judge, weight=weight)

    def step(
        self,
        name: str,
        inputs: Any,
        call: Callable[[Any], Any],
        *,
        ttl: float | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Any:
        """``call(inputs)``, one step of a workflow, cached by ``name`` and content as `[cache]` says.

        Inputs and result are what JSON can hold. ``ttl`` is in seconds; without it the configuration's rules for
        ``tags`` hold. Of concurrent equal steps one works. Without `[cache]` it always works.

        Raises:
            InputError: the inputs or the result are not JSON.
        """
        step = Step(name=name, inputs=inputs, call=call, ttl=ttl, tags=tags or {})
        return run(stepped(step, self.plan.cache), work(self._outside.shell, time.time))

    async def astep(
        self,
        name: str,
        inputs: Any,
        call: Callable[[Any], Any],
        *,
        ttl: float | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Any:
        """:meth:`step`, on the running event loop; a coroutine function is awaited, another works in a thread."""
        step = Step(name=name, inputs=inputs, call=call, ttl=ttl, tags=tags or {})
        return await arun(stepped(step, self.plan.cache), awork(self._outside.ashell(), time.time))

    def clear_cache(self, tag: str | None = None, value: str | None = None) -> int | None:
        """Forget the cached answers to requests whose ``tag`` was ``value``, all without one.

        How many they were, None where the store cannot know. An answer that is being made meanwhile is kept.

        Raises:
            InputError: there is no cache, or one of ``tag`` and ``value`` is missing.
            CacheError: its store cannot be reached.
        """
        return run(cleared(self.plan.cache, tag, value), self._outside.shell)

    def reload(self) -> None:
        """Read the configuration and the bundle again; requests under way finish with the old ones.

        What is invalid is refused with the error that :meth:`from_config` gives, and the old plan stays. The
        ledger and the `verify` function stay those that were opened, and a bundle that was given to ``from_config``
        stays in force. With `watch` in the configuration a new bundle is taken up without this.
        """
        self._in_force.reload()
        self._outside.update(self.config)

    def fall_back(self, reason: str) -> None:
        """Put the safer policy that `fallback` names in force, or always the strongest tier, until :meth:`recover`.

        Decisions made meanwhile tell ``reason``, and their policy version ends in "+fallback".
        """
        self._in_force.fall_back(reason)

    def recover(self) -> None:
        """Put the trained policy in force again; an alarm that is there now is not heard again, a new one is."""
        self._in_force.recover()

    def close(self) -> None:
        """Finish audits under way, and let go of connections, models and the ledger.

        What was submitted with priority "batch" and is not answered stays in its journal, for the next router.
        """
        self._batching.close()
        self._outside.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def aclose(self) -> None:
        """:meth:`close`, on the event loop that made the calls."""
        await asyncio.to_thread(self._batching.close)
        await self._outside.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _opened(self, request: Request, plan: Plan) -> Opening:
        """What is known before the first call, when the prompt has to be embedded for it."""
        return opening(request, plan, run(embedded(request, plan), self._outside.shell))

    def _request(self, prompt: Prompt, options: Options) -> Request:
        return self.config.defaults.apply(request_of(prompt, options))

    def _upgraded(self, response: Response, prompt: Prompt | None, options: Options) -> Core[Response]:
        request = self.config.defaults.apply(asked_again(response, prompt, options, self.ledger))
        return self._core(raised(request, response, self.plan.ladder), upgraded_from=response.decision.id)

    def _core(
        self, request: Request, *, upgraded_from: str | None = None, shape: Callable[[Plan], Plan] | None = None
    ) -> Core[Response]:
        if self._in_force.watching:
            return self._watchful(request, upgraded_from, shape)
        return self._begun(request, upgraded_from, shape)

    def _begun(
        self, request: Request, upgraded_from: str | None, shape: Callable[[Plan], Plan] | None
    ) -> Core[Response]:
        birth = born(upgraded_from)
        taken = entered(request, self._in_force.plan, birth)
        return cascade(taken.request, taken.plan if shape is None else shape(taken.plan), birth)

    async def _watchful(
        self, request: Request, upgraded_from: str | None, shape: Callable[[Plan], Plan] | None
    ) -> Response:
        await Look()
        return await self._begun(request, upgraded_from, shape)
