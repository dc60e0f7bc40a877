"""What the estimators read: features of a prompt, and signals of an answer.

The same code serves training and serving. ``SCHEMA`` is a hash over everything that changes what a number
means; a bundle carries it, and one made under another schema is refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from router.types import Request

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

VERSION = 3
"""Raise it whenever a feature or a signal changes its meaning but not its name."""

_HEAD = _TAIL = 10_000  # characters read at each end of a very long prompt, so that deciding stays fast

_FOLD = bytes(ord("0") if 48 <= byte <= 57 else byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))
_BLANK, _DIGIT, _LETTER, _BREAK, _SIGN = range(5)
_LETTERS = b"abcdefghijklmnopqrstuvwxyz_'" + bytes(range(128, 256))
_CLASSES = np.full(256, _SIGN, np.uint8)
for _class, _set in ((_BLANK, b" \t\r\f\v"), (_DIGIT, b"0"), (_LETTER, _LETTERS), (_BREAK, b"\n")):
    _CLASSES[list(_set)] = _class

_BASE = 0x9E3779B97F4A7C15
_VALUES = np.arange(1, 257, dtype=np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
_VALUES ^= _VALUES >> np.uint64(31)
_VALUES *= np.uint64(0x94D049BB133111EB)


def _powers(base: int) -> Keys:
    """Powers of ``base`` modulo 2**64, as many as the longest text that is read has bytes."""
    powers = np.full(4 * (_HEAD + _TAIL + 2), base, np.uint64)
    powers[0] = 1
    return np.cumprod(powers)


_POWERS, _INVERSES = _powers(_BASE), _powers(pow(_BASE, -1, 2**64))


@dataclass(frozen=True, slots=True)
class Tokens:
    """A folded text cut into words, runs of digits, runs of line breaks and single signs, in order: the byte where
    each starts, its 64-bit key, its class, its length in bytes.
    """

    starts: NDArray[np.int64]
    keys: Keys
    classes: NDArray[np.uint8]
    lengths: NDArray[np.int64]


def cut(folded: bytes) -> Tokens:
    """Cut a folded text where the class of its bytes changes, and at each sign.

    A token's key is the polynomial hash of its bytes modulo 2**64, from one running sum over the whole text, so that
    no token is touched by itself.
    """
    size = len(folded)
    read = np.frombuffer(folded, np.uint8)
    classes = _CLASSES[read]
    edge = np.ones(size + 1, bool)
    np.not_equal(classes[1:], classes[:-1], out=edge[1:size])
    edge[:size] |= classes == _SIGN
    edges = edge.nonzero()[0]
    first = classes[edges[:-1]]
    tokens = first.nonzero()[0]
    starts, ends = edges[tokens], edges[tokens + 1]
    sums = np.zeros(size + 1, np.uint64)
    np.cumsum(_VALUES[read] * _POWERS[:size], out=sums[1:])
    keys = (sums[ends] - sums[starts]) * _INVERSES[starts]
    return Tokens(starts, keys, first[tokens], ends - starts)


_CONSTRAINTS = cut(b"must should exactly only at least most never always without ensure avoid each every both between")
_REASONING = cut(
    b"why how explain prove derive compare analyze analyse design evaluate because therefore if then step reason"
)
_NEGATIONS = cut(b"not except no none neither nor n't")
_RATIOS = cut(
    b"half halves twice double doubled doubles triple tripled thrice times third thirds quarter quarters fourth fifth "
    b"percent percentage ratio fraction rate average mean proportion"
)
_COMPARISONS = cut(b"more less fewer than greater smaller larger longer shorter older younger as most least")
_LISTS = [each.keys for each in (_CONSTRAINTS, _REASONING, _NEGATIONS, _RATIOS, _COMPARISONS)]
_MARKS = np.concatenate(_LISTS)
_ENDS = np.cumsum([0, *map(len, _LISTS[:-1])])

_NUMBER = re.compile(rb"[0-9][0-9,]*(?:\.[0-9]+)?")
_FRACTION = re.compile(rb"[0-9]/[0-9]")
_MOST_NUMBERS = 250  # read one by one: no problem in words has more, and a table of thousands would take long
_LARGEST = 1e15
_SMALL = 10.0

FORM = (
    "log_chars", "log_words", "mean_word", "log_longest_word", "type_token_ratio", "digit_share", "log_numbers",
    "longest_number", "operator_share", "bracket_share", "non_ascii_share", "log_commas",
    "log_questions", "log_newlines", "log_quotes", "log_backticks", "log_stops", "log_blocks", "constraints",
    "reasoning_words", "negations", "has_latex", "has_code_fence", "log_tail_chars", "tail_digit_share",
    "tail_longest_number", "tail_operator_share", "log_tail_words", "log_turns", "log_system",
    "wants_format", "log_tools",
)  # fmt: skip
"""Names of the hand-made features of a prompt's form, in order."""

FIGURES = (
    "log_distinct_numbers", "log_largest_number", "log_number_range", "log_small_numbers", "log_decimals",
    "log_fractions", "log_percents", "log_dollars", "log_ratio_words", "log_comparison_words",
)  # fmt: skip
"""Names of those that say what there is to reckon with."""

HAND = FORM + FIGURES
"""Names of all hand-made features, in order."""


@dataclass(frozen=True, slots=True)
class PromptFeatures:
    """A prompt as numbers: ``words`` (n,) keys of its folded tokens in order, ``tail`` how many of them belong
    to the last paragraph, ``hand`` (42,) the hand-made features. ``embedding`` (d,) is the prompt's vector, None where
    nobody embedded it.
    """

    words: Keys
    tail: int
    hand: Floats
    embedding: Floats | None = None


def fold(text: str) -> bytes:
    """Lower case, every digit a zero: what the tokens are cut from. No number of a prompt survives it."""
    return text.lower().encode("utf-8", "replace").translate(_FOLD)


_DIGITS, _STOPS = b"0123456789", b".!?"
_OPERATORS, _BRACKETS, _FOREIGN = b"+-*/=<>^%", b"(){}[]", bytes(range(128, 256))


def prompt_features(request: Request, *, embedding: Floats | None = None) -> PromptFeatures:
    """Read a request: pure, and bounded in time however long the prompt is. ``embedding`` (d,) is put beside."""
    text = request.text.strip()  # never empty: a request has something to answer
    read = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n\n{text[-_TAIL:]}"
    body = read.rstrip()
    folded = fold(body)
    tokens = cut(folded)
    tail = len(tokens.keys)
    if "\n\n" in body:
        tail -= int(tokens.starts.searchsorted(folded.rfind(b"\n\n") + 2))
    hand = _hand(request, body, tokens, tail=tail, chars=len(text))
    return PromptFeatures(words=tokens.keys, tail=tail, hand=hand, embedding=embedding)


def _hand(request: Request, body: str, tokens: Tokens, *, tail: int, chars: int) -> Floats:
    raw = body.encode("utf-8", "replace")
    raw_tail = raw[raw.rfind(b"\n\n") + 2 :] if tail < len(tokens.keys) else raw
    order = np.sort(tokens.keys)
    kinds = 1 + np.count_nonzero(order[1:] != order[:-1])
    times = order.searchsorted(_MARKS, "right") - order.searchsorted(_MARKS)
    constraints, reasoning, negations, _, _ = np.add.reduceat(times > 0, _ENDS, dtype=int).tolist()
    *_, ratios, comparisons = np.add.reduceat(times, _ENDS).tolist()
    numbers = np.where(tokens.classes == _DIGIT, tokens.lengths, 0)
    size, tail_size, n_words = max(len(raw), 1), max(len(raw_tail), 1), max(len(numbers), 1)
    log, count = math.log1p, raw.count
    return np.array(
        (
            log(chars), log(n_words), int(tokens.lengths.sum()) / n_words, log(int(tokens.lengths.max(initial=0))),
            kinds / n_words, _many(raw, _DIGITS) / size, log(np.count_nonzero(numbers)), numbers.max(initial=0),
            _many(raw, _OPERATORS) / size, _many(raw, _BRACKETS) / size,
            0.0 if raw.isascii() else _many(raw, _FOREIGN) / size, log(count(b",")), log(count(b"?")),
            log(count(b"\n")), log(count(b'"') + count(b"'")), log(count(b"`")), log(_many(raw, _STOPS)),
            log(count(b"\n\n") + 1), constraints, reasoning, negations,
            b"\\" in raw or count(b"$") > 1, b"```" in raw, log(tail_size), _many(raw_tail, _DIGITS) / tail_size,
            numbers[len(numbers) - tail :].max(initial=0), _many(raw_tail, _OPERATORS) / tail_size,
            log(tail), log(len(request.messages)), log(len(request.system)),
            request.response_format is not None, log(len(request.tools)),
            *_figures(raw), log(ratios), log(comparisons),
        ),
        float,
    )  # fmt: skip


def _figures(raw: bytes) -> tuple[float, ...]:
    """What the numbers of a prompt are like: the named figures up to the dollars.

    Of the largest and the least only the magnitude is told, since a bundle keeps the figures of training prompts.
    """
    log, texts = math.log1p, [found.group() for found in islice(_NUMBER.finditer(raw), _MOST_NUMBERS)]
    percents, dollars = log(raw.count(b"%")), log(raw.count(b"$"))
    if not texts:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, percents, dollars
    values = [min(float(text.replace(b",", b"")), _LARGEST) for text in texts]
    largest, least = round(log(max(values))), round(log(min(values)))
    return (
        log(len(set(texts))), largest, largest - least, log(sum(value <= _SMALL for value in values)),
        log(sum(b"." in text for text in texts)), log(len(_FRACTION.findall(raw))) if b"/" in raw else 0.0,
        percents, dollars,
    )  # fmt: skip


def _many(raw: bytes, signs: bytes) -> int:
    """How many bytes of ``raw`` are among ``signs``."""
    return len(raw) - len(raw.translate(None, signs))
