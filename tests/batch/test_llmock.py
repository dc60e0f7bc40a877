"""The batch APIs as somebody else has written them."""

from __future__ import annotations

import gc

import pytest

from tests.batch.conftest import ladder_at, router_at, run


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves uploads open
@pytest.mark.parametrize(("api", "name"), [("openai-chat", "openai"), ("anthropic", "anthropic")])
def test_a_file_is_answered_by_an_independent_server(llmock, write, monkeypatch, api, name):
    """Its answers, in order; its batches end when time is up, which is made short."""
    from llmock.routers import batch as simulated

    monkeypatch.setattr(simulated, "_BATCH_DELAY", 0.05)
    whole = simulated._public_payload

    def addressed(record, **options):
        """It gives the path of the results, where Anthropic gives their address."""
        told = whole(record, **options)
        if (told.get("results_url") or "").startswith("/"):
            told["results_url"] = llmock.base_url("anthropic").removesuffix("/anthropic") + told["results_url"]
        return told

    monkeypatch.setattr(simulated, "_public_payload", addressed)
    url = llmock.base_url(name).removesuffix("/v1")
    router = router_at(ladder_at(url, api))
    summary = run(router, write({"prompt": "one"}, {"prompt": "two"}))

    assert (summary.requests, summary.answered, summary.failed) == (2, 2, 0)
    assert summary.batches >= 1
    assert summary.cost > 0
    gc.collect()
