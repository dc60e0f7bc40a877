"""``tierwise train add-tier``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from router import config as configuration
from router.bundle import load
from router.planning import embedder_of
from training.commands.console import Found, Json, say, warn


def add_tier(
    name: Annotated[str, typer.Argument(help="The new tier, as the configuration calls it.")],
    data: Annotated[Path, typer.Option("--data", help="Labelled answers of the new tier; 15 prompts or more.")],
    config: Found = None,
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle that knows every other tier.")] = Path(
        "policy.tierwise"
    ),
    out: Annotated[Path, typer.Option("--out", help="Where to write the new bundle.")] = Path("new.tierwise"),
    as_json: Json = False,
) -> None:
    """Add a tier to a trained bundle from a handful of its labels; uncertified, until there are enough to train anew.

    The configuration names the bundle's tiers and the new one, in the order of their prices.
    """
    from training.embedding import under
    from training.new_tier import add_tier as add
    from training.tier_labels import read_answers_of

    settings = configuration.load(config)
    champion = load(bundle)
    if champion.facts.get("use") == "evaluate only":
        warn(f"{bundle} was trained on data that is for evaluation only, and so may not serve with another tier either")
    added = add(
        champion,
        read_answers_of(name, data, settings.tiers),
        settings.tiers,
        name=name,
        embedder=embedder_of(champion, under(settings, champion)),
    )
    version = added.bundle.save(out)
    facts = {"bundle": str(out), "version": version, **added.bundle.facts["grafted"]}
    certificate = added.bundle.facts["certificate"]
    reads = "their log-probabilities" if added.scorer == "log-probabilities" else "the prompt alone"
    say(
        {**facts, "certificate": certificate},
        f"wrote {out} ({version[:16]}). The confidence in the answers of {name!r} reads {reads}. "
        f"{certificate['statement']}",
        as_json=as_json,
    )
