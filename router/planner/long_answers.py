"""Output control: what the long tail of answers costs, feature by feature."""

from __future__ import annotations

from array import array
from collections import defaultdict

import numpy as np

from router.output.settings import OutputSettings
from router.planner.history import Past
from router.planner.lever import Lever, percent
from router.planner.period import Period
from router.pricing import usd
from router.tiers import Ladder

TAIL = 0.9
"""The quantile of a feature's answers beyond which they are called long."""

_FEW = 20
_SHOWN = 5
_RISK = (
    "A shorter answer may say less. A bound alone saves nothing: an answer that is cut off is asked for again in full; "
    "it is the instruction that shortens."
)


class LongAnswers:
    """Notes the length of every answer, and what a token of it cost."""

    def __init__(self, period: Period, ladder: Ladder, settings: OutputSettings | None) -> None:
        self._period, self._ladder, self._on = period, ladder, settings is not None
        self._tokens: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        self._rates: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        self._spent = 0

    def __call__(self, past: Past) -> None:
        """Take up the answer that was returned."""
        returned = past.returned
        if past.audit_of is not None or returned is None or returned.usage is None:
            return
        tier = next((each for each in self._ladder.tiers if each.name == returned.tier), None)
        if tier is None:
            return
        feature = past.tags.get("feature", "")
        usage = returned.usage
        rate = tier.price.rates_for(usage.prompt_tokens, batch=past.batch).output
        self._tokens[feature].append(usage.generated_tokens)
        self._rates[feature].append(rate)
        self._spent += usage.generated_tokens * rate // 1000

    def lever(self) -> Lever:
        """What the answers beyond the ninth decile of their feature cost beyond it: the most there is to save."""
        rows, beyond = [], 0
        for feature, lengths in self._tokens.items():
            tokens, rates = np.array(lengths, np.int64), np.array(self._rates[feature], np.int64)
            if len(tokens) < _FEW:
                continue
            half, tail, last = (int(np.quantile(tokens, q, method="higher")) for q in (0.5, TAIL, 0.99))
            extra = int((np.maximum(tokens - tail, 0) * rates).sum()) // 1000
            beyond += extra
            rows.append(
                {
                    "feature": feature or None,
                    "answers": len(tokens),
                    "median": half,
                    "p90": tail,
                    "p99": last,
                    "beyond_p90_monthly": usd(self._period.monthly(extra)),
                }
            )
        rows.sort(key=lambda row: (-float(str(row["beyond_p90_monthly"])), str(row["feature"])))
        if not rows:
            why = f"No feature has {_FEW} answers with token counts yet, so the ledger cannot say what is long."
            return Lever(name="shorter answers", on=self._on, why=why, risk=_RISK, switch=_switch(256))
        first = rows[0]
        named = "requests without the tag feature" if first["feature"] is None else f"feature {first['feature']!r}"
        why = (
            f"What answers have beyond nine tenths of their feature's costs {percent(beyond, self._spent)} of all that "
            f"is written; most of it in {named}, with {first['median']:,} tokens in the middle, {first['p90']:,} at "
            f"nine tenths and {first['p99']:,} at 99 %. How much an instruction takes off shows when it is tried."
        )
        return Lever(
            name="shorter answers",
            on=self._on,
            at_most=self._period.monthly(beyond),
            why=why,
            figures={"written_monthly": usd(self._period.monthly(self._spent)), "features": rows[:_SHOWN]},
            risk=_RISK,
            switch=_switch(int(str(first["p90"]))),
        )


def _switch(tokens: int) -> str:
    return (
        f"[output]\nlevels = [{{ complexity = 0.3, max_tokens = {max(tokens, 1)} }}]\n"
        'concise = "Answer in at most {words} words."'
    )
