"""One tier, asked until it answers or may not be asked again.

All retry rules are here; the vendors' clients are told not to retry, because they would sleep past a deadline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from zlib import crc32

from router.errors import BudgetExceeded, ConfigError, ProviderError, Throttled
from router.gates import Gates, send_within
from router.ops import Now, Send, Sleep
from router.output.bounding import unbound
from router.tiers import Tier
from router.types import Completion, Request, Usage

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking a tier came to.

    ``outcome``: its completion, the error that ended it, or None when there was no time to ask at all. ``calls``:
    the requests sent. ``latency``: the seconds they and the waits between them took. ``billed``: what failed calls
    were billed for, where the provider said so. ``notes``: what the gates said.
    """

    outcome: Completion | BaseException | None
    calls: int
    latency: float
    billed: tuple[Usage, ...] = ()
    notes: tuple[str, ...] = ()


async def ask(
    tier: Tier, request: Request, *, seed: str, expires: float, live: bool, gates: Gates | None = None
) -> Asked:
    """Ask ``tier``, again after passing faults: at most ``tier.retries`` times, never past ``expires``.

    ``expires`` is on the monotonic clock. Retry-After is honoured in full when it ends before the deadline and
    within the tier's own timeout; otherwise the tier is given up at once, so that another one can answer.
    Each call passes the ``gates``. ``seed`` makes the jitter of the waits reproducible. Every error is returned, none
    raised, so that the caller can write down what was sent before it goes on.
    """
    began = now = await Now()
    longest = math.inf if request.deadline is None else request.deadline
    calls = 0
    billed: tuple[Usage, ...] = ()
    error: BaseException | None = None
    notes: list[str] = []
    while True:
        left = min(expires - now, longest)  # a clock set back must not lengthen the deadline
        if left <= 0:
            break
        calls += 1
        try:
            sending = Send(tier, request, min(tier.timeout, left), live)
            completion = await send_within(gates, sending, expires=expires, notes=notes)
        except GeneratorExit:
            raise
        except ProviderError as failure:
            error = failure
            billed += () if failure.usage is None else (failure.usage,)
            now = await Now()
            wait = _wait(failure, calls, seed)
            patience = min(expires - now, tier.timeout)
            if not failure.retryable or failure.shown or calls > tier.retries or wait >= patience:
                break
            try:
                await Sleep(wait)
            except GeneratorExit:
                raise
            except BaseException as interrupt:  # noqa: BLE001
                error = interrupt
                break
            now = await Now()
        except BaseException as interrupt:  # noqa: BLE001
            error = interrupt
            if isinstance(interrupt, ConfigError | BudgetExceeded | Throttled):
                calls -= 1  # it was found before anything was sent
            break
        else:
            return Asked(completion, calls, max(await Now() - began, 0.0), billed, tuple(notes))
    return Asked(error, calls, max(await Now() - began, 0.0), billed, tuple(notes))


async def ask_whole(
    tier: Tier, request: Request, sent: Request, *, seed: str, expires: float, live: bool, gates: Gates | None = None
) -> Asked:
    """:func:`ask` for ``sent``, which may be bounded more tightly than ``request``, the caller's.

    An answer that is cut off at our bound is no answer: the tier is asked once more, with the caller's bound. Where
    that gives none, the first stands, and says that it was cut off. What may be asked again is not shown as it comes.
    """
    tighter = sent.max_tokens != request.max_tokens
    first = await ask(tier, sent, seed=seed, expires=expires, live=live and not tighter, gates=gates)
    cut = first.outcome
    whole = unbound(request, sent, tier, cut) if isinstance(cut, Completion) else None
    if whole is None or not isinstance(cut, Completion):
        return first
    told = f"{tier.name}'s answer was cut off at {sent.max_tokens} tokens, the bound of [output]"
    again = await ask(tier, whole, seed=seed, expires=expires, live=live, gates=gates)
    shown = isinstance(again.outcome, ProviderError) and again.outcome.shown
    lost = again.outcome is None or isinstance(again.outcome, ProviderError | BudgetExceeded | Throttled)
    if lost and not shown:
        note = f"{told}, and there is no whole one: {again.outcome or 'the deadline left no time'}."
        outcome: Completion | BaseException | None = cut
        billed = (*first.billed, *again.billed)
    else:
        note = f"{told}, and it was asked for again without it."
        outcome = again.outcome
        billed = (*first.billed, *(() if cut.usage is None else (cut.usage,)), *again.billed)
    return Asked(
        outcome,
        first.calls + again.calls,
        first.latency + again.latency,
        billed,
        (*first.notes, *again.notes, note),
    )


def _wait(error: ProviderError, calls: int, seed: str) -> float:
    """Seconds before the next call: what the server asked for, else twice as long each time, less some jitter."""
    asked = error.retry_after
    if asked is not None and math.isfinite(asked) and asked >= 0:
        return asked
    jitter = crc32(f"{seed}:{error.tier}:{calls}".encode()) / 2**32
    return min(FIRST_WAIT * 2.0 ** (calls - 1), LONGEST_WAIT) * (1 - 0.25 * jitter)
