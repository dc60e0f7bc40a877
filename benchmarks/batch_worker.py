"""One run of a batch file, to be killed: ``batch_worker.py PLAN``, which says what and where in JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from router.assess import Answer, Evidence
from router.config import Config
from router.engine import Router
from router.ledger import Ledger
from router.plan import Plan
from router.policy import Thresholds
from router.pricing import price_of
from router.providers.clients import Clients
from router.signals import answer_signals
from router.tiers import Ladder, Tier
from router.types import Completion, Request

NAMES = ("small", "large")
PRICE = price_of({"input": 1, "output": 2, "batch_input": 0.5, "batch_output": 1})


@dataclass(frozen=True)
class BySureness:
    """Thinks well of answers that begin with "sure"."""

    def begin(self, request: Request, *, embedding: object = None) -> Evidence:  # noqa: ARG002
        return Evidence(request=request, quality=(0.6, 0.9), cost=(1.0, 10.0))

    def observe(self, evidence: Evidence, rank: int, completion: Completion) -> Evidence:
        quality = list(evidence.quality)
        quality[rank] = 0.95 if completion.text.startswith("sure") else 0.1
        answer = Answer(rank, answer_signals(evidence.request, completion), completion.text)
        return replace(evidence, quality=tuple(quality), answers=(*evidence.answers, answer))


def main() -> None:
    work = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    api = work["api"]
    base = work["url"] if api == "anthropic" else f"{work['url']}/v1"
    tiers = tuple(Tier(name=name, api=api, model=f"m-{name}", price=PRICE, base_url=base) for name in NAMES)
    batch = {"poll": 0.05, "window": 0, "grace": work["grace"], "tiers": list(NAMES)}
    config = Config.of(tiers, batch=batch)
    rule = Thresholds(start=(0.5, 0.5), accept=(0.8, 0.8))
    plan = Plan(ladder=Ladder(tiers), assessor=BySureness(), rule=rule)
    ledger = Ledger(work["ledger"])
    with Router(config, plan=plan, provider=Clients(environ={}), ledger=ledger) as router:
        summary = router.batch(
            work["source"], out=work["out"], resume=True, report=lambda line: print(line, flush=True)
        )
    print(json.dumps(summary.as_dict()), flush=True)


if __name__ == "__main__":
    main()
