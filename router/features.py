"""What the estimators read: features of a prompt, and signals of an answer.

The same code serves training and serving. ``SCHEMA`` is a hash over everything that changes what a number
means; a bundle carries it, and one made under another schema is refused.
"""

from __future__ import annotations

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
_SENTENCE = re.compile(r"[.!?]+(?:\s|$)")
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
    "log_questions", "log_newlines", "log_quotes", "log_backticks", "log_sentences", "log_blocks", "constraints",
    "reasoning_words", "negations", "has_latex", "has_code_fence", "log_tail_chars", "tail_digit_share",
    "tail_longest_number", "tail_operator_share", "tail_upper_share", "tail_words", "log_turns", "log_system",
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


_BYTES = np.zeros((8, 256))
for _row, _set in enumerate(
    (b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"+-*/=<>^%", b"(){}[]", bytes(range(128, 256)))
):
    _BYTES[_row, list(_set)] = 1.0
_BYTES.setflags(write=False)


def prompt_features(request: Request) -> PromptFeatures:
    """Read a request: pure, and bounded in time however long the prompt is."""
    text = request.text
    read = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n\n{text[-_TAIL:]}"
    last = read.rstrip().rpartition("\n\n")[2] or read
    cut = tokens(read)
    folded_tail = fold(last)
    tail = TOKEN.findall(folded_tail)
    words = np.fromiter(map(crc32, cut), np.uint64, len(cut))
    return PromptFeatures(words=words, tail=len(tail), hand=_hand(request, read, last, cut, tail, words, len(text)))


def _hand(
    request: Request,
    read: str,
    last: str,
    cut: list[bytes],
    tail: list[bytes],
    words: NDArray[np.uint64],
    chars: int,
) -> Floats:
    raw = read.encode("utf-8", "replace")
    counts = np.bincount(np.frombuffer(raw, np.uint8), minlength=256)
    digits, upper, operators, brackets, foreign = (_BYTES[:5] @ counts).tolist()
    tail_raw = last.encode("utf-8", "replace")
    tail_counts = np.bincount(np.frombuffer(tail_raw, np.uint8), minlength=256)
    tail_digits, tail_upper, tail_operators = (_BYTES[:3] @ tail_counts).tolist()
    size, tail_size, n_words = max(len(raw), 1), max(len(tail_raw), 1), max(len(cut), 1)
    lengths = list(map(len, cut))
    numbers = [len(token) for token in cut if token[0] == 48]
    tail_numbers = [len(token) for token in tail if token[0] == 48]
    seen = words.tolist()
    kinds = set(seen)
    spread = np.log1p(
        (
            chars, n_words, max(lengths, default=0), len(numbers), counts[44], counts[63], counts[10],
            counts[34] + counts[39], counts[96], len(_SENTENCE.findall(read)), read.count("\n\n") + 1, tail_size,
            len(request.messages), len(request.system), len(request.tools),
        )
    ).tolist()  # fmt: skip
    return np.array(
        (
            spread[0], spread[1], sum(lengths) / n_words, spread[2], len(kinds) / n_words, digits / size, spread[3],
            max(numbers, default=0), upper / size, operators / size, brackets / size, foreign / size, spread[4],
            spread[5], spread[6], spread[7], spread[8], spread[9], spread[10], float(len(kinds & _CONSTRAINTS)),
            float(len(kinds & _REASONING)), float(len(kinds & _NEGATIONS)), float(counts[92] > 0 or counts[36] > 1),
            float("```" in read), spread[11], tail_digits / tail_size, max(tail_numbers, default=0),
            tail_operators / tail_size, tail_upper / tail_size, float(len(tail)), spread[12], spread[13],
            float(request.response_format is not None), spread[14],
        )
    )  # fmt: skip
