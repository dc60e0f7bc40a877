"""What can be seen of an answer without following what it says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from router.signals.form import format_broken
from router.signals.words import words_of
from router.types import Completion, Request

SIGNALS = (
    "has_logprobs", "log_output_tokens", "log_chars", "log_words", "log_lines", "digit_share", "upper_share",
    "truncated", "stopped_by_string", "refused", "calls_tool", "hedges", "empty", "repetition", "format_broken",
    "is_number", "overlap_prompt", "copied_from_prompt", "numbers_from_prompt", "ends_cleanly", "verified",
)  # fmt: skip
"""What :func:`surface` returns. Those that look for words of refusal or doubt know English only."""

_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|unable)|i (?:cannot|can't|can not|won't) (?:help|assist|provide|answer|do)|"
    r"as an ai\b|i(?:'m| am) not able to)",
)
_HEDGE = re.compile(
    r"\b(?:i(?:'m| am) not sure|not certain|i think|i believe|perhaps|maybe|it depends|i don't know|unclear|"
    r"cannot be determined|might be|possibly)\b",
)
_REFUSING = ("i", "ai")
_HEDGING = frozenset(
    ("sure", "certain", "think", "believe", "perhaps", "maybe", "depends", "know", "unclear", "determined", "might",
     "possibly")
)  # fmt: skip
"""Every expression of refusal, or of doubt, has one of these words; without any, the text need not be searched."""

_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
_BARE_NUMBER = re.compile(r"[^\w-]*-?\d+(?:,\d{3})*(?:\.\d+)?\W*\Z")


_REACH = 20_000
"""Characters at the end of an answer, and of its prompt, that are read: a looping answer must not cost seconds."""

_DIGITS, _CAPITALS = b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def surface(request: Request, completion: Completion) -> tuple[float, ...]:
    """Return the signals, in the order of :data:`SIGNALS`."""
    whole, prompt = completion.text.strip(), request.text[-_REACH:]
    text = whole[-_REACH:]
    raw, low = text.encode("utf-8", "replace"), text.lower()
    words = words_of(text)
    known = set(words)
    usage = completion.usage
    n_tokens = usage.generated_tokens if usage is not None else len(words)
    size = max(len(raw), 1)
    digits, in_prompt = _many(raw, _DIGITS), _shared(known, prompt)
    numbers = set(_NUMBER.findall(text)) if digits or not text.isascii() else set()
    return (
        float(completion.logprobs is not None),
        math.log1p(n_tokens),
        math.log1p(len(whole)),
        math.log1p(len(words)),
        math.log1p(whole.count("\n")),
        digits / size,
        _many(raw, _CAPITALS) / size,
        float(completion.stop == "length"),
        float(completion.stop == "stop_sequence"),
        float(completion.stop == "refusal" or (not known.isdisjoint(_REFUSING) and bool(_REFUSAL.search(low)))),
        float(bool(completion.tool_calls)),
        0.0 if known.isdisjoint(_HEDGING) else float(len(_HEDGE.findall(low))),
        float(not whole and not completion.tool_calls),
        _repetition(words),
        float(format_broken(request, completion)),
        float(bool(numbers) and bool(_BARE_NUMBER.match(text))),
        sum(map(in_prompt.__contains__, words)) / max(len(words), 1),
        float(bool(whole) and whole in prompt),
        sum(value in prompt for value in numbers) / max(len(numbers), 1),
        float(whole.endswith((".", "!", "?", "}", "]", ")", "```"))),
        math.nan if completion.verified is None else completion.verified,
    )


def _shared(words: set[str], text: str) -> set[str]:
    """Those of ``words`` that are words of ``text``, which is only cut where it has one at all."""
    low = text.lower()
    return words.intersection(words_of(text)) if any(map(low.__contains__, words)) else set()


def _many(raw: bytes, signs: bytes) -> int:
    """How many bytes of ``raw`` are among ``signs``."""
    return len(raw) - len(raw.translate(None, signs))


def _repetition(words: Sequence[str]) -> float:
    """The share of word pairs that occurred before in the same answer; loops come near 1."""
    pairs = list(pairwise(words))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0
