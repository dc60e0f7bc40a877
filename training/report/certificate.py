"""The certificate in full, and the thresholds that it vouches for."""

from __future__ import annotations

from router.report.section import Section
from router.report.table import Table
from router.report.wording import count, dollars, fixed, plain, share
from training.report.context import ReportContext
from training.report.reading import Reading
from training.report.verdict import ASSUMPTION, certificate_of


def certificate(read: Reading, context: ReportContext) -> Section:
    """What holds, under which assumption, and every policy that was tested."""
    found = certificate_of(read, context)
    if found.flag("certified") is None:
        return Section(
            "certificate",
            "The certificate",
            "No certificate was computed, so nothing vouches for the target on new data.",
        )
    told = found.text("statement")
    if found.flag("certified"):
        told = told if "exchangeable" in told else f"{told} {ASSUMPTION}".strip()
    elif (needed := found.number("labels_needed")) is not None and count(needed) not in told:
        told = f"{told} About {count(needed)} labels are needed for this target.".strip()
    elif not told:
        told = "Nothing was certified, and the certificate does not say why."
    facts = [
        ("target", _target(found)),
        ("budget", f"{dollars(found.number('budget'))} per 1,000 requests" if found.get("budget") is not None else ""),
        ("risk of a wrong certificate", share(found.number("delta"))),
        ("requests it rests on", count(found.number("n"))),
        ("p-value", plain(found.number("p_value"))),
        ("method", found.text("method")),
        ("rule", found.text("rule")),
    ]
    tables = [Table("The certificate", ("", "value"), tuple((name, said) for name, said in facts if said), words=(1,))]
    tested = tuple(
        (
            row.text("label") or "unnamed",
            share(row.number("quality")),
            dollars(row.number("cost_per_1k")),
            plain(row.number("p_value")),
            {True: "passed", False: "stopped here", None: ""}[row.flag("passed")],
        )
        for row in found.rows("tested")
    )
    if tested:
        head = ("policy", "quality", "USD per 1,000", "p-value", "result")
        tables.append(Table("Tested in this order, from the safest", head, tested, words=(4,)))
    return Section("certificate", "The certificate", told, tables=tuple(tables))


def _target(found: Reading) -> str:
    target = found.number("target")
    kind = {"share of strongest": " of the strongest tier’s quality", "quality": " quality"}
    return "" if target is None else share(target) + kind.get(found.text("target_is"), "")


def thresholds(read: Reading, context: ReportContext) -> Section:
    """Every tuned threshold as an "accept at or above" figure."""
    title = "Accept at or above"
    given = context.thresholds
    rows = Reading({"rows": list(given)}).rows("rows") if given is not None else read.rows("thresholds")
    if not rows:
        return Section("thresholds", title, "The evaluation names no thresholds.")
    table = Table(
        "Confidence from which an answer is returned without asking a stronger tier",
        ("after", "accept at or above", "answers accepted", "note"),
        tuple(
            (
                row.text("after") or "the prompt",
                fixed(row.number("accept_at_or_above")),
                share(row.number("share_accepted")),
                row.text("note"),
            )
            for row in rows
        ),
        words=(3,),
    ).trimmed()
    first = rows[0]
    told = "What the tuned rule comes to, as figures that a person can check."
    if (least := first.number("accept_at_or_above")) is not None:
        told = f"After {first.text('after')}, an answer with confidence {fixed(least)} or more is returned"
        accepted, note = first.number("share_accepted"), first.text("note")
        told += f"; {share(accepted)} of them are accepted" if accepted is not None else ""
        told += f" ({note.rstrip('.')})." if note else "."
    return Section("thresholds", title, told, tables=(table, *_errors(read)))


def _errors(read: Reading) -> tuple[Table, ...]:
    """How often what each tier returned was not acceptable, with an exact bound."""
    found = read.rows("accept_errors")
    if not found:
        return ()
    rows = []
    for row in found:
        accepted, errors = row.number("accepted"), row.number("errors")
        seen = share(errors / accepted) if accepted and errors is not None else ""
        rows.append((row.text("tier"), count(accepted), seen, share(row.number("upper"))))
    head = ("answers of", "returned", "not acceptable", "at most (90 % confidence)")
    return (Table("Returned answers that were not acceptable, one a prompt", head, tuple(rows)),)
