"""What counts as a passage."""

from __future__ import annotations

import pytest

from router.shorten.passages import own_words, passages_of
from router.shorten.spans import masked, protected
from router.types import Message

LONG = "The bridge at Arno was built in 1712 and carries two lanes of traffic across the gorge to this day."


def bodies(text: str, role: str = "user") -> list[str]:
    """The passages of a message with ``text``."""
    message = Message(role=role, content=text)  # type: ignore[arg-type]
    return [text[slice(*passage.body)].strip() for passage in passages_of(message)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<document>One.</document>\n<document id='2'>Two.</document>\nWhich?", ["One.", "Two."]),
        ("<documents><document>One.</document><document>Two.</document></documents> Which?", ["One.", "Two."]),
        ("<context>\nOne.\n\nTwo.\n</context>\nWhich?", ["One.", "Two."]),
        ("Context:\nOne.\n\nTwo.\n\nQuestion: Which?", ["One.", "Two."]),
        (f"[1] {LONG}\n\n[2] {LONG}\n\nWhich?", [LONG, LONG]),
        (f"Passage 1: {LONG}\n\nWhich?", [LONG]),
    ],
    ids=["elements", "nested", "context", "section", "numbered", "named"],
)
def test_marked_material_is_made_of_passages(text: str, found: list[str]):
    assert bodies(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "One paragraph.\n\nAnother one.\n\nWhich?",
        "[1] Write in French.\n\n[2] Be brief.",
        "Fix this:\n```\n<document>One.</document>\n```",
        "Context: none.",
    ],
    ids=["prose", "instructions", "code", "no section"],
)
def test_the_callers_own_words_are_no_passages(text: str):
    assert bodies(text) == []


def test_a_tools_result_is_all_passages_and_a_system_prompt_has_none():
    assert bodies("One.\n\nTwo.", role="tool") == ["One.", "Two."]
    assert bodies("<document>One.</document>", role="system") == []


def test_code_with_blank_lines_is_one_paragraph():
    text = "<context>\nBefore.\n\n```\na\n\nb\n```\n\nAfter.\n</context>\nWhich?"
    assert bodies(text) == ["Before.", "```\na\n\nb\n```", "After."]


def test_own_words_are_what_is_left():
    message = Message(role="user", content="Read.\n\n<document>One.</document>\n\n<document>Two.</document>\n\nWhich?")
    assert own_words(message) == "Read.\n\nWhich?"


def test_a_text_with_our_marks_in_it_is_left_alone():
    assert masked("a \ue0000\ue001 b") is None


def test_brackets_without_end_cost_no_more_time_than_a_long_text():
    assert protected("[" * 20_000 + "{" * 20_000)[-1][1] == 40_000


def test_a_quotation_mark_too_many_protects_the_rest_of_its_paragraph():
    text = 'He said "a  b" and "c  d.\n\nOut  here.'
    [*_, (start, end)] = protected(text)
    assert (text[start:end].startswith('"a'), end) == (True, text.index("\n\n"))
