"""An answer that can be labelled, and what a label says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from router.ledger.label import Source
from router.types import Message

Unlabelled = Literal[""]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A label: ``quality`` in [0, 1], NaN where nobody could tell, and then ``reason`` says why.

    ``source`` is "" where nobody said who labelled it; ``judge`` names the grader, the person or the model with its
    rubric; ``weight`` is how much the label counts.
    """

    quality: float
    source: Source | Unlabelled = ""
    judge: str | None = None
    weight: float = 1.0
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether it says anything of the answer."""
        return not math.isnan(self.quality)


NOBODY = Given(quality=math.nan)
"""What an answer without a label has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One tier's answer to one prompt.

    ``messages`` are what was asked, ``reference`` a right answer where one is known, ``given`` the label that the
    answer has already, ``row`` its place in the source, ``fields`` the row's other columns.
    """

    row: int
    query_id: str
    tier: str
    messages: tuple[Message, ...]
    response: str
    reference: str | None = None
    given: Given = NOBODY
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """Everything but the system prompt, turn after turn."""
        return "\n\n".join(message.content for message in self.messages if message.role != "system")
