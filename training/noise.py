"""Noise as people type it: slips of the finger, missing signs, other case and spacing, short forms, small talk.

It is for asking how much of a decision hangs on the wording, and for training on prompts as they may come. It knows
no data set: every kind of change below is one of typing or of habit, and none is fitted to anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from router.types import Message, Request

MOST = 0.6
"""The largest share of words that :func:`noised` changes, where no share is asked for."""

_SHORT = {
    "you": "u", "are": "r", "your": "ur", "please": "plz", "because": "cuz", "with": "w/", "without": "w/o",
    "and": "&", "the": "teh", "what": "wat", "between": "betwen", "for": "4", "to": "2", "people": "ppl",
    "about": "abt", "from": "frm", "which": "wich", "that": "tht", "this": "dis", "have": "hv", "before": "b4",
    "something": "smth", "following": "folowing", "number": "num", "question": "q", "answer": "ans", "does": "dos",
    "would": "wud",
}  # fmt: skip
_DROPPED = frozenset({"a", "an", "the", "of", "is", "are", "please", "that", "then", "do", "does"})
_BEFORE = ("hey, ", "hi! ", "so ", "ok so ", "quick q: ", "um ", "can u help: ", "", "", "", "", "", "", "")
_AFTER = (" thx", " pls", " ??", " thanks!", " ...", "", "", "", "", "", "", "", "", "")
_NEAR = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
_PIECE = re.compile(r"\s+|\S+")


def noised(text: str, *, rng: np.random.Generator, share: float | None = None) -> str:
    """The text as somebody else might have typed it.

    ``share`` of the words are changed, drawn evenly from 0 to :data:`MOST` where it is None; words with a digit keep
    their digits, since another number is another question. Never empty unless the text is.
    """
    rate = float(rng.uniform(0, MOST)) if share is None else share
    pieces = _PIECE.findall(text)
    flat, lower, bare = rng.random(3) < rate
    out = []
    for piece in pieces:
        if piece.isspace():
            out.append(_space(piece, flat=bool(flat), rate=rate, rng=rng))
            continue
        word = piece.lower() if lower else piece
        if rng.random() < rate:
            word = _changed(word, rng)
        if bare:
            word = word.rstrip(",;:.") or word
        out.append(word)
    if rng.random() < rate:
        out = [str(rng.choice(_BEFORE)), *out, str(rng.choice(_AFTER))]
    found = "".join(out)
    return found if found.strip() else text


def noised_copies(requests: Sequence[Request], *, copies: int, seed: int) -> list[Request]:
    """Each of ``requests`` (n,) with every message noised, ``copies`` times over: (copies * n,), round by round.

    To train on them, give a copy the key of its original, so that the two never stand on different sides of a fold.
    """
    rng = np.random.default_rng(seed)
    return [
        replace(request, messages=tuple(_noised(message, rng) for message in request.messages))
        for _ in range(copies)
        for request in requests
    ]


def _noised(message: Message, rng: np.random.Generator) -> Message:
    return replace(message, content=noised(message.content, rng=rng))


def _space(piece: str, *, flat: bool, rate: float, rng: np.random.Generator) -> str:
    if flat and "\n" in piece:
        return " "
    draw = rng.random()
    if "\n" not in piece and draw < rate / 10:
        return "" if draw < rate / 20 else "  "
    return piece


def _changed(word: str, rng: np.random.Generator) -> str:
    low = word.lower()
    if low in _SHORT and rng.random() < 0.5:
        return _SHORT[low]
    if low in _DROPPED and rng.random() < 0.3:
        return ""
    letters = [place for place, sign in enumerate(word) if sign.isalpha()]
    if len(letters) < 2:
        return word
    place = int(rng.choice(letters[1:])) if len(letters) > 2 else letters[-1]
    kind = rng.random()
    if kind < 0.35:
        return word[:place] + word[place + 1 :]
    if kind < 0.6 and word[place - 1].isalpha():
        return word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]
    if kind < 0.75:
        return word[:place] + word[place] + word[place:]
    near = _NEAR.get(word[place].lower())
    return word if near is None else word[:place] + near[int(rng.integers(len(near)))] + word[place + 1 :]
