"""What the pipeline asks of a model that shortens, as an operation."""

from __future__ import annotations

from dataclasses import dataclass

from router.ops import Op
from router.shorten.settings import LinguaSettings


@dataclass(frozen=True, slots=True)
class Condensed:
    """The texts in the order given, each shortened or as it was; ``note`` says why, where none could be."""

    texts: tuple[str, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Condense(Op[Condensed]):
    """Shorten ``texts``, which are read for the sake of ``question``. Never fails: what cannot be done is a note."""

    texts: tuple[str, ...]
    question: str
    settings: LinguaSettings
    timeout: float
