"""The whole way from a log to records."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from router.errors import InputError
from router.ledger import Ledger
from router.tiers import Ladder
from training.fingerprint import fingerprint
from training.ingest import from_file, from_ledger
from training.ingest.assembling import Kind, Whole, check_splits, kind_of, queries_of
from training.ingest.chances import Chances
from training.ingest.columnar import columns_of
from training.ingest.from_file import Skipped
from training.ingest.gathering import Gathering, settle
from training.ingest.observation import CHARACTERS_PER_TOKEN, Observation
from training.ingest.options import Options
from training.ingest.rejects import Reject, Rejects
from training.ingest.summary import Refusals, Summary
from training.records import SPLITS, Records, apart, read

CANNOT: Mapping[Kind, str | None] = {
    "full": None,
    "bandit": None,
    "bandit without propensities": (
        "The log does not say with which probability each tier was asked, so it supports neither a certificate nor an "
        "unbiased estimate for a rule that asks a tier where the log has no answer: log the propensities, or label "
        "every tier for a random part of the requests (and pass --logged full if every tier was meant to be asked)."
    ),
}
_NEVER_EXPLORED = (
    "No step of this log was left to chance and nothing was audited, so it supports only rules that escalate less "
    "than the one that wrote it: switch audits on to judge others."
)

_Items = Iterable[Observation | Reject | Skipped]


@dataclass(frozen=True, slots=True)
class Ingested:
    """Checked records, what became of the rows, where the refused ones are (None: there are none), and the facts."""

    records: Records
    summary: Summary
    rejects_path: Path | None
    facts: Mapping[str, Any]


def ingest(
    source: str | Path | Ledger,
    ladder: Ladder,
    options: Options | None = None,
    *,
    since: float | None = None,
    until: float | None = None,
) -> Ingested:
    """Read a log, a file or a ledger, as records for ``ladder``, whatever its rows are like.

    A file that this wrote before is taken as it is. ``since`` and ``until``, seconds since the epoch, bound the
    decisions of a ledger. A row that cannot be taken is refused with its reason, and the others are kept.

    Raises:
        InputError: the source cannot be read or names other tiers, more than the allowed share of rows is refused,
            nothing is left, or two of its own splits share a prompt.
        LedgerError: the ledger cannot be read.
    """
    options = options or Options()
    if isinstance(source, Ledger):
        return _ingest_ledger(source, ladder, options, since, until)
    path = Path(source)
    if options.rejects is not None and options.rejects.absolute() == path.absolute():
        raise InputError(f"{path}: refused rows cannot be written over the log itself; choose another --rejects")
    if options.format in ("auto", "parquet") and from_file.container_of(path) == "parquet":
        if {"logged", "asked"} <= set(columns_of(path)):
            return _as_it_is(read(path, ladder), path)
        with Rejects(options.rejects, unit="row") as rejects:
            items = from_file.observations(path, ladder, options)
            return _ingest(items, ladder, options, rejects, where=str(path), chances=Chances())
    with Rejects(options.rejects, unit="line") as rejects:
        items = from_file.observations(path, ladder, options)
        return _ingest(items, ladder, options, rejects, where=str(path), chances=Chances())


def _ingest_ledger(
    ledger: Ledger, ladder: Ladder, options: Options, since: float | None, until: float | None
) -> Ingested:
    chances = Chances()
    with Rejects(options.rejects, unit="decision") as rejects:
        items = from_ledger.observations(ledger, ladder, options, chances, since=since, until=until)
        return _ingest(items, ladder, options, rejects, where="the ledger", chances=chances)


def _ingest(
    items: _Items,
    ladder: Ladder,
    options: Options,
    rejects: Rejects,
    *,
    where: str,
    chances: Chances,
) -> Ingested:
    skipped: Counter[str] = Counter()
    tally = _Tally()
    gathering = Gathering()
    for one in _kept(items, rejects, skipped, tally):
        reject = gathering.add(one)
        if reject is not None:
            rejects.add(reject)
    if rejects.unit != "decision":
        _require_propensities(gathering, rejects)
    wholes, duplicates = _settled(gathering, options, rejects)
    _check_share(rejects, tally.rows, options, where)
    if not wholes:
        why = _most(rejects) or "; ".join(skipped) or "it has no rows"
        raise InputError(f"{where}: no row of it can be trained on: {why}")
    own = check_splits(wholes)
    _require_labels(wholes, where)
    kind = kind_of(wholes, ladder, options, rejected=rejects.total)
    queries = queries_of(wholes, ladder, options, kind=kind, chances=chances)
    records = Records(ladder.names, queries)
    try:
        apart(records)
    except InputError as error:
        raise InputError(f"{where}: {error} (--splits anew)") from None
    facts = _facts(records, where=where, kind=kind, split_by="file" if own else f"hash, seed {options.seed}")
    if tally.estimated:
        facts["tokens"] = f"estimated for {tally.estimated:,} answers at {CHARACTERS_PER_TOKEN} characters a token"
    summary = Summary(
        rows=tally.rows,
        rejected=rejects.total,
        refusals=tuple(
            Refusals(field=field, reason=reason, rows=rows) for (field, reason), rows in rejects.counts.most_common()
        ),
        skipped=dict(skipped),
        duplicates=duplicates,
        estimated=tally.estimated,
        queries=len(records),
        splits=facts["splits"],
        notes=_notes(facts, records),
    )
    records = replace(records, facts={name: fact for name, fact in facts.items() if name != "data"})
    return Ingested(records, summary, rejects.path if rejects.counts else None, facts)


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    estimated: int = 0


def _kept(items: _Items, rejects: Rejects, skipped: Counter[str], tally: _Tally) -> Iterator[Observation]:
    """Yield the observations; count and write down the rest."""
    for item in items:
        tally.rows += 1
        if isinstance(item, Observation):
            tally.estimated += item.estimated
            yield item
        elif isinstance(item, Reject):
            rejects.add(item)
        else:
            skipped[item.reason] += 1


def _require_propensities(gathering: Gathering, rejects: Rejects) -> None:
    """Refuse the rows without a propensity where others have one."""
    if not any(one.inclusion is not None for query in gathering.queries.values() for one in query.all()):
        return
    for query in gathering.queries.values():
        for tier, observations in list(query.by_tier.items()):
            kept = [one for one in observations if one.inclusion is not None]
            for one in observations:
                if one.inclusion is None:
                    rejects.add(Reject(one.place, "propensity", "it is missing, and other rows have one"))
            if kept:
                query.by_tier[tier] = kept
            else:
                del query.by_tier[tier]


def _settled(gathering: Gathering, options: Options, rejects: Rejects) -> tuple[list[Whole], int]:
    wholes, duplicates = [], 0
    for query in gathering.queries.values():
        settled = {tier: settle(some, options.on_conflict) for tier, some in query.by_tier.items()}
        for each in settled.values():
            duplicates += each.duplicates
            for reject in each.rejects:
                rejects.add(reject)
        if settled:
            wholes.append(Whole(query, settled))
    return wholes, duplicates


def _require_labels(wholes: Iterable[Whole], where: str) -> None:
    if all(math.isnan(each.outcome.quality) for whole in wholes for each in whole.settled.values()):
        raise InputError(
            f"{where}: no answer in it has a label; say in a mapping file which column has it, `[columns] quality "
            '= "..."`, or label answers with `tierwise train label` or `tierwise feedback`'
        )


def _check_share(rejects: Rejects, rows: int, options: Options, where: str) -> None:
    refused = rejects.total
    if rows and refused > options.max_rejects * rows:
        there = f"; each is in {rejects.path}" if rejects.path else ""
        raise InputError(
            f"{where}: {refused:,} of {rows:,} rows ({refused / rows:.1%}) were refused, more than the "
            f"{options.max_rejects:.1%} that are allowed, most often because of {_most(rejects)}{there}; correct the "
            "log, or raise --max-rejects"
        )


def _most(rejects: Rejects) -> str:
    for (field, reason), rows in rejects.counts.most_common(1):
        return f"`{field}`: {reason} ({rows:,} rows)"
    return ""


def _facts(records: Records, *, where: str, kind: Kind, split_by: str) -> dict[str, Any]:
    labels: dict[str, Counter[str]] = {name: Counter() for name in records.tiers}
    for query in records.queries:
        for name, outcome in zip(records.tiers, query.outcomes, strict=True):
            if outcome is not None:
                labels[name]["unlabelled" if math.isnan(outcome.quality) else outcome.source or "unknown"] += 1
    facts: dict[str, Any] = {
        "data": fingerprint(records),
        "source": Path(where).name,
        "kind": kind,
        "cannot": CANNOT[kind],
        "queries": len(records),
        "splits": {name: sum(query.split == name for query in records.queries) for name in SPLITS},
        "split_by": split_by,
        "labels": {name: dict(counts) for name, counts in labels.items()},
        "tokens": "logged",
    }
    if kind == "bandit" and not any(0 < chance < 1 for query in records.queries for chance in query.inclusion or ()):
        facts["cannot"] = _NEVER_EXPLORED
    return facts


def _notes(facts: Mapping[str, Any], records: Records) -> tuple[str, ...]:
    notes = []
    if facts["tokens"] != "logged":
        notes.append(f"Tokens, and so every cost, are {facts['tokens']}.")
    if facts["cannot"]:
        notes.append(facts["cannot"])
    empty = [name for name, count in facts["splits"].items() if not count]
    if empty:
        groups = len({query.split_key for query in records.queries})
        notes.append(
            f"Nothing fell into {' and '.join(empty)}: {len(records):,} queries are only {groups:,} that are apart."
        )
    for name, counts in facts["labels"].items():
        if not set(counts) - {"unlabelled"}:
            notes.append(f"No answer of tier {name!r} has a label.")
    return tuple(notes)


def _as_it_is(records: Records, path: Path) -> Ingested:
    """Records that were ingested before."""
    facts = {**_facts(records, where=str(path), kind="full", split_by="file"), **records.facts}
    facts["data"] = fingerprint(records)
    summary = Summary(
        rows=len(records) * len(records.tiers),
        rejected=0,
        refusals=(),
        skipped={},
        duplicates=0,
        estimated=0,
        queries=len(records),
        splits=facts["splits"],
        notes=_notes(facts, records),
    )
    return Ingested(records, summary, None, facts)
