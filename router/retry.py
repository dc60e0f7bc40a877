"""One tier, asked until it answers or may not be asked again.

All retry rules are here; the vendors' clients are told not to retry, because they would sleep past a deadline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from zlib import crc32

from router.errors import ProviderError
from router.ops import Now, Send, Sleep
from router.tiers import Tier
from router.types import Completion, Request

FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What asking a tier came to: its completion, its last error, or None when there was no time to ask at all;
    the calls made, and the seconds they and the waits between them took.
    """

    outcome: Completion | ProviderError | None
    calls: int
    latency: float


async def ask(tier: Tier, request: Request, *, seed: str, expires: float, live: bool) -> Asked:
    """Ask ``tier``, again after passing faults: at most ``tier.retries`` times, never past ``expires``.

    ``expires`` is on the monotonic clock. Retry-After is honoured in full when it ends before the deadline and
    within the tier's own timeout; otherwise the tier is given up at once, so that another one can answer.
    ``seed`` makes the jitter of the waits reproducible.
    """
    began = now = await Now()
    longest = math.inf if request.deadline is None else request.deadline
    calls = 0
    while True:
        left = min(expires - now, longest)  # a clock set back must not lengthen the deadline
        if left <= 0 and calls == 0:
            return Asked(None, 0, 0.0)
        calls += 1
        try:
            completion = await Send(tier, request, min(tier.timeout, left), live)
        except ProviderError as error:
            now = await Now()
            wait = _wait(error, calls, seed)
            patience = min(expires - now, tier.timeout)
            if not error.retryable or error.shown or calls > tier.retries or wait >= patience:
                return Asked(error, calls, max(now - began, 0.0))
            await Sleep(wait)
            now = await Now()
        else:
            return Asked(completion, calls, max(await Now() - began, 0.0))


def _wait(error: ProviderError, calls: int, seed: str) -> float:
    """Seconds before the next call: what the server asked for, else twice as long each time, less some jitter."""
    asked = error.retry_after
    if asked is not None and math.isfinite(asked) and asked >= 0:
        return asked
    jitter = crc32(f"{seed}:{error.tier}:{calls}".encode()) / 2**32
    return min(FIRST_WAIT * 2.0 ** (calls - 1), LONGEST_WAIT) * (1 - 0.25 * jitter)
