"""Time cascadeflow's ``CascadeAgent.run`` on the same answers: a draft, its validation, and the verifier after half.

What was done so that it runs as fast as it can, through its own documented extension points:

* An instant provider, a subclass of its ``BaseProvider`` as its guide for providers asks, in its registry under the
  name "custom". The circuit breaker is off, and the confidence comes with the answer, so that its estimator, which its
  real providers run on every answer, costs nothing here.
* ``QualityConfig.for_cascade()``, its own default, without ``log_decisions`` and without adapting thresholds.
* No domain detection, no routing of tool calls, no embedding model (an extra that is not installed), no logging.
* One event loop that is running already; ``run`` exists in asyncio alone.
"""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import version
from typing import Any

from cascadeflow import CascadeAgent, ModelConfig
from cascadeflow.providers import PROVIDER_REGISTRY, BaseProvider, ModelResponse
from cascadeflow.quality import QualityConfig
from timing import atimed, report, settle, work

SURE, UNSURE = 0.9, 0.1
"""Confidences that its thresholds for every level of difficulty accept, and that they reject."""


def instant(rows: list[dict[str, Any]]) -> type[BaseProvider]:
    """A provider class that answers as the rows say."""
    answers = {row["prompt"]: row for row in rows}

    class Instant(BaseProvider):
        calls = 0

        def __init__(self, **options: Any) -> None:
            super().__init__(enable_circuit_breaker=False, **options)

        def _load_api_key(self) -> None:
            return None

        async def _complete_impl(self, prompt: str, model: str, **_: Any) -> ModelResponse:
            Instant.calls += 1
            row = answers[prompt]
            return ModelResponse(
                content=row["answer"],
                model=model,
                provider="custom",
                cost=0.0,
                tokens_used=row["input_tokens"] + len(row["tokens"]),
                confidence=SURE if row["accepted"] else UNSURE,
            )

        async def _stream_impl(self, *_: Any, **__: Any) -> Any:
            yield ""

        def estimate_cost(self, *_: Any, **__: Any) -> float:
            return 0.0

    return Instant


async def main() -> None:
    logging.disable(logging.CRITICAL)
    plan = work()
    provider = instant(plan["rows"])
    PROVIDER_REGISTRY["custom"] = provider
    quality = QualityConfig.for_cascade()
    quality.log_decisions = False
    quality.enable_adaptive = False
    agent = CascadeAgent(
        models=[
            ModelConfig(name="small", provider="custom", cost=0.001),
            ModelConfig(name="large", provider="custom", cost=0.01),
        ],
        quality_config=quality,
        enable_tool_complexity_routing=False,
    )
    prompts = [row["prompt"] for row in plan["rows"]]
    settle()
    for _ in range(plan["warmup"]):
        await atimed(agent.run, prompts)
    passes = [await atimed(agent.run, prompts) for _ in range(plan["passes"])]
    provider.calls = 0
    results = [await agent.run(prompt) for prompt in prompts]
    assert [result.content for result in results] == [row["answer"] for row in plan["rows"]]
    report(version=version("cascadeflow"), passes=passes, calls=provider.calls / len(prompts))


if __name__ == "__main__":
    asyncio.run(main())
