"""What an audit says that a lever would save is what it saves on the same traffic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from router.cache.settings import CacheSettings
from router.config import Config
from router.engine import Router
from router.ledger import Ledger
from router.planner.audit import audit
from router.planner.history import period_of
from router.planner.lever import Lever
from router.providers.fake import FakeProvider
from router.shorten.estimate import tokens_in
from router.shorten.settings import ShortenSettings
from router.types import Completion, Request, Usage
from tests.kit import two_tiers

TOPICS = ["harbours", "glaciers", "violins", "taxes", "beekeeping", "volcanoes", "railways", "bread"]


def reply(request: Request) -> Completion:
    """Simulated: as many tokens as the prompt has by the project's own estimate."""
    usage = Usage(input_tokens=tokens_in(request.messages), output_tokens=7)
    return Completion(text="An answer that will do.", usage=usage, stop="end", latency=0.1)


def spent(ledger: Ledger, prompts: list[str], **levers: object) -> int:
    """Route simulated traffic; nano-dollars."""
    parts = replace(two_tiers(confidence=0.9), **levers)  # type: ignore[arg-type]
    config = Config.of(parts.ladder.tiers, ledger={"enabled": False}, **levers)  # type: ignore[arg-type]
    cost = 0
    ledger.open()
    with Router(config, plan=parts, provider=FakeProvider({"small": reply, "large": reply}), ledger=ledger) as router:
        for place, prompt in enumerate(prompts):
            cost += router.route(prompt, user=f"u{place % 3}").decision.cost
    return cost


def promised(ledger: Ledger, name: str) -> tuple[Lever, float]:
    """The lever, and what it promises for the ledger's own time, in nano-dollars."""
    config = Config.of(two_tiers().ladder.tiers, ledger={"enabled": False})
    (lever,) = [lever for lever in audit(ledger, config, plan=two_tiers(confidence=0.9)).levers if lever.name == name]
    assert lever.saves is not None
    period = period_of(ledger, since=None, until=None)
    return lever, lever.saves.monthly / (period.monthly(10**12) / 10**12)


def test_the_cache_saves_what_was_promised(tmp_path: Path) -> None:
    prompts = [f"Simulated question {place * place % 11}?" for place in range(60)]
    before = spent(Ledger(tmp_path / "before.db"), prompts)
    after = spent(Ledger(tmp_path / "after.db"), prompts, cache=CacheSettings())
    lever, saves = promised(Ledger(tmp_path / "before.db"), "cache")
    assert before - after > 0
    assert lever.figures["saved_in_period"] == (before - after) / 1e9
    assert saves == pytest.approx(before - after, rel=1e-3)


def test_the_stage_context_saves_what_was_promised(tmp_path: Path) -> None:
    def prompt(place: int) -> str:
        blocks = [
            f"[{number + 1}] A passage about {topic}, number {place}. " + f"There is more to say of {topic} here. " * 30
            for number, topic in enumerate(TOPICS)
        ]
        return "Use these passages.\n\n" + "\n\n".join(blocks) + f"\n\nQuestion: What of {TOPICS[place % 8]}?"

    prompts = [prompt(place) for place in range(20)]
    before = spent(Ledger(tmp_path / "before.db"), prompts)
    after = spent(Ledger(tmp_path / "after.db"), prompts, shorten=ShortenSettings(stages=("context",)))
    _, saves = promised(Ledger(tmp_path / "before.db"), "shorter prompts")
    assert before - after > before / 4
    assert saves == pytest.approx(before - after, rel=0.02)
