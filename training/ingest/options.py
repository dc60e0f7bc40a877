"""How a log is to be taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from router.errors import InputError
from training.ingest.mapping import Mapped

Format = Literal["auto", "jsonl", "csv", "parquet", "routellm", "llmrouter"]
OnConflict = Literal["reject", "mean"]
Tokens = Literal["logged", "estimate"]
Splits = Literal["file", "anew"]
Logged = Literal["auto", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a log is to be taken.

    ``rejects`` is the file for refused rows, and ``max_rejects`` the share of them that stops the run.
    ``on_conflict``: labels from one source that contradict each other are refused, or their mean is taken.
    ``tokens``: a row without token counts is refused, or they are estimated at four characters a token.
    ``splits``: the file's own are kept where it has any, or all is split anew, by a hash of ``seed`` and the prompt.
    ``logged``: "full" says that every tier was asked on purpose, and an answer that lacks is a fault of the log.
    ``field_limit``: a field of more bytes is refused.

    Raises:
        InputError: a value is outside its range.
    """

    format: Format = "auto"
    mapping: Mapped = field(default_factory=Mapped)
    rejects: Path | None = None
    max_rejects: float = 0.05
    on_conflict: OnConflict = "reject"
    tokens: Tokens = "logged"
    splits: Splits = "file"
    logged: Logged = "auto"
    field_limit: int = 2**20
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in (
            ("format", Format),
            ("on_conflict", OnConflict),
            ("tokens", Tokens),
            ("splits", Splits),
            ("logged", Logged),
        ):
            if getattr(self, name) not in get_args(kind):
                raise InputError(f"{name}={getattr(self, name)!r} is none of {', '.join(get_args(kind))}")
        if not 0 <= self.max_rejects <= 1:
            raise InputError(f"max_rejects is a share in [0, 1], not {self.max_rejects!r}")
        if self.field_limit < 1:
            raise InputError(f"field_limit is a number of bytes of at least 1, not {self.field_limit!r}")
