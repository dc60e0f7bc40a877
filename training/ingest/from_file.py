"""Observations of a file, whichever of the known formats it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, cast

from router.errors import InputError
from router.tiers import Ladder
from training.ingest import values
from training.ingest.columnar import read_parquet
from training.ingest.columns import fields_of
from training.ingest.delimited import read_csv
from training.ingest.jsonl import read_jsonl
from training.ingest.observation import Checker, Observation
from training.ingest.options import Options
from training.ingest.raw import Raw, Rows
from training.ingest.rejects import RefusedError, Reject
from training.ingest.tier_names import TierNames
from training.ingest.wide import OWN, lengthened, model_columns

Container = Literal["jsonl", "csv", "parquet"]

_NAMED: Mapping[str, Container] = {"routellm": "csv", "llmrouter": "jsonl"}
_HEAD = 64
_FOREIGN = {
    b"\xff\xfe": "UTF-16 or UTF-32; convert it to UTF-8",
    b"\xfe\xff": "UTF-16; convert it to UTF-8",
    b"\x1f\x8b": "compressed with gzip; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it",
    b"SQLite format 3\x00": "a SQLite database; if it is a ledger, make a log of it with `tierwise train ingest`",
    b"PK\x03\x04": "a ZIP archive or a spreadsheet; unpack it, or save it as CSV in UTF-8",
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that was passed over on purpose, and why."""

    reason: str


def observations(path: Path, ladder: Ladder, options: Options) -> Iterator[Observation | Reject | Skipped]:
    """Yield what each row says, or why it cannot be taken.

    Raises:
        InputError: the file cannot be read, has none of the columns that are needed, or names other tiers than
            ``ladder``; the last is known, and raised, only at its end.
    """
    tiers = TierNames(ladder, options.mapping)
    wide = True if options.format == "routellm" else None
    container = _container(path, options)
    reader = _Reader(path, options, tiers, wide=wide, sparse=container == "jsonl")
    for raw in _rows(path, container, options):
        if isinstance(raw, Reject):
            yield raw
        else:
            yield from reader.read(raw)
    if reader.rows:
        tiers.check(where=str(path))


def container_of(path: Path) -> Container:
    """Tell by its first bytes what a file is.

    Raises:
        InputError: it is missing, empty, or of a kind that cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror}); check the path") from None
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(f"{path}: the file is {what}")
    if head.startswith(b"PAR1"):
        return "parquet"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise InputError(f"{path}: the file is empty; pass a file with labelled answers")
    if start.startswith(b"["):
        raise InputError(f"{path}: the file is one JSON list; write one object a line (JSONL)")
    return "jsonl" if start.startswith(b"{") else "csv"


def _container(path: Path, options: Options) -> Container:
    found = container_of(path)
    wanted = _NAMED.get(options.format) or options.format
    if wanted != "auto" and "parquet" in (found, wanted) and found != wanted:
        raise InputError(f"{path}: the file is {found}, not {wanted}; leave out --format, or correct it")
    return found if wanted == "auto" else cast("Container", wanted)


def _rows(path: Path, container: Container, options: Options) -> Rows:
    readers: dict[Container, Callable[[], Rows]] = {
        "jsonl": partial(read_jsonl, path, field_limit=options.field_limit),
        "csv": partial(read_csv, path, field_limit=options.field_limit),
        "parquet": partial(read_parquet, path),
    }
    return readers[container]()


class _Reader:
    """Understands rows by their columns, which in JSONL may differ from line to line."""

    def __init__(self, path: Path, options: Options, tiers: TierNames, *, wide: bool | None, sparse: bool) -> None:
        self._path = path
        self._options = options
        self._tiers = tiers
        self._wide = wide
        self._sparse = sparse
        self._checker = Checker(options)
        self._columns: dict[tuple[str, ...], dict[str, str]] = {}
        self._models: tuple[str, ...] = ()
        self.rows = 0

    def read(self, raw: Raw) -> Iterator[Observation | Reject | Skipped]:
        """Yield what a row says, of a wide one what each of its models' columns do."""
        self.rows += 1
        fields = self._fields(raw)
        if self._wide:
            for row in lengthened(raw, self._models):
                yield self._observation(row, {**fields, **{name: name for name in row.values if name in OWN}})
        else:
            yield self._observation(raw, fields)

    def _observation(self, raw: Raw, fields: Mapping[str, str]) -> Observation | Reject | Skipped:
        row = {field: raw.values.get(column) for field, column in fields.items()}
        try:
            name = values.name(row.get("tier"), "tier", limit=self._options.field_limit)
            if not name:
                return Reject(raw.place, "tier", "it is missing")
            tier = self._tiers.tier(name)
            if tier is None:
                known = self._tiers.knows(name)
                return Skipped("its model is left out by the mapping") if known else _unknown(raw, name)
            return self._checker.observe(raw.place, row, tier)
        except RefusedError as refused:
            return refused.at(raw.place)

    def _fields(self, raw: Raw) -> dict[str, str]:
        names = tuple(raw.values)
        if names not in self._columns:
            fields = fields_of(names, self._options.mapping.columns)
            if self._wide is None:
                self._wide = "tier" not in fields and bool(model_columns(names, self._tiers))
            if self._wide and not self._models:
                self._models = model_columns(names, self._tiers)
            self._require(fields, names)
            self._columns[names] = fields
        return self._columns[names]

    def _require(self, fields: Mapping[str, str], names: tuple[str, ...]) -> None:
        """Refuse a first row that lacks a column; in later lines of JSONL only that line is refused."""
        if self._columns:
            return
        if self._wide and not self._models:
            raise InputError(
                f"{self._path}: no column is named after a tier or its model; there is {_listed(names)}; "
                'say in a mapping file which are, `[tiers] "column" = "tier"`'
            )
        # An object of JSONL may leave out what it does not know.
        needed = ("prompt", "tier") if self._sparse else ("prompt", "tier", "quality")
        for field in ("prompt",) if self._wide else needed:
            if field not in fields:
                raise InputError(
                    f"{self._path}: no column is the {field}; there is {_listed(names)}; "
                    f'say in a mapping file which is, `[columns] {field} = "..."`'
                )


def _unknown(raw: Raw, name: str) -> Reject:
    return Reject(raw.place, "tier", "it is no tier of the configuration", name)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(repr(name[:40]) for name in names[:20]) + more
