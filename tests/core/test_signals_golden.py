"""The signals of many texts, as they were before reading was made faster: a trained scorer must find them unchanged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from router.signals import NAMES, VERSION, answer_signals
from router.types import Logprobs, ResponseFormat, ToolCall, Usage
from tests.kit import ask, said

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "golden" / "signals.jsonl").read_text(encoding="utf-8").splitlines()
]
"""Prompts, answers and what came with them; ``signals`` that are 0 are left out, and None is NaN."""


def exchange(case):
    """The request and the answer of a case."""
    form = ResponseFormat(schema={"type": "object", "required": ["name", "age"]}) if case.get("json") else None
    values, tokens = case.get("logprobs"), case.get("output_tokens")
    logprobs = (
        None
        if values is None
        else Logprobs(tokens=("t",) * len(values), values=tuple(values), top=tuple(map(tuple, case.get("top", ()))))
    )
    calls = (ToolCall(id="1", name="f", arguments="{}"),) if case.get("tool") else ()
    completion = said(
        case["answer"],
        stop=case.get("stop", "end"),
        verified=case.get("verified"),
        logprobs=logprobs,
        tool_calls=calls,
    )
    usage = None if tokens is None else Usage(input_tokens=9, output_tokens=tokens)
    return ask(case["prompt"], response_format=form), replace(completion, usage=usage)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_signals_are_what_they_were(case):
    """Every one of them; the last digit may differ, since sums are taken in another order on other processors."""
    assert VERSION == 3, "the signals mean something else now: write the golden file anew"
    expected = [case["signals"].get(name, 0.0) for name in NAMES]

    found = answer_signals(*exchange(case)).tolist()

    assert found == pytest.approx([math.nan if value is None else value for value in expected], nan_ok=True, rel=1e-12)


def test_the_cases_tell_the_signals_apart():
    """Every signal has two values at least among them, or a change of it would not be seen."""
    same = [name for name in NAMES if len({case["signals"].get(name, 0.0) for case in CASES}) < 2]

    assert same == []
