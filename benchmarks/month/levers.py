"""The levers, each as the tables of `tierwise.toml` that switch it on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.month.models import CONCISE
from router.config import Config
from router.config.load import load

TODAY = date(2026, 11, 1)
"""The day whose catalogue prices hold."""

DAILY_LIMIT = 0.50
"""USD a user and day in `[budgets]`."""

TIERS = (("haiku", "claude-haiku-5-5"), ("sonnet", "claude-sonnet-5-5"), ("opus", "claude-opus-5-5"))
"""Those of `preset = "anthropic"`."""

STRONGEST = TIERS[-1][0]

CACHE = """
[cache]
ttl = "1d"
per = []            # answers are shared by all users: the FAQ and the documents are public
timeout = 10        # seconds: a busy machine must not change the figures
"""
SEMANTIC = """
[cache.semantic]
fit = "cache-fit.json"
timeout = 10
"""
SHORTEN = """
[shorten]
stages = ["history", "clean", "dedupe", "context"]
context = { budget = 1000 }
history = { turns = 6 }
"""
OUTPUT = f"""
[output]
concise = "{CONCISE}"
levels = [{{ complexity = 0.5, max_tokens = 512 }}]
"""
BUDGETS = f"""
[budgets]
store = "memory"
notify = {{ log = false }}
[[budgets.scope]]
name = "user"
per = "user"
limit = {DAILY_LIMIT}
window = "day"
[limits]
patience = 0        # a request over the limit is refused at once, and not queued
[[limits.scope]]
name = "user"
per = "user"
requests_per_minute = 30
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """One way to spend less: ``tables`` of the configuration, and what is set elsewhere.

    ``routed``: the trained rule decides, else the strongest tier is always asked. ``kept``: tiers have
    `prompt_cache = true`. ``batched``: what nobody waits for is paid at batch prices. ``part``: it is one of the parts
    that are added up beside all levers together.
    """

    name: str
    title: str
    tables: str = ""
    routed: bool = False
    kept: bool = False
    batched: bool = False
    part: bool = True


ALL = "all"
BASELINE = Lever(name="baseline", title="Always the strongest tier", part=False)
LEVERS = (
    BASELINE,
    Lever(name="routing", title="Routing", routed=True),
    Lever(name="exact", title="Exact cache", tables=CACHE, part=False),
    Lever(name="semantic", title="Exact and semantic cache", tables=CACHE + SEMANTIC),
    Lever(name="shorten", title="Shorter prompts", tables=SHORTEN),
    Lever(name="output", title="Output control", tables=OUTPUT),
    Lever(name="prompt_cache", title="Provider's prompt cache", kept=True),
    Lever(name="batch", title="Batch prices", batched=True),
    Lever(name="budgets", title="Budgets and limits", tables=BUDGETS, part=False),
    Lever(
        name=ALL,
        title="All together",
        tables=CACHE + SEMANTIC + SHORTEN + OUTPUT + BUDGETS,
        routed=True,
        kept=True,
        batched=True,
        part=False,
    ),
)


def toml(lever: Lever) -> str:
    """The `tierwise.toml` of ``lever``."""
    kept = "\nprompt_cache = true" if lever.kept else ""
    tiers = "\n".join(f'[[tiers]]\nname = "{name}"\nmodel = "{model}"{kept}' for name, model in TIERS)
    return f"{tiers}\n[ledger]\nenabled = false\n{lever.tables}"


def config_of(lever: Lever, folder: Path) -> Config:
    """The configuration of ``lever``, read from a file in ``folder``, where the cache's fit lies."""
    path = folder / f"{lever.name}.toml"
    path.write_text(toml(lever), encoding="utf-8")
    return load(path, today=TODAY)
