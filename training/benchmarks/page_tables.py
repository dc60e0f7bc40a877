"""The tables of the page of benchmarks: the summary over all, and of one benchmark ours beside everybody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from router.report.table import Table
from training.benchmarks.page_words import called, decimals, split, written
from training.benchmarks.proof import Proof, Target, met
from training.benchmarks.result import leaves, plain

OURS = "tierwise"

_BESIDE = ("apgr", "cost_apgr", "aiq", "regret")
"""Figures that stand beside those with a target wherever there are any."""

_FEW = 3
"""Baselines at most, for the parts of a benchmark to share a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """How many targets there are, and how many of them were met."""

    met: int
    of: int


def verdicts(proof: Proof) -> Verdicts:
    """The targets of one benchmark; of a figure that is read twice, the reading that was published counts."""
    known = _flat(proof.metrics)
    names = _told(proof)
    return Verdicts(met=sum(met(known[name], proof.targets[name]) for name in names), of=len(names))


def summary(proofs: Mapping[str, Proof]) -> Table:
    """A row for each target: ours with its interval, the best that was published, and whether the target was met."""
    rows = [row for proof in proofs.values() for row in _summed(proof)]
    head = ("benchmark", "metric", "ours", "95 % interval", "best published", "target", "")
    return Table("Summary", head, tuple(rows), words=(1, 6))


def compared(proof: Proof) -> list[Table]:
    """A table for each part of the metrics: ours, the target, what was published, and the baselines of the same run."""
    tables = [_matrix(proof, parent, names) for parent, names in _matrices(proof).items()]
    for prefix, names in _parts(proof).items():
        main = _main(proof, prefix, names)
        if main and _parent(prefix) not in _matrices(proof):
            tables.append(_table(proof, _title(prefix, "Compared"), prefix, main, published=True))
    return [*tables, *_own(proof, parts="whole")]


def further(proof: Proof) -> list[Table]:
    """Everything else: the other figures, beside those of the baselines where they have them."""
    tables: list[Table] = []
    alone: list[tuple[str, ...]] = []
    bounds = _flat(proof.intervals)
    for prefix, names in _parts(proof).items():
        if _parent(prefix) in _matrices(proof):
            continue
        main = _main(proof, prefix, names)
        rest = [name for name in names if name not in main]
        shared = [name for name in rest if any(_dotted(prefix, name) in _flat(row) for row in proof.baselines.values())]
        if shared:
            title = _title(f"{prefix}.further_figures" if prefix else "", "Further figures")
            tables.append(_table(proof, title, prefix, shared, published=False))
        for name in rest:
            if name not in shared:
                dotted = _dotted(prefix, name)
                value = _flat(proof.metrics)[dotted]
                places = decimals([value])
                alone.append((called(dotted), written(value, places), _between(bounds.get(dotted), places)))
    if alone:
        tables.append(Table("Ours alone", ("", "figure", "95 % interval"), tuple(alone)))
    return [*tables, *_own(proof, parts="each")]


def _summed(proof: Proof) -> list[tuple[str, ...]]:
    known, bounds = _flat(proof.metrics), _flat(proof.intervals)
    rows: list[tuple[str, ...]] = []
    for name in _told(proof):
        target, value = proof.targets[name], known[name]
        best = _best(proof, name)
        places = _places(proof, name, [value, None if best is None else best[1], target["reach"]])
        rows.append(
            (
                proof.name,
                called(name),
                written(value, places),
                _between(bounds.get(name), places),
                "" if best is None else f"{written(best[1], places)} ({called(best[0])})",
                _aim(target),
                "met" if met(value, target) else "missed",
            )
        )
    return rows


def _told(proof: Proof) -> list[str]:
    """The targets, without the exact reading of a figure that has a published one."""
    return [name for name in proof.targets if f"{name}_deciles" not in proof.targets]


def _best(proof: Proof, name: str) -> tuple[str, float] | None:
    """Who published the best figure of that metric, under its name or the end of it, and which."""
    higher = proof.targets[name]["better"] == "higher"
    parts = split(name.removesuffix("_deciles"))
    for start in range(len(parts)):
        ending = ".".join(parts[start:])
        found = [
            (who, float(value))
            for who, row in proof.published.items()
            if isinstance(value := _flat(row).get(ending), (int, float))
        ]
        if found:
            return max(found, key=lambda each: each[1] if higher else -each[1])
    return None


def _parts(proof: Proof) -> dict[str, list[str]]:
    """The last names of the metrics under the dotted name before them."""
    found: dict[str, list[str]] = {}
    for dotted in _flat(proof.metrics):
        parts = split(dotted)
        found.setdefault(".".join(parts[:-1]), []).append(parts[-1])
    return found


def _matrices(proof: Proof) -> dict[str, list[str]]:
    """Where nothing was published and several parts have figures of the same names, those names: they are one table.

    With many baselines each part has a table of its own.
    """
    found: dict[str, list[list[str]]] = {}
    for prefix, names in _parts(proof).items():
        if prefix and not proof.published and len(proof.baselines) <= _FEW:
            found.setdefault(_parent(prefix) or "", []).append(names)
    return {parent: parts[0] for parent, parts in found.items() if len(parts) > 1 and len(set(map(tuple, parts))) == 1}


def _parent(prefix: str) -> str | None:
    """The part that a part is in; None for the top."""
    return ".".join(split(prefix)[:-1]) if prefix else None


def _title(dotted: str, otherwise: str) -> str:
    words = called(dotted) if dotted else otherwise
    return words[0].upper() + words[1:]


def _matrix(proof: Proof, parent: str, names: Sequence[str]) -> Table:
    """A row for each part; with baselines a row for each of them too, after ours."""
    known, bounds = _flat(proof.metrics), _flat(proof.intervals)
    parts = [prefix for prefix in _parts(proof) if _parent(prefix) == parent]
    others = {who: _flat(row) for who, row in proof.baselines.items()}
    places = [
        decimals(value for part in parts for flat in (known, *others.values()) if (value := flat.get(f"{part}.{name}")))
        for name in names
    ]
    rows: list[tuple[str, ...]] = []
    for part in parts:
        dotted = [f"{part}.{name}" for name in names]
        label = called(split(part)[-1])
        beside = {who: flat for who, flat in others.items() if any(name in flat for name in dotted)}
        ours = [
            written(known[name], place) + (f" ({_between(bounds[name], place)})" if name in bounds else "")
            for name, place in zip(dotted, places, strict=True)
        ]
        rows.append((f"{label}, {OURS}" if beside else label, *ours))
        if any(name in proof.targets for name in dotted):
            rows.append((f"{label}, target", *(_aim(proof.targets.get(name)) for name in dotted)))
        for who, flat in beside.items():
            cells = [
                written(flat[name], place) if name in flat else "" for name, place in zip(dotted, places, strict=True)
            ]
            rows.append((f"{label}, {called(who)}", *cells))
    return Table(_title(parent, "Figures"), ("", *map(called, names)), tuple(rows))


def _main(proof: Proof, prefix: str, names: Sequence[str]) -> list[str]:
    """The figures with a target or a published counterpart, and where there are any, those that stand beside them."""
    asked = [
        name
        for name in names
        if _dotted(prefix, name) in proof.targets or _published(proof, name, names, prefix) is not None
    ]
    beside = [name for name in names if name in _BESIDE and name not in asked]
    return [*sorted(asked, key=lambda name: not name.endswith("_deciles")), *beside] if asked else []


def _published(proof: Proof, name: str, names: Sequence[str], prefix: str) -> str | None:
    """The name under which a figure is published: its own, or the end of it where that has two parts or more.

    That of the exact reading belongs to the one in 10 bins.
    """
    if f"{name}_deciles" in names:
        return None
    counterparts = {key for row in proof.published.values() for key in _flat(row)}
    parts = split(_dotted(prefix, name.removesuffix("_deciles")))
    endings = [".".join(parts[start:]) for start in range(max(1, len(parts) - 1))]
    return next((ending for ending in endings if ending in counterparts), None)


def _table(proof: Proof, title: str, prefix: str, names: Sequence[str], *, published: bool) -> Table:
    known, bounds = _flat(proof.metrics), _flat(proof.intervals)
    dotted = [_dotted(prefix, name) for name in names]
    others: dict[str, list[Any]] = {}
    for who, row in proof.published.items() if published else ():
        flat = _flat(row)
        others[f"{called(who)} (published)"] = [
            None if (key := _published(proof, name, names, prefix)) is None else flat.get(key) for name in names
        ]
    for who, row in proof.baselines.items():
        flat = _flat(row)
        others[called(who)] = [flat.get(name) for name in dotted]
    others = {who: row for who, row in others.items() if any(isinstance(value, (int, float)) for value in row)}
    places = [
        _places(proof, name, [known[name], *(row[place] for row in others.values())])
        for place, name in enumerate(dotted)
    ]
    ours = tuple(
        written(known[name], place) + (f" ({_between(bounds[name], place)})" if name in bounds else "")
        for name, place in zip(dotted, places, strict=True)
    )
    rows = [(OURS, *ours)]
    if any(name in proof.targets for name in dotted):
        rows.append(("target", *(_aim(proof.targets.get(name)) for name in dotted)))
    rows += [
        (who, *(written(value, place) if value is not None else "" for value, place in zip(row, places, strict=True)))
        for who, row in others.items()
    ]
    return Table(title, ("", *map(called, names)), tuple(rows))


def _own(proof: Proof, *, parts: Literal["whole", "each"]) -> list[Table]:
    """What baselines have that ours has not: the quality of a single tier, or the reason why a peer is missing.

    A table for the benchmark as a ``whole``, or one for ``each`` of its parts.
    """
    known = _flat(proof.metrics)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for who, row in proof.baselines.items():
        for dotted, value in _flat(row).items():
            if dotted not in known:
                *prefix, name = split(dotted)
                found.setdefault(".".join(prefix), {}).setdefault(who, {})[name] = value
    return [
        _alone(_title(f"{prefix}.baselines_alone" if prefix else "", "Baselines alone"), rows)
        for prefix, rows in found.items()
        if (not prefix) == (parts == "whole")
    ]


def _alone(title: str, rows: Mapping[str, Mapping[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    places = {name: decimals(row.get(name) for row in rows.values()) for name in names}
    told = tuple(
        (called(who), *(written(row[name], places[name]) if name in row else "" for name in names))
        for who, row in rows.items()
    )
    return Table(title, ("", *map(called, names)), told)


def _places(proof: Proof, name: str, values: Sequence[Any]) -> int:
    """Four decimals where somebody published four of the same part."""
    within = split(name)[:-1]
    fine = any(
        isinstance(value, float) and abs(value) < 2 and round(value, 3) != value
        for row in proof.published.values()
        for key, value in _flat(row).items()
        if (part := split(key)[:-1]) == within[len(within) - len(part) :]
    )
    return 4 if fine and decimals(values) == 3 else decimals(values)


def _aim(target: Target | None) -> str:
    return "" if target is None else f"{'≥' if target['better'] == 'higher' else '≤'} {target['reach']:g}"


def _between(bounds: Any, places: int) -> str:
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
        return ""
    return f"{written(bounds[0], places)} to {written(bounds[1], places)}"


def _dotted(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _flat(figures: Any) -> dict[str, Any]:
    """Figures by their dotted names."""
    return dict(leaves(plain(figures), pairs=True)) if isinstance(figures, Mapping) else {}
