"""Embedders: functions from texts to vectors that say what a text is about. Optional; nothing here loads one.

Two texts of like meaning have vectors of a small angle. The complexity classifier may read a prompt's vector beside
its words, which helps on topics that no training prompt had; a cache may look for the nearest one.
"""

from __future__ import annotations

import hashlib
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from router.errors import BundleError, EmbedderError
from router.types import Request

Vectors = NDArray[np.float64]

Encode = Callable[[list[str]], Any]
"""What an embedder wraps: n texts to n rows of numbers, of any length but zero's; called from several threads."""

PROBES = (
    "What is 17 times 23?",
    "Write a Python function that reverses a linked list.",
    "Summarise the causes of the First World War in three sentences.",
    "Wo ist die nächste Bibliothek, und wann schließt sie?",
)
"""What every embedder is shown when it is loaded. They never change: bundles hold what became of them."""

LEAST_COSINE = 0.97
"""Below this two vectors of one probe are of two models. Quantised models differ by 0.01 from machine to machine."""

READS = 1
"""Raise it whenever :func:`readable` gives another text."""

Fitted = Literal["bundle", "cache"]
"""What was made with an embedder's vectors, and is of no use with another's."""

_MAKING: Mapping[Fitted, tuple[str, str]] = {
    "bundle": ("the bundle was trained", "install the version it was trained with, or train again"),
    "cache": (
        "the cache's threshold was fitted",
        "install the version it was fitted with, or run `tierwise cache fit` again",
    ),
}

_HEAD = _TAIL = 4_000


class Embedder(Protocol):
    """A callable from n texts to vectors (n, d) of length 1, or 0 where there is nothing to embed.

    It may be called from several threads at once.

    Raises:
        EmbedderError: there are no vectors.
    """

    @property
    def name(self) -> str:
        """What a configuration calls it, and what identifies the model."""
        ...

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed ``texts``."""
        ...


def readable(request: Request) -> str:
    """The text of a request that is embedded: its beginning and its end, where it is very long."""
    text = request.text.strip()
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n\n{text[-_TAIL:]}"


@dataclass(frozen=True, slots=True)
class Imprint:
    """What an embedder was when something was trained with it: its ``name`` and its vectors of :data:`PROBES` (P, d).

    Vectors and no hash of them: the same model gives other last digits on another processor.
    """

    name: str
    probes: Vectors

    @property
    def dimension(self) -> int:
        """Numbers a vector has."""
        return int(self.probes.shape[1])

    @property
    def fingerprint(self) -> str:
        """A short hash of the vectors, for people to compare; the check itself is by angles."""
        return hashlib.sha256(np.round(self.probes, 2).tobytes()).hexdigest()[:12]

    def differs(self, probes: Vectors, *, fitted: Fitted = "bundle") -> str | None:
        """How an embedder that makes ``probes`` is another one; None when it is the same."""
        making, _ = _MAKING[fitted]
        if probes.shape[1] != self.dimension:
            return f"its vectors have {probes.shape[1]} numbers, and {making} on {self.dimension}"
        cosines = (probes * self.probes).sum(axis=1)
        cosines[~probes.any(axis=1) & ~self.probes.any(axis=1)] = 1.0  # neither finds anything in it
        if (cosines < LEAST_COSINE).any():
            return (
                f"it is another model or version than {making} with: the cosine of one text's two vectors is "
                f"{cosines.min():.2f}"
            )
        return None


def imprint_of(embedder: Embedder) -> Imprint:
    """What ``embedder`` is now.

    Raises:
        EmbedderError: it cannot be loaded or used, or finds nothing in any probe: no other could be told from it.
    """
    probes = embedder(PROBES)
    if not probes.any():
        raise EmbedderError(
            f"the embedder {embedder.name!r} gave nothing but zeros for {len(PROBES)} ordinary prompts; see that its "
            "model is whole, or name another"
        )
    return Imprint(embedder.name, probes)


class Lazy:
    """An embedder whose model is loaded at the first call, once for all threads; every vector is looked at.

    ``load`` gives the function that does the work. ``imprint`` is what it must be, where something was ``fitted`` with
    it. What went wrong in loading goes wrong again at each call, without another attempt, as an error of its own: one
    that is raised again and again would collect the frames, and so the prompts, of every request.

    Raises:
        BundleError: it is another model than ``imprint``'s.
    """

    def __init__(
        self, name: str, load: Callable[[], Encode], *, imprint: Imprint | None = None, fitted: Fitted = "bundle"
    ) -> None:
        self.name = name
        self._load = load
        self._imprint = imprint
        self._fitted = fitted
        self._lock = threading.Lock()
        self._encode: Encode | None = None
        self._dimension = 0
        self._fault: tuple[type[EmbedderError | BundleError], str] | None = None

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed ``texts``; none of them only loads the model.

        Raises:
            EmbedderError: the model cannot be loaded, failed, or gave what are no vectors of its dimension.
            BundleError: it is another model than the bundle was trained with.
        """
        encode = self._encode or self._loaded()
        if not texts:
            return np.empty((0, self._dimension))
        found = _vectors(self.name, encode, texts)
        if found.shape[1] != self._dimension:
            raise EmbedderError(
                f"the embedder {self.name!r} gave {found.shape[1]} numbers a text, and {self._dimension} when it was "
                "loaded"
            )
        return found

    def _loaded(self) -> Encode:
        with self._lock:
            if self._encode is not None:
                return self._encode
            if self._fault is not None:
                kind, told = self._fault
                raise kind(told)
            try:
                encode = self._load()
                probes = _vectors(self.name, encode, PROBES)
                self._check(probes)
            except (EmbedderError, BundleError) as error:
                self._fault = type(error), str(error)
                raise
            self._dimension = probes.shape[1]
            self._encode = encode
            return encode

    def _check(self, probes: Vectors) -> None:
        wrong = None if self._imprint is None else self._imprint.differs(probes, fitted=self._fitted)
        if wrong is not None:
            raise BundleError(f"the embedder {self.name!r} does not fit: {wrong}; {_MAKING[self._fitted][1]}")


def _vectors(name: str, encode: Encode, texts: Sequence[str]) -> Vectors:
    """What ``encode`` makes of ``texts``, scaled to length 1.

    Raises:
        EmbedderError: it failed, or this is no finite vector a text.
    """
    try:
        found = np.asarray(encode(list(texts)), dtype=np.float64)
    except EmbedderError:
        raise
    except Exception as error:
        # Without the error's own words, which may repeat the prompt.
        *_, (frame, line) = traceback.walk_tb(error.__traceback__)
        what = f"raised {type(error).__name__} (line {line} of {frame.f_code.co_filename})"
        raise EmbedderError(f"the embedder {name!r} {what}") from error
    if found.ndim != 2 or len(found) != len(texts) or not found.shape[1]:
        raise EmbedderError(
            f"the embedder {name!r} gave an array of shape {found.shape} for {len(texts)} texts; it must give one row "
            "of numbers a text"
        )
    if not np.isfinite(found).all():
        raise EmbedderError(f"the embedder {name!r} gave NaN or infinity")
    length = np.linalg.norm(found, axis=1, keepdims=True)
    scaled: Vectors = found / np.where(length > 0, length, 1.0)
    return scaled
