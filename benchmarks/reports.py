"""``report_200k``: the whole of `tierwise report` over a ledger of 200,000 simulated decisions, in SQL.

Beside it the same sums by reading every decision in Python, on a tenth of the ledger and times ten. Memory is the peak
of a process of its own, over that of one that reads a tenth.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from result import SEED, Result, rounded, say

from router.decision import Attempt, Decision, FromCache, Shortened
from router.ledger import Keep, Ledger
from router.ledger.codec import encode
from router.pricing import price_of
from router.types import Usage
from training.benchmarks.environments import home

MODELS = (("small", "gpt-5-mini"), ("large", "gpt-5"))
_PRICES = {"small": price_of({"input": 0.25, "output": 2}), "large": price_of({"input": 1.25, "output": 10})}
_PROGRAM = """
import json, resource, sys, time
from router.analytics import Costs
from router.analytics.summary import summary
from router.ledger import Ledger
with Ledger(sys.argv[1]) as ledger:
    start, worked = time.perf_counter(), time.process_time()
    found = summary(Costs(ledger))
    took, worked = time.perf_counter() - start, time.process_time() - worked
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": took, "cpu": worked, "peak_kib": peak, "requests": found["total"]["requests"]}))
"""


def measure(*, quick: bool) -> Result:
    """Fill two ledgers, one ten times the other, and report on both."""
    size = 4_000 if quick else 200_000
    within = home()
    within.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="report-", dir=within) as folder:
        large, small = Path(folder) / "large.db", Path(folder) / "small.db"
        say(f"report_200k: filling ledgers of {size:,} and {size // 10:,} simulated decisions")
        fill(large, size)
        fill(small, size // 10)
        say("report_200k: reporting")
        of_large, of_small = reported(large), reported(small)
        assert of_large["requests"] == size, "the report lost a request"
        reading = 10 * read_in_python(small)
    return Result(
        name="report_200k",
        value=of_large["seconds"] * 1000,
        unit="ms",
        against="every decision read in Python, extrapolated from a tenth",
        ratio=reading / of_large["seconds"],
        n=size,
        more={
            "against_value": rounded(reading * 1000),
            "cpu": rounded(of_large["cpu"] * 1000),
            "tenth": rounded(of_small["seconds"] * 1000),
            "peak_mib": rounded(of_large["peak_kib"] / 1024),
            "tenth_peak_mib": rounded(of_small["peak_kib"] / 1024),
            "simulated": True,
        },
    )


def reported(path: Path) -> dict[str, float]:
    """Seconds and peak memory of a report, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def read_in_python(path: Path) -> float:
    """Seconds to read every decision and add up its cost by feature."""
    costs: Counter[str] = Counter()
    with Ledger(path) as ledger:
        start = time.perf_counter()
        for entry in ledger.decisions():
            costs[entry.decision.tags["feature"]] += entry.decision.cost
        return time.perf_counter() - start


def fill(path: Path, size: int) -> None:
    """Write ``size`` simulated decisions of 90 days, below the ledger's own queue: it is not what is measured."""
    with Ledger(path) as ledger:
        ledger.open()
        from router.ledger.database import Database
        from router.ledger.location import locate

        database = Database(locate(path), durability="process")
        batch = []
        for made in simulated(size):
            batch.append(encode(made, None, kept=Keep(default="hash").kept({})))
            if len(batch) == 5_000:
                database.write(batch)
                batch = []
        if batch:
            database.write(batch)
        database.close()


def simulated(size: int) -> Iterator[Decision]:
    """Decisions of a service with five features, a cache, shortening and a few runaway prompts."""
    draw = random.Random(SEED)
    start, ids = 1_790_000_000.0, list[str]()
    for place in range(size):
        id = f"{place:016x}"
        feature = draw.choice(("search", "chat", "mail", "code", "summaries"))
        tags = {"feature": feature, "tenant": f"t{draw.randrange(40)}", "unit": "a" if feature == "code" else "b"}
        common = {
            "id": id,
            "created": start + place * 90 * 86_400 / size,
            "reason": "simulated",
            "tags": tags,
            "user": f"u{draw.randrange(2_000)}",
        }
        if ids and draw.random() < 0.15:
            attempt = Attempt(tier="small", model="gpt-5-mini", verdict="cached", reason="simulated")
            source = FromCache(kind="exact" if draw.random() < 0.7 else "semantic", decision=draw.choice(ids), age=60.0)
            yield Decision(start="small", attempts=(attempt,), strong_cost=1_000_000, cache=source, **common)
            continue
        read = int(draw.lognormvariate(6, 1)) * (50 if draw.random() < 0.0005 else 1)
        usage = Usage(input_tokens=read, cached_input_tokens=read // 4, output_tokens=int(draw.lognormvariate(5, 0.8)))
        up = draw.random() < 0.25
        attempts = tuple(
            Attempt(
                tier=tier,
                model=model,
                verdict="escalated" if up and tier == "small" else "accepted",
                reason="simulated",
                usage=usage,
                cost=_PRICES[tier].cost(usage),
                calls=1,
            )
            for tier, model in (MODELS if up else MODELS[:1])
        )
        short = Shortened(before=read * 2, after=read, stages=("clean",)) if draw.random() < 0.2 else None
        ids.append(id)
        yield Decision(
            start="small", attempts=attempts, strong_cost=_PRICES["large"].cost(usage), shortened=short, **common
        )
