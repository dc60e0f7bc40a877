"""Every lever on at once: an answer is the same however it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from router.config import Config
from router.decision import Response
from router.engine import Router
from router.errors import InputError
from router.planning import levers_of
from router.providers.fake import FakeProvider
from router.types import Completion, Message, Request
from tests.kit import Book, ladder, said, two_tiers

LEVERS: dict[str, Any] = {
    "cache": {"store": "memory"},
    "shorten": {"stages": ["history", "clean", "dedupe", "context", "concise"], "context": {"budget": 40}},
    "output": {
        "levels": [{"complexity": 0.9, "max_tokens": 40}],
        "concise": "At most {words} words.",
        "stop": ["END"],
        "validate": True,
    },
    "budgets": {"store": "memory", "scope": [{"name": "team", "limit": 100.0, "window": "day"}]},
}

ODD = (
    "",
    "  ",
    "\ud800",
    "\ue0000\ue001",
    "```\n",
    "Context:\nx\n\nQuestion: y?",
    "<document>a  b</document>\n\n",
    "🙂" * 20,
)
TURNS = st.lists(
    st.tuples(st.sampled_from(("user", "assistant", "system", "tool")), st.text(max_size=40) | st.sampled_from(ODD)),
    min_size=1,
    max_size=5,
)
ANSWERS = st.builds(
    said,
    st.sampled_from(("", "{}", '{"a": 1}', "NaN", "hello there", "\ud800 x")),
    stop=st.sampled_from(("end", "length", "refusal", "stop_sequence")),
)


def made(small: Completion, large: Completion) -> Router:
    """A router that escalates, with every lever on."""

    def always(answer: Completion) -> Callable[[Request], Completion]:
        return lambda _: answer

    config = Config.of(ladder("small", "large").tiers, **LEVERS)
    parts = replace(two_tiers(confidence=0.3), **levers_of(config))
    provider = FakeProvider({"small": always(small), "large": always(large)})
    return Router(config, plan=parts, provider=provider, ledger=Book())  # type: ignore[arg-type]


def routed(router: Router, prompt: list[Message], form: Any) -> Response:
    return router.route(prompt, response_format=form)


def arouted(router: Router, prompt: list[Message], form: Any) -> Response:
    return asyncio.run(router.aroute(prompt, response_format=form))


def streamed(router: Router, prompt: list[Message], form: Any) -> Response:
    stream = router.stream(prompt, response_format=form)
    text = "".join(stream)
    assert stream.response is not None
    assert stream.response.text == text
    return stream.response


def astreamed(router: Router, prompt: list[Message], form: Any) -> Response:
    async def read() -> list[str | Response]:
        return [piece async for piece in router.astream(prompt, response_format=form)]

    *pieces, response = asyncio.run(read())
    assert isinstance(response, Response)
    assert response.text == "".join(map(str, pieces))
    return response


def told(
    ask: Callable[[Router, list[Message], Any], Response], router: Router, prompt: list[Message], form: Any
) -> Any:
    """What matters of the answer, and of the same question's answer after it; or how it was refused."""
    found: list[Any] = []
    for _ in range(2):
        try:
            response = ask(router, prompt, form)
        except InputError as error:
            return str(error)
        decision = response.decision
        calls = [(each.tier, each.verdict, each.calls, each.cost) for each in decision.attempts]
        found.append((response.text, response.stop, calls, decision.shortened, decision.cache and decision.cache.kind))
    return found


@given(turns=TURNS, small=ANSWERS, large=ANSWERS, form=st.sampled_from((None, "json", {"type": "object"})))
@settings(max_examples=40, deadline=None)
def test_whether_it_is_streamed_or_awaited_an_answer_is_the_same(
    turns: list[tuple[Any, str]], small: Completion, large: Completion, form: Any
) -> None:
    """Empty turns, odd characters, several system prompts and tools' results included; asked twice, for the cache."""
    prompt = [Message(role=role, content=text, tool_call_id="1" if role == "tool" else None) for role, text in turns]
    one, *others = (told(ask, made(small, large), prompt, form) for ask in (routed, arouted, streamed, astreamed))
    assert others == [one] * 3
