"""A scripted server, and both vendors' real clients that ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from router.decision import Decision
from router.ledger import Ledger
from router.metering import flush
from tests.providers.conftest import Canned, canned

__all__ = ["canned"]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db") as opened:
        yield opened


@pytest.fixture
def openai_client(canned: Canned) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="k", base_url=canned.url, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def anthropic_client(canned: Canned) -> Iterator[anthropic.Anthropic]:
    base = canned.url.removesuffix("/v1")
    with anthropic.Anthropic(api_key="k", base_url=base, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def recorded(ledger: Ledger) -> Callable[[Any], list[Decision]]:
    """What a tracked client's calls are in the ledger, oldest first."""

    def read(client: Any) -> list[Decision]:
        assert flush(client, 20)
        return [entry.decision for entry in ledger.decisions()]

    return read


def finish(coroutine: Any) -> Any:
    return asyncio.run(coroutine)
