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
