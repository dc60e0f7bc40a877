"""How many tokens calls take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from router.ledger.spread import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpread:
    """The tokens of one group's calls: of the prompts, cached or not (``read``), and of the answers (``written``)."""

    key: str | None = None
    read: Spread = field(default_factory=Spread)
    written: Spread = field(default_factory=Spread)

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"key": self.key, "read": self.read.as_dict(), "written": self.written.as_dict()}
