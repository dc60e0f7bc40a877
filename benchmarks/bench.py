"""Measure tierwise beside its peers, in one run on one machine: a JSON object a line on standard output.

    make bench                                     everything: some minutes, and once some more for the peers
    python benchmarks/bench.py --only decide_40    one measurement
    python benchmarks/bench.py --quick             every part works; its numbers mean nothing

Progress and the protocol go to standard error. README.md says what each measurement is.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator

from result import SEED, Result, say

NAMES = (
    "decide_40",
    "decide_400",
    "route_overhead",
    "ledger_overhead",
    "import_cpu",
    "shorten_clean",
    "shorten_dedupe",
    "shorten_context",
    "shorten_concise",
    "shorten_history",
    "shorten_all",
    "budget_overspend",
    "cache_lookup_memory",
    "cache_lookup_sqlite",
    "cache_lookup_redis",
    "cache_lookup_memcached",
    "semantic_wrong_hit",
    "ab_ever_wrong",
    "batch_lost",
    "batch_doubled",
    "embed_together",
    "report_200k",
)
PROTOCOL = (
    "protocol: every value is a median over rounds in which we and the peer take turns (A B A B); "
    "ratio = the peer's value / ours, so larger is better (ledger_overhead: power / process); seed {seed}; "
    "quartiles are over rounds; {machine}, load {load:.2f}"
)


def measured(names: list[str], *, quick: bool) -> Iterator[Result]:
    """The results of ``names``, each part imported when it is its turn."""
    deciding = [name for name in names if name.startswith("decide_")]
    if deciding:
        import deciding as part

        yield from part.measure(deciding, quick=quick)
    if "route_overhead" in names:
        import routing

        yield routing.measure(quick=quick)
    if "ledger_overhead" in names:
        import ledgers

        yield ledgers.measure(quick=quick)
    if "budget_overspend" in names:
        import budgets

        yield budgets.measure(quick=quick)
    looking_up = [name for name in names if name.startswith("cache_lookup_")]
    if looking_up:
        import caches

        yield from caches.measure(looking_up, quick=quick)
    if "semantic_wrong_hit" in names:
        import semantic

        yield semantic.measure(quick=quick)
    if "ab_ever_wrong" in names:
        import ab_tests

        yield ab_tests.measure(quick=quick)
    batching = [name for name in names if name.startswith("batch_")]
    if batching:
        import batches

        yield from (result for result in batches.measure(quick=quick) if result.name in batching)
    if "report_200k" in names:
        import reports

        yield reports.measure(quick=quick)
    if "embed_together" in names:
        import embedding_window

        yield embedding_window.measure(quick=quick)
    cutting = [name for name in names if name.startswith("shorten_")]
    if cutting:
        import shortening as part

        yield from part.measure(cutting, quick=quick)
    if "import_cpu" in names:
        import importing

        yield importing.measure(quick=quick)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run: the numbers mean nothing")
    parser.add_argument("--only", choices=NAMES, action="append", help="measure this alone; may be repeated")
    arguments = parser.parse_args()
    machine = f"{os.cpu_count()} CPUs, Python {platform.python_version()}"
    say(PROTOCOL.format(seed=SEED, machine=machine, load=os.getloadavg()[0]))
    if arguments.quick:
        say("protocol: --quick, so the numbers mean nothing")
    for result in measured(arguments.only or list(NAMES), quick=arguments.quick):
        print(result.line(), flush=True)


if __name__ == "__main__":
    main()
