"""Decisions to store: one that reads well, and any there can be."""

from __future__ import annotations

from hypothesis import strategies as st

from router.decision import Attempt, Decision
from router.ledger.redact import redact
from router.types import Message, Request, ResponseFormat, Tool, ToolCall, Usage

PROMPT = "Which planet is the largest?"


def ask(prompt: str = PROMPT, **changes: object) -> Request:
    return Request(messages=(Message(role="user", content=prompt),), **changes)  # type: ignore[arg-type]


def attempt(tier: str = "small", verdict: str = "accepted", **changes: object) -> Attempt:
    values: dict[str, object] = {
        "tier": tier,
        "model": f"model-{tier}",
        "verdict": verdict,
        "reason": "confident enough",
        "confidence": 0.91,
        "threshold": 0.8,
        "usage": Usage(input_tokens=10, cached_input_tokens=4, output_tokens=3, reasoning_tokens=2),
        "cost": 1_250,
        "latency": 0.25,
        "calls": 1,
        "stop": "end",
        "text": "Jupiter.",
        "request_id": "req-1",
        "signals": {"mean_logprob": -0.25},
    }
    return Attempt(**(values | changes))  # type: ignore[arg-type]


def decision(id: str = "d1", **changes: object) -> Decision:
    values: dict[str, object] = {
        "id": id,
        "created": 1_795_000_000.25,
        "start": "small",
        "reason": "expected to be good enough",
        "attempts": (attempt(),),
        "suffices": {"small": 0.9, "large": 0.95},
        "expected_cost": {"small": 1_000, "large": 20_000},
        "tags": {"feature": "search"},
        "user": "u1",
        "prompt_hash": ask().prompt_hash,
        "strong_cost": 20_000,
        "best_single_cost": 5_000,
        "latency": 0.5,
    }
    return Decision(**(values | changes))  # type: ignore[arg-type]


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30).filter(
    lambda value: redact(value) == value
)
name = st.sampled_from(["small", "medium", "large", "größer"])
money = st.integers(0, 10**15)
chance = st.floats(0, 1)
seconds = st.floats(allow_nan=False)
usage = st.builds(Usage, **dict.fromkeys(Usage.__slots__, st.integers(0, 10**9)))
tags = st.dictionaries(text, text, max_size=3)

attempts = st.builds(
    Attempt,
    tier=name,
    model=st.sampled_from(["m-1", "m-2"]),
    verdict=st.sampled_from(["escalated", "outvoted", "failed", "skipped"]),
    reason=text,
    confidence=st.none() | chance,
    threshold=st.none() | chance,
    usage=st.none() | usage,
    cost=money,
    latency=seconds,
    calls=st.integers(0, 5),
    propensity=chance,
    stop=st.sampled_from([None, "end", "length", "stop_sequence", "tool_calls", "refusal"]),
    text=st.none() | text,
    request_id=st.none() | text,
    signals=st.dictionaries(text, st.floats(allow_nan=False), max_size=3),
)


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """Any decision: at most one attempt is accepted, as in the cascade."""
    from dataclasses import replace

    tried = draw(st.lists(attempts, max_size=4))
    if tried and draw(st.booleans()):
        place = draw(st.integers(0, len(tried) - 1))
        tried[place] = replace(tried[place], verdict="accepted")
    return Decision(
        id=draw(st.uuids()).hex,
        created=draw(st.floats(1_000_000_000, 4_000_000_000)),
        start=draw(name),
        reason=draw(text),
        attempts=tuple(tried),
        suffices=draw(st.dictionaries(name, chance)),
        expected_cost=draw(st.dictionaries(name, money)),
        tags=draw(tags | st.fixed_dictionaries({"feature": st.sampled_from(["search", "chat", ""])})),
        user=draw(st.none() | text | st.sampled_from(["u1", "u2"])),
        session=draw(st.none() | text),
        prompt_hash=draw(st.sampled_from(["", "0" * 64])),
        propensity=draw(chance),
        policy_version=draw(text),
        config_version=draw(text),
        strong_cost=draw(st.none() | money),
        best_single_cost=draw(st.none() | money),
        latency=draw(seconds),
        upgraded_from=draw(st.none() | text),
        error=draw(st.none() | text),
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
schemas = st.dictionaries(text, json_values, max_size=3)
calls = st.builds(ToolCall, id=text, name=text, arguments=text)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=text,
    tool_calls=st.lists(calls, max_size=2).map(tuple),
    tool_call_id=st.none() | text,
)
requests = st.builds(
    Request,
    messages=st.lists(messages, max_size=3).map(lambda turns: (*turns, Message(role="user", content=PROMPT))),
    max_tokens=st.none() | st.integers(1, 10**6),
    temperature=st.none() | st.floats(0, 2),
    stop=st.lists(text.filter(bool), max_size=2).map(tuple),
    response_format=st.none() | st.builds(ResponseFormat, schema=st.none() | schemas, name=text),
    tools=st.lists(st.builds(Tool, name=text, description=text, parameters=schemas), max_size=2).map(tuple),
    tags=tags,
    user=st.none() | text,
    session=st.none() | text,
    deadline=st.none() | st.floats(0),
    floor=st.none() | name,
    ceiling=st.none() | name,
)
