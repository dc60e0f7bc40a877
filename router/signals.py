"""What the confidence scorer reads off one answer: log-probabilities where the tier has them, and the text.

Every signal is a number with a name; one that cannot be computed is NaN, which the scorer fills with the
training mean, and a flag says so. None of them looks at which task the prompt is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from router.types import Completion, Logprobs, Request

Floats = NDArray[np.float64]

VERSION = 2
"""Raise it whenever a signal changes its meaning but not its name."""

LOGPROB_SIGNALS = (
    "logprob_sum", "logprob_mean", "logprob_min", "logprob_q05", "logprob_q10", "logprob_q25", "logprob_q50",
    "logprob_q75", "logprob_first", "unsure_share", "longest_unsure", "margin_mean", "margin_min", "margin_first",
    "entropy_mean", "entropy_first", "min_place", "logit_mean", "logit_min", "logit_first",
)  # fmt: skip
TEXT_SIGNALS = (
    "has_logprobs", "log_output_tokens", "log_chars", "log_words", "log_lines", "digit_share", "upper_share",
    "truncated", "stopped_by_string", "refused", "calls_tool", "hedges", "empty", "repetition", "format_broken",
    "sums_checked", "sums_wrong", "is_number", "number_log", "number_negative", "number_fraction", "overlap_prompt",
    "copied_from_prompt", "numbers_from_prompt", "ends_cleanly", "verified",
)  # fmt: skip
NAMES = LOGPROB_SIGNALS + TEXT_SIGNALS
"""Names of the signals, in the order of the array that :func:`answer_signals` returns."""

_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable)|i (?:cannot|can't|can not|won't) (?:help|assist|provide|answer|do)|"
    r"as an ai\b|i(?:'m| am) not able to)",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:i(?:'m| am) not sure|not certain|i think|i believe|perhaps|maybe|it depends|i don't know|unclear|"
    r"cannot be determined|might be|possibly)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_BARE_NUMBER = re.compile(r"^[^\w-]*(-?\d+(?:,\d{3})*(?:\.\d+)?)[^\w]*$")
_TERM = r"\(?-?\$?\d+(?:,\d{3})*(?:\.\d+)?%?\)?"
_EQUALS = re.compile("=")
_CHAIN = re.compile(rf"{_TERM}(?:\s*[-+*/x×÷]\s*{_TERM})+\s*\Z")
_STATED = re.compile(r"\s*\$?(-?\d+(?:,\d{3})*(?:\.\d+)?)")
_MOST_SUMS, _REACH, _EDGE = (
    200,
    200,
    3,
)  # equations read, and characters before each: a looping answer must not cost seconds
_PIECE = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?%?|[-+*/x×÷()]")
_UNSURE = math.log(0.5)
_SUREST = 1e-7  # of a token, as a logarithm; 32-bit floats say 0 for anything surer


def answer_signals(request: Request, completion: Completion) -> Floats:
    """Read one answer: an array in the order of :data:`NAMES`.

    Signals that were logged with the answer go before what can still be read off it.
    """
    found = np.concatenate((_of_logprobs(completion.logprobs), _of_text(request, completion)))
    if completion.signals is not None:
        for place, name in enumerate(NAMES):
            found[place] = completion.signals.get(name, found[place])
    return found


def _of_logprobs(logprobs: Logprobs | None) -> Floats:
    if logprobs is None or not logprobs.values:
        return np.full(len(LOGPROB_SIGNALS), np.nan)
    values = np.asarray(logprobs.values, float)
    unsure = values < _UNSURE
    top = _padded(logprobs.top) if logprobs.top else None
    margins = entropies = np.full(1, np.nan)
    if top is not None:
        margins = top[:, 0] - top[:, 1]
        mass = np.exp(top)
        tail = np.clip(1 - mass.sum(axis=1), 1e-12, None)
        entropies = -(mass * np.where(mass > 0, top, 0.0)).sum(axis=1) - tail * np.log(tail)
    q05, q10, q25, q50, q75 = _quantiles(sorted(logprobs.values))
    return np.array(
        (
            values.sum(), values.mean(), values.min(), q05, q10, q25, q50, q75, values[0], unsure.mean(),
            _longest_run(unsure.tolist()), margins.mean(), margins.min(), margins[0], entropies.mean(), entropies[0],
            values.argmin() / len(values), _logit(values.mean()), _logit(values.min()), _logit(values[0]),
        )
    )  # fmt: skip


def _logit(logprob: float) -> float:
    """The logit of a probability given as its logarithm: it tells 0.999 from 0.9999, where the logarithm cannot."""
    below = min(logprob, -_SUREST)
    return float(below - math.log(-math.expm1(below)))


def _quantiles(ordered: Sequence[float]) -> list[float]:
    """The quantiles that are signals, between neighbours by straight lines, as numpy's default is."""
    last = len(ordered) - 1
    found = []
    for share in (0.05, 0.1, 0.25, 0.5, 0.75):
        place = share * last
        low = int(place)
        high = min(low + 1, last)
        found.append(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
    return found


def _padded(top: Sequence[Sequence[float]]) -> Floats:
    """The likeliest tokens' log-probabilities as (tokens, at least 2); a place with fewer is filled with -100."""
    width = max(2, *map(len, top))
    filled = np.full((len(top), width), -100.0)
    for row, values in zip(filled, top, strict=True):
        row[: len(values)] = values
    return filled


def _longest_run(flags: Sequence[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


def _of_text(request: Request, completion: Completion) -> Floats:
    text, prompt = completion.text, request.text
    words = _WORD.findall(text.lower())
    usage = completion.usage
    n_tokens = usage.generated_tokens if usage is not None else len(words)
    size = max(len(text), 1)
    checked, wrong = check_sums(text)
    bare = _BARE_NUMBER.match(text.strip())
    number = float(bare.group(1).replace(",", "")) if bare else math.nan
    in_prompt = set(_WORD.findall(prompt.lower())) if words else set()
    numbers = _NUMBER.findall(text)
    stripped = text.strip()
    return np.array(
        (
            float(completion.logprobs is not None),
            math.log1p(n_tokens),
            math.log1p(len(text)),
            math.log1p(len(words)),
            math.log1p(text.count("\n")),
            sum(map(str.isdigit, text)) / size,
            sum(map(str.isupper, text)) / size,
            float(completion.stop == "length"),
            float(completion.stop == "stop_sequence"),
            float(completion.stop == "refusal" or bool(_REFUSAL.search(text))),
            float(bool(completion.tool_calls)),
            float(len(_HEDGE.findall(text))),
            float(not stripped and not completion.tool_calls),
            _repetition(words),
            float(format_broken(request, completion)),
            float(checked),
            float(wrong),
            float(bare is not None),
            math.log1p(min(abs(number), 1e12)),
            float(number < 0) if bare else math.nan,
            float(not number.is_integer()) if bare else math.nan,
            sum(word in in_prompt for word in words) / max(len(words), 1),
            float(bool(stripped) and stripped in prompt),
            sum(value in prompt for value in numbers) / max(len(numbers), 1),
            float(stripped.endswith((".", "!", "?", "}", "]", ")", "```"))),
            math.nan if completion.verified is None else completion.verified,
        )
    )


def _repetition(words: Sequence[str]) -> float:
    """The share of word pairs that occurred before in the same answer; loops come near 1."""
    pairs = list(pairwise(words))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0


def format_broken(request: Request, completion: Completion) -> bool:
    """Whether JSON was asked for and the answer does not parse, or lacks a key that its schema requires."""
    form = request.response_format
    if form is None or completion.tool_calls:
        return False
    try:
        value = json.loads(completion.text)
    except (ValueError, RecursionError):
        return True
    schema = form.schema or {"type": "object"}
    if schema.get("type") != "object":
        return False
    required = schema.get("required")
    names = required if isinstance(required, list | tuple) else ()
    return not isinstance(value, dict) or any(name not in value for name in names)


def check_sums(text: str) -> tuple[int, int]:
    """Count the equations ``a op b op ... = c`` in ``text``, and how many of them are false.

    Chains are evaluated whole, with the usual precedence, and a result counts as right when it equals the
    stated one as far as that was written out (``10 / 3 = 3.33`` holds). What cannot be read is not counted.
    """
    checked = wrong = 0
    text = text.replace("−", "-")
    for count, sign in enumerate(_EQUALS.finditer(text)):
        if count == _MOST_SUMS:
            break
        start = max(sign.start() - _REACH, 0)
        left = _CHAIN.search(text, start, sign.start())
        right = _STATED.match(text, sign.end(), sign.end() + 40)
        if left is None or right is None or (start > 0 and left.start() <= start + _EDGE):
            continue  # no sum, or one that began out of reach
        value = _evaluate(left.group())
        if value is None:
            continue
        stated = right.group(1).replace(",", "")
        places = len(stated.partition(".")[2])
        checked += 1
        wrong += abs(value - float(stated)) > 0.5 * 10**-places + 1e-9 * abs(value)
    return checked, wrong


def _evaluate(expression: str) -> float | None:
    """The value of a chain of sums and products, brackets allowed; None when it is no such chain."""
    pieces = _PIECE.findall(expression)
    place = 0

    def term() -> float:
        nonlocal place
        piece = pieces[place]
        place += 1
        if piece == "-":
            return -term()
        if piece == "(":
            value = total()
            place += 1  # the closing bracket
            return value
        share = 0.01 if piece.endswith("%") else 1.0
        return float(piece.rstrip("%").replace(",", "")) * share

    def product() -> float:
        nonlocal place
        value = term()
        while place < len(pieces) and pieces[place] in "*/x×÷":
            times = pieces[place] in "*x×"
            place += 1
            other = term()
            value = value * other if times else value / other
        return value

    def total() -> float:
        nonlocal place
        value = product()
        while place < len(pieces) and pieces[place] in "+-":
            sign = 1 if pieces[place] == "+" else -1
            place += 1
            value += sign * product()
        return value

    try:
        value = total()
    except (IndexError, ValueError, ZeroDivisionError, OverflowError, RecursionError):
        return None
    return value if place == len(pieces) else None


def agreement(first: str, second: str) -> tuple[float, float]:
    """How far two answers agree: whether they are the same when case and signs are folded, and the share of
    words they have in common (Jaccard).
    """
    one, two = _WORD.findall(first.lower()), _WORD.findall(second.lower())
    if not one and not two:
        return 1.0, 1.0
    a, b = set(one), set(two)
    return float(one == two), len(a & b) / len(a | b)
