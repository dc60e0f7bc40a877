"""Time LiteLLM's ``Router``: one completion of one deployment, answered by its own ``mock_response``.

It routes among deployments of a model and judges no answer, so this is one call where we make one or two.

What was done so that it runs as fast as it can: its bundled price table instead of the one that it downloads, no
``.env`` file, no retries, fallbacks or cooldowns, and, after the router was made, none of the callbacks that it
registers to count usage per deployment. ``turn_off_message_logging`` stays off: with nothing to log to, it costs a
sixth more. ``completion`` and ``acompletion`` are both timed, and the faster one counts.
"""

from __future__ import annotations

import asyncio
import logging
import os
from importlib.metadata import version
from typing import Any

from timing import atimed, report, settle, timed, work

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_MODE"] = "PRODUCTION"

import litellm  # after the environment is set, because it reads it now


def lean_router() -> litellm.Router:
    """A router of one deployment, with everything switched off that a call does not need."""
    litellm.suppress_debug_info = True
    deployment = {"model_name": "small", "litellm_params": {"model": "openai/small", "api_key": "none"}}
    router = litellm.Router(model_list=[deployment], num_retries=0, max_fallbacks=0, disable_cooldowns=True)
    for name in (
        "callbacks",
        "success_callback",
        "failure_callback",
        "_async_success_callback",
        "_async_failure_callback",
    ):
        getattr(litellm, name).clear()
    return router


def main() -> None:
    logging.disable(logging.CRITICAL)
    plan = work()
    router = lean_router()
    rows = plan["rows"]

    def arguments(row: dict[str, Any]) -> dict[str, Any]:
        messages = [{"role": "user", "content": row["prompt"]}]
        return {"model": "small", "messages": messages, "mock_response": row["answer"]}

    def call(row: dict[str, Any]) -> Any:
        return router.completion(**arguments(row))

    def acall(row: dict[str, Any]) -> Any:
        return router.acompletion(**arguments(row))

    async def awaited(passes: int) -> list[float]:
        return [await atimed(acall, rows) for _ in range(passes)]

    assert [call(row).choices[0].message.content for row in rows] == [row["answer"] for row in rows]
    settle()
    for _ in range(plan["warmup"]):
        timed(call, rows)
    synchronous = [timed(call, rows) for _ in range(plan["passes"])]
    asyncio.run(awaited(plan["warmup"]))
    asynchronous = asyncio.run(awaited(plan["passes"]))
    report(version=version("litellm"), passes=min(synchronous, asynchronous, key=sum), calls=1.0)


if __name__ == "__main__":
    main()
