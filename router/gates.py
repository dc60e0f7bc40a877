"""The gates of one call: rate limits first, since one may wait there, then budgets; both settled when it is over."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from router.budget.ops import Grant, Reserve, Settle
from router.budget.settings import BudgetSettings
from router.errors import BudgetExceeded, ProviderError, RateLimited, Throttled
from router.limits.ops import Enter, Leave, Turn
from router.limits.settings import LimitSettings
from router.ops import Now, Send, Sleep
from router.tiers import Tier
from router.types import Completion, Request, Usage

_PER_MESSAGE = 16  # tokens that a chat template adds to each message, generously
_TEMPLATE = 96  # tokens that it says before all of them: Llama 3.1's some 30, gpt-oss's some 70
_PREAMBLE = (
    600  # tokens of a provider's own words on tools or on a form: Anthropic bills 159 to 530 for tools, by model
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Which gates a call has to pass."""

    budgets: BudgetSettings | None = None
    limits: LimitSettings | None = None


@dataclass(slots=True)
class Passage:
    """What one call has passed; ``most`` nano-dollars were set aside for it."""

    turn: Turn | None = None
    grant: Grant | None = None
    most: int = 0
    notes: list[str] = field(default_factory=list)


def most_tokens(request: Request) -> int:
    """More tokens than the prompt can have: a token holds at least a byte, and templates and providers add some."""
    texts = [message.content for message in request.messages]
    texts += [call.name + call.arguments for message in request.messages for call in message.tool_calls]
    texts += [f"{tool.name}{tool.description}{tool.parameters}" for tool in request.tools]
    if request.response_format is not None:
        texts.append(str(request.response_format.schema))
    added = _TEMPLATE + _PER_MESSAGE * (len(request.messages) + len(request.tools))
    if request.tools or request.response_format is not None:
        added += _PREAMBLE
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) + added


def likely_tokens(request: Request, tier: Tier) -> int:
    """Tokens of the prompt and of the longest answer allowed, at four characters each: what a rate limit counts."""
    return sum(len(message.content) for message in request.messages) // 4 + (request.max_tokens or tier.max_tokens)


async def send_within(gates: Gates | None, op: Send, *, expires: float, notes: list[str]) -> Completion:
    """Perform ``op`` once the gates let it; ``expires`` is on the monotonic clock, ``notes`` gain what bore on it.

    Raises:
        Throttled: a limit leaves no room in time; nothing was sent.
        BudgetExceeded: a budget does not allow it; nothing was sent.
        ProviderError: the call failed.
    """
    if gates is None:
        return await op
    passage = Passage(notes=notes)
    try:
        op = await _entered(gates, op, passage, expires)
        await _reserved(gates, op, passage)
        answer = await op
    except GeneratorExit:
        raise  # nothing more may be awaited: what was set aside runs out by itself
    except BaseException as error:
        billed = error.usage if isinstance(error, ProviderError) else None
        await _left(op, passage, billed or Usage(), error)  # as the decision: what nobody said was billed costs nothing
        raise
    await _left(op, passage, answer.usage, None)
    return answer


async def _entered(gates: Gates, op: Send, passage: Passage, expires: float) -> Send:
    """Wait for a turn; what is sent then has the time that is left."""
    if gates.limits is None:
        return op
    tokens, place, waited = likely_tokens(op.request, op.tier), None, 0.0
    left = math.inf if expires == math.inf else expires - await Now()
    while True:
        turn = await Enter(op.request, op.tier, tokens, place, left)
        passage.notes += turn.notes
        passage.turn, place = turn, turn.place
        if turn.ticket is not None:
            if not waited:
                return op
            passage.notes.append(f"It waited {waited:.2f} s for a turn at {op.tier.name}.")
            return replace(op, timeout=min(op.timeout, left))
        if turn.refused is None and turn.wait < left:
            await Sleep(turn.wait)
            waited += turn.wait
            left = math.inf if expires == math.inf else expires - await Now()
            if left > 0:  # a busy machine may wake it late
                continue
        why = turn.refused or f"limit {turn.limit!r} leaves no room at tier {op.tier.name!r} before the deadline"
        raise Throttled(why, limit=turn.limit or "", retry_after=turn.wait or None)


async def _reserved(gates: Gates, op: Send, passage: Passage) -> None:
    if gates.budgets is None:
        return
    most = op.tier.worst_case(most_tokens(op.request), op.request.max_tokens)
    grant = await Reserve(op.request, op.tier, most)
    passage.notes += grant.notes
    if grant.refused is not None:
        raise BudgetExceeded(grant.refused, budget=grant.budget or "", resets=grant.resets)
    passage.grant, passage.most = grant, most


async def _left(op: Send, passage: Passage, usage: Usage | None, error: BaseException | None) -> None:
    """Give back what was taken; without a report of ``usage`` the budget keeps the most that it can have been."""
    if passage.grant is not None:
        note = await Settle(op.request, passage.grant, passage.most if usage is None else op.tier.cost(usage))
        passage.notes += () if note is None else (note,)
        if usage is None:
            passage.notes.append(f"{op.tier.name} reported no token counts; its budgets count the most it may cost.")
    tokens = None if usage is None else usage.prompt_tokens + usage.generated_tokens
    turn = passage.turn
    if turn is not None and (turn.ticket is not None or turn.place is not None):
        limited = isinstance(error, RateLimited)
        after = error.retry_after if isinstance(error, RateLimited) else None
        await Leave(op.request, op.tier, turn.ticket, turn.place, tokens, limited, after)
