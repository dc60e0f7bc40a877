"""``import_cpu``: processor time of ``import router`` in a fresh interpreter, against ``import openai``."""

from __future__ import annotations

import resource
import subprocess
import sys
from tempfile import TemporaryDirectory

from result import Result, median, quartiles, rounded, say

TARGET = 4.0
STATEMENTS = {
    "router": "import router",
    "openai": "import openai",
    "from_router_import_Router": "from router import Router",
    "python": "pass",
}


def measure(*, quick: bool) -> Result:
    """Start an interpreter for each statement in turn and take the medians; nothing is subtracted."""
    rounds = 2 if quick else 11
    say(f"import_cpu: {rounds} rounds of {len(STATEMENTS)} fresh interpreters in turns")
    found: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    with TemporaryDirectory(prefix="tierwise-bench-") as folder:
        for statement in STATEMENTS.values():
            _cpu(statement, folder)  # once beforehand, so that everything is compiled and in the page cache
        for _ in range(rounds):
            for name, statement in STATEMENTS.items():
                found[name].append(_cpu(statement, folder))
    ours, theirs = median(found["router"]), median(found["openai"])
    return Result(
        name="import_cpu",
        value=ours,
        unit="s",
        against="import openai",
        ratio=theirs / ours,
        n=rounds,
        target=TARGET,
        more={
            "against_value": rounded(theirs),
            "quartiles": quartiles(found["router"]),
            "against_quartiles": quartiles(found["openai"]),
            "from_router_import_Router": rounded(median(found["from_router_import_Router"])),
            "python": rounded(median(found["python"])),
            "least": {name: rounded(min(times)) for name, times in found.items()},
        },
    )


def _cpu(statement: str, folder: str) -> float:
    """User and system seconds of one interpreter, started away from the repository."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
