"""``tierwise plan ab``: how many requests an A/B test of two policies takes."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def ab(
    baseline: Annotated[float, typer.Option(help="The quality now, from 0 to 1.")],
    effect: Annotated[float, typer.Option(help="The difference to be seen, such as 0.02 or -0.02.")],
    power: Annotated[float, typer.Option(help="The probability of seeing it, where it is there.")] = 0.8,
    delta: Annotated[float, typer.Option(help="The chance that an interval, for quality or cost, is ever wrong.")] = (
        0.05
    ),
    share: Annotated[float, typer.Option(help="The share of arm b.")] = 0.5,
    labelled: Annotated[float, typer.Option(help="The share of requests that get a quality label.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how many labels and requests an A/B test takes, looked at as often as you like (`tierwise train ab`)."""
    from router.abtest.power import sample_size

    found = sample_size(baseline, effect=effect, power=power, delta=delta, share=share, labelled=labelled)
    typer.echo(json.dumps(found.as_dict(), indent=2) if as_json else "\n".join(found.sentences()))
