"""docs/spend.md, from the saved figures alone; its words are in ``page.md`` and ``assumptions.md``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.month.levers import ALL, BASELINE

NAME = "month.json"
PLOT = "month.svg"

_HERE = Path(__file__).resolve().parent
_COMMAND = "python -m benchmarks.month --save docs/spend"
_AGAIN = "python -m benchmarks.month --page docs/spend"
_QUICK = " **These are the figures of a `--quick` run, and mean little.**"

_RISKS = {
    "routing": "weaker tiers answer: {right_lost} fewer right answers.",
    "exact": "{wrong_hits} of {hits} hits were wrong, because the answer had changed since. Users share answers.",
    "semantic": (
        "{wrong_hits} of {hits} hits were wrong (at most {wrong_at_most} with 95 % confidence, were hits independent), "
        "{stale_hits} of them out of date and the others taken for another question; {semantic_hits} hits were by "
        "meaning. A wrong answer that is kept is given again, too."
    ),
    "shorten": "passages and turns that an answer needed may go too: {right_lost} fewer right answers.",
    "output": "{right_lost} fewer right answers, which is an assumption, as is what it saves.",
    "prompt_cache": "nothing in the answers; what is kept and not read again costs a quarter more.",
    "batch": "answers come up to a day later.",
    "budgets": (
        "{refused} requests were not served, {refused_runaway} of them the runaway script's; the baseline paid "
        "{refused_worth} for them, which is not counted as saved."
    ),
    ALL: (
        "{wrong_hits} of {hits} hits were wrong; {refused} requests were not served ({refused_worth}), "
        "{refused_runaway} of them the runaway script's; {right_lost} fewer right answers. Near its limit a budget "
        "bars escalations too, so that the script gets weaker answers before it gets none."
    ),
}

_MONTH = ("lever", "USD", "saved", "from the cache", "wrong hits", "not served", "right", "lost, points")
_FEATURES = (
    *("feature", "requests", "tokens asked", "tokens answered", "USD", "USD, all together", "right"),
    "right, all together",
)
_SAMPLE = ("lever", "USD per 1,000", "saved", "right", "lost, points", "what was counted")


def page(found: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    month, sample = found["simulated"], found["sample"]
    rows, parts = month["rows"], month["parts"]
    every = next(row for row in rows if row["name"] == ALL)
    return _words("page.md").format(
        command=_COMMAND,
        again=_AGAIN,
        name=NAME,
        plot=PLOT,
        quick=_QUICK if found["quick"] else "",
        requests=f"{month['requests']:,}",
        seed=month["seed"],
        month=_table(_MONTH, map(_month, rows)),
        sum=share(parts["sum"]),
        together=share(parts["together"]),
        lost=points(every["right_lost"]),
        lost_interval=_between(every),
        risks="\n".join(
            f"- **{row['title']}**: {_risk(row)}{_dearer(row, rows[0])}" for row in rows if row["name"] in _RISKS
        ),
        features=_table(_FEATURES, _features(rows[0], every, month["traffic"])),
        assumptions=_assumptions(month),
        configuration=month["configuration"].strip(),
        prompts=f"{sample['requests']:,}",
        sample=_table(_SAMPLE, map(_sample, sample["lines"])),
    )


def share(value: float) -> str:
    """A share of 1 in per cent."""
    return f"{value:.1%}".replace("%", " %").replace("-0.0 ", "0.0 ")


def points(value: float, *, unit: str = " points") -> str:
    """A difference of shares in points."""
    text = f"{100 * value:.1f}"
    return f"{'0.0' if text == '-0.0' else text}{unit}"


def _words(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rules = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(each)} |" for each in (head, rules, *rows))


def _month(row: Mapping[str, Any]) -> list[str]:
    first = row["name"] == BASELINE.name
    return [
        row["title"],
        f"{row['cost']:,.2f}",
        "" if first else f"{share(row['saved'])} {_saved(row)}",
        f"{row['hits']:,}" if row["hits"] else "",
        f"{row['wrong_hits']:,}" if row["hits"] else "",
        f"{_refused(row):,}" if _refused(row) else "",
        share(row["right"]),
        "" if first else f"{points(row['right_lost'], unit='')} {_between(row)}",
    ]


def _features(base: Mapping[str, Any], every: Mapping[str, Any], traffic: Mapping[str, Any]) -> Iterable[list[str]]:
    for name, told in traffic.items():
        before, after = base["by_feature"][name], every["by_feature"].get(name)
        yield [
            name,
            f"{told['requests']:,}",
            f"{told['prompt_tokens']:,.0f}",
            f"{told['answer_tokens']:,.0f}",
            f"{before['cost']:,.2f}",
            "" if after is None else f"{after['cost']:,.2f}",
            share(before["right"]),
            "" if after is None else share(after["right"]),
        ]


def _sample(line: Mapping[str, Any]) -> list[str]:
    first = line["name"] == BASELINE.name
    known = line["right_lost"] is not None and not first
    return [
        line["title"],
        "" if line["cost"] is None else f"{line['cost']:.5f}",
        "" if first else "not known" if line["saved"] is None else share(line["saved"]),
        "" if line["right"] is None else share(line["right"]),
        f"{points(line['right_lost'], unit='')} {_between(line)}" if known else "",
        line["note"],
    ]


def _risk(row: Mapping[str, Any]) -> str:
    bound = row["wrong_at_most"]
    counts = {key: f"{row[key]:,}" for key in ("hits", "semantic_hits", "wrong_hits", "stale_hits", "refused_runaway")}
    return _RISKS[row["name"]].format(
        **counts,
        wrong_at_most="" if bound is None else share(bound),
        right_lost=points(row["right_lost"]),
        refused=f"{_refused(row):,}",
        refused_worth=f"{row['refused_worth']:,.2f} USD",
    )


def _dearer(row: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """The features that cost more than without the lever."""
    more = {
        name: each["cost"] / base["by_feature"][name]["cost"] - 1
        for name, each in row["by_feature"].items()
        if each["cost"] > base["by_feature"][name]["cost"]
    }
    told = ", ".join(f"{name} ({share(each)} more)" for name, each in more.items())
    return f" Dearer than without: {told}." if told else ""


def _refused(row: Mapping[str, Any]) -> int:
    return sum(row["refused"].values())


def _assumptions(month: Mapping[str, Any]) -> str:
    assumed, training, fit = month["assumed"], month["training"], month["cache_fit"]
    return (
        _words("assumptions.md")
        .strip()
        .format(
            prices_of=assumed["prices_of"],
            tiers="; ".join(
                f"{name} is {each['model']} at {each['input']:g} and {each['output']:g} USD per million tokens"
                for name, each in assumed["tiers"].items()
            ),
            **{key: f"{assumed[key]:g}" for key in ("users", "zipf", "documents", "runaway_pause", "noise", "shared")},
            **{key: f"{assumed[key]:g}" for key in ("concise_skill", "kept_seconds", "daily_limit")},
            changes=share(assumed["changes"]),
            repeated=", ".join(f"{name} {share(each['repeated'])}" for name, each in month["traffic"].items()),
            skills=", ".join(f"{name} {skill:g}" for name, skill in assumed["skills"].items()),
            wrong=share(assumed["hedges"]["wrong"]),
            right=share(assumed["hedges"]["right"]),
            concise=assumed["concise"],
            concise_length=share(assumed["concise_length"]),
            labels=f"{training['labels']:,}",
            training_seed=training["seed"],
            target=share(training["target"]),
            certificate=training["certificate"],
            threshold=f"{fit['threshold']:.4f}",
            embedder=fit["embedder"],
            pairs=f"{fit['fit']['pairs']:,}",
            max_wrong=share(fit["max_wrong"]),
        )
    )


def _saved(row: Mapping[str, Any]) -> str:
    low, high = row["saved_interval"]
    return f"[{points(low, unit='')}, {points(high, unit='')}]"


def _between(row: Mapping[str, Any]) -> str:
    low, high = row["right_lost_interval"]
    return f"[{points(low, unit='')}, {points(high, unit='')}]"
