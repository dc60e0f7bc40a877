"""Prompts that are made to take long: no stage takes more than a little time for eighty thousand characters."""

from __future__ import annotations

from time import process_time

import pytest

from router.shorten.context import context, material_of
from router.shorten.settings import ShortenSettings, Stage
from router.shorten.shortening import pure
from router.types import Message, Request

SIZE = 40_000
UNITS = (
    "<doc>",
    "<doc>a</doc>",
    "<context>\na\n\n</context>",
    "<script>",
    "<!--",
    '<a href="x">',
    "<pre>",
    " ",
    "\n",
    " \n",
    "\t",
    "! ",
    "a",
    "a:",
    "a b. ",
    "“",
    "‘",
    "'",
    '"',
    "`",
    "` `` ",
    "```\n",
    "{",
    "[",
    "{[",
    "\\(",
    "$$",
    "\\begin{a}",
    "1,",
    "1.",
    "|",
    "a@",
    "http://",
    "**a ",
    "Context:\n",
    "[1] ",
    "The very the. ",
    "a  b ",
    "    a\n\n",
    "> a\n",
    "---\n",
    "\n\nb",
    'href="" ',
    "home > a > b > c > d > e > f > g\n",
)


@pytest.mark.parametrize("stage", ["history", "clean", "dedupe", "context", "concise"])
@pytest.mark.parametrize("unit", UNITS)
def test_no_prompt_takes_long(unit: str, stage: Stage):
    text = f"<document>\n{unit * (SIZE // len(unit))}\n</document>\n{unit * (SIZE // len(unit))}\n\nWhat is it?"
    earlier = Message(role="assistant", content=unit * (SIZE // 4 // len(unit)) + ".")
    request = Request(
        messages=(Message(role="user", content="Hi"), earlier, Message(role="user", content=text)),
    )
    began = process_time()
    if stage == "context":
        material = material_of(request)
        assert material is None or context(request, material, budget=40)
    else:
        pure(request, stage, ShortenSettings())
    assert process_time() - began < 3


@pytest.mark.parametrize(
    "text",
    [
        "a" + "`" * SIZE + "b" * SIZE,
        "a" + "".join("`" * (size % 400 + 1) + "b" for size in range(400)),
        "<a " + 'href="" ' * (SIZE // 4),
        "```\na\n```\n" * (SIZE // 5),
    ],
    ids=["a run of ticks", "runs of ticks", "an endless tag", "fences"],
)
@pytest.mark.parametrize("stage", ["clean", "concise"])
def test_no_passage_takes_long(text: str, stage: Stage):
    """Ticks and tags that are never closed; each start of one was once looked for to the end."""
    request = Request(messages=(Message(role="tool", content=text, tool_call_id="1"),))
    began = process_time()
    pure(request, stage, ShortenSettings())
    assert process_time() - began < 3
