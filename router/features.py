"""What the estimators read: features of a prompt, and signals of an answer.

The same code serves training and serving. ``SCHEMA`` is a hash over everything that changes what a number
means; a bundle carries it, and one made under another schema is refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from router.types import Request

Floats = NDArray[np.float64]

VERSION = 1
"""Raise it whenever a feature or a signal changes its meaning but not its name."""

_HEAD = _TAIL = 10_000  # characters read at each end of a very long prompt, so that deciding stays fast

_FOLD = bytes(ord("0") if 48 <= byte <= 57 else byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))
TOKEN = re.compile(rb"0+|[a-z_\x80-\xff']+|\n+|[^\sa-z0_\x80-\xff']")
_CONSTRAINTS = frozenset(
    crc32(word)
    for word in (
        b"must", b"should", b"exactly", b"only", b"at", b"least", b"most", b"never", b"always", b"without", b"ensure",
        b"avoid", b"each", b"every", b"both", b"between",
    )
)  # fmt: skip
_REASONING = frozenset(
    crc32(word)
    for word in (
        b"why", b"how", b"explain", b"prove", b"derive", b"compare", b"analyze", b"analyse", b"design", b"evaluate",
        b"because", b"therefore", b"if", b"then", b"step", b"reason",
    )
)  # fmt: skip
_NEGATIONS = frozenset(crc32(word) for word in (b"not", b"except", b"no", b"none", b"neither", b"nor", b"n't"))

HAND = (
    "log_chars", "log_words", "mean_word", "log_longest_word", "type_token_ratio", "digit_share", "log_numbers",
    "longest_number", "upper_share", "operator_share", "bracket_share", "non_ascii_share", "log_commas",
    "log_questions", "log_newlines", "log_quotes", "log_backticks", "log_stops", "log_blocks", "constraints",
    "reasoning_words", "negations", "has_latex", "has_code_fence", "log_tail_chars", "tail_digit_share",
    "tail_longest_number", "tail_operator_share", "tail_upper_share", "log_tail_words", "log_turns", "log_system",
    "wants_format", "log_tools",
)  # fmt: skip
"""Names of the hand-made prompt features, in order."""


@dataclass(frozen=True, slots=True)
class PromptFeatures:
    """A prompt as numbers: ``words`` (n,) CRC-32 of its folded tokens in order, ``tail`` how many of them belong
    to the last paragraph, ``hand`` (34,) the hand-made features.
    """

    words: NDArray[np.uint64]
    tail: int
    hand: Floats


def fold(text: str) -> bytes:
    """Lower case, every digit a zero: what the tokens are cut from. No number of a prompt survives it."""
    return text.lower().encode("utf-8", "replace").translate(_FOLD)


def tokens(text: str) -> list[bytes]:
    """Words, runs of digits by length, runs of line breaks, and single signs."""
    return TOKEN.findall(fold(text))


_SETS = (b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"+-*/=<>^%", b"(){}[]", bytes(range(128, 256)), b".!?")
_BYTES = np.zeros((len(_SETS), 256))
for _row, _set in enumerate(_SETS):
    _BYTES[_row, list(_set)] = 1.0
_BYTES.setflags(write=False)
_ZERO = ord("0")


def prompt_features(request: Request) -> PromptFeatures:
    """Read a request: pure, and bounded in time however long the prompt is."""
    text = request.text
    read = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n\n{text[-_TAIL:]}"
    body = read.rstrip()
    last = body[body.rfind("\n\n") + 2 :] if "\n\n" in body else read
    cut = tokens(read)
    tail = cut if last is read else tokens(last)
    keys = list(map(crc32, cut))
    hand = _hand(request, read=read, last=last, cut=cut, tail=tail, kinds=set(keys), chars=len(text))
    return PromptFeatures(words=np.array(keys, np.uint64), tail=len(tail), hand=hand)


def _hand(
    request: Request, *, read: str, last: str, cut: list[bytes], tail: list[bytes], kinds: set[int], chars: int
) -> Floats:
    counts, whole = _counted(read)
    digits, upper, operators, brackets, foreign, stops = whole
    tail_digits, tail_upper, tail_operators = _counted(last)[1][:3] if last is not read else whole[:3]
    size, tail_size, n_words = max(len(read), 1), max(len(last), 1), max(len(cut), 1)
    lengths = list(map(len, cut))
    numbers = [len(token) for token in cut if token[0] == _ZERO]
    tail_numbers = numbers if tail is cut else [len(token) for token in tail if token[0] == _ZERO]
    log = math.log1p
    return np.array(
        (
            log(chars), log(n_words), sum(lengths) / n_words, log(max(lengths, default=0)), len(kinds) / n_words,
            digits / size, log(len(numbers)), max(numbers, default=0), upper / size, operators / size,
            brackets / size, foreign / size, log(counts[44]), log(counts[63]), log(counts[10]),
            log(counts[34] + counts[39]), log(counts[96]), log(stops), log(read.count("\n\n") + 1),
            len(kinds & _CONSTRAINTS), len(kinds & _REASONING), len(kinds & _NEGATIONS),
            counts[92] > 0 or counts[36] > 1, "```" in read, log(tail_size), tail_digits / tail_size,
            max(tail_numbers, default=0), tail_operators / tail_size, tail_upper / tail_size, log(len(tail)),
            log(len(request.messages)), log(len(request.system)), request.response_format is not None,
            log(len(request.tools)),
        ),
        float,
    )  # fmt: skip


def _counted(text: str) -> tuple[list[int], list[float]]:
    """How often each byte occurs, and how many bytes of each of ``_SETS`` there are."""
    counts = np.bincount(np.frombuffer(text.encode("utf-8", "replace"), np.uint8), minlength=256)
    return counts.tolist(), (_BYTES @ counts).tolist()
