"""Whether a question was seen before, whatever its form: what a benchmark must refuse or leave out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from router.errors import InputError

RUN = 13
"""Words in a row that two texts have in common by more than chance (as GPT-3's contamination check has it)."""

COPIED = 0.5
"""The share of a question's runs that make it a copy."""

TEMPLATE = 10
"""Known questions that share a run which says nothing of any of them."""

_WORD = re.compile(r"[^\W_]+")
_OPTIONS = re.compile(r"\n+\s*(?:Choices:\s*)?\(?A[.:)]\s")


class Rows(Protocol):
    """What is learned from or judged: an id and a key a row, equal keys for the same question."""

    @property
    def ids(self) -> Sequence[str]:
        """(n,)."""
        ...

    @property
    def keys(self) -> Sequence[str]:
        """(n,)."""
        ...


def apart(train: Rows, test: Rows) -> None:
    """Refuse rows to learn from that are also judged.

    Raises:
        InputError: an id or a question stands on both sides.
    """
    ids, keys = set(test.ids), set(test.keys)
    shared = [id for id, key in zip(train.ids, train.keys, strict=True) if id in ids or key in keys]
    if shared:
        raise InputError(
            f"{len(shared)} rows to learn from are also judged, {shared[0]!r} among them; leave them out of one side"
        )


def normalised(text: str) -> str:
    r"""The words of ``text`` in lower case, a space between them.

    >>> normalised("What is  2 + 2?\n(A) 4")
    'what is 2 2 a 4'
    """
    return " ".join(_WORD.findall(text.lower()))


def question(text: str) -> str:
    r"""The words of ``text`` as far as its multiple choice, where it has one.

    >>> question("Which is prime?\nA. 4\nB. 5\nAnswer:")
    'which is prime'
    """
    return normalised(_OPTIONS.split(text, maxsplit=1)[0])


def key_of(text: str) -> str:
    """A short name for all texts of the same words: equal for those that :func:`normalised` makes equal."""
    return hashlib.blake2s(normalised(text).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Known:
    """Questions to be recognised again."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._questions = {question(text) for text in texts}
        often = Counter(run for words in self._questions for run in _runs(words))
        self._runs = frozenset(run for run, count in often.items() if count < TEMPLATE)
        self._templates = frozenset(run for run, count in often.items() if count >= TEMPLATE)

    def has(self, text: str) -> bool:
        """Whether ``text`` asks one of the questions: in the same words, or half of its runs of 13 words are theirs.

        Runs that ten and more of the questions have do not count: they are how such questions are put.
        """
        words = question(text)
        if words in self._questions:
            return True
        runs = _runs(words) - self._templates
        return bool(runs) and len(runs & self._runs) >= COPIED * len(runs)


def _runs(words: str) -> frozenset[int]:
    split = words.split(" ")
    return frozenset(hash(tuple(split[start : start + RUN])) for start in range(len(split) - RUN + 1))
