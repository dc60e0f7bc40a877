"""Embedding in time: a slow embedder takes neither the request nor the threads of others with it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import numpy as np
import pytest

from router.assess import UNEMBEDDED, Trained
from router.embed import PROBES, Lazy
from router.embedders.hashing import DIMENSION
from router.embedding import WORKERS, Embedding
from router.errors import EmbedderError
from router.opening import embedded
from router.ops import Embed
from router.planning import plan_of
from tests.core.test_bundle import KNOWN
from tests.core.test_embedded import config, embedded_bundle, started
from tests.kit import ask, ladder


@pytest.fixture
def hanging():
    """An embedder that embeds the probes, and hangs at everything else until the test is over."""
    over = threading.Event()

    def encode(texts):
        if texts != list(PROBES):
            over.wait(30)
        return np.tile(np.eye(1, DIMENSION), (len(texts), 1))

    yield Lazy("slow", lambda: encode)
    over.set()


@pytest.mark.parametrize("way", ["in a thread", "on an event loop", "decided only"])
def test_an_embedder_that_hangs_takes_half_of_the_time_to_the_deadline_and_does_not_lose_the_request(hanging, way):
    router, book = started(embedded_bundle())
    router.plan = replace(router.plan, embedder=hanging)
    expected = Trained(ladder("small", "large"), embedded_bundle().estimators).begin(ask(KNOWN), embedding=UNEMBEDDED)

    if way == "in a thread":
        router.route(KNOWN, deadline=0.08)
    elif way == "on an event loop":
        asyncio.run(router.aroute(KNOWN, deadline=0.08))
    decision = router.decide(KNOWN, deadline=0.08) if way == "decided only" else book.last

    assert "decided without the prompt's embedding: the embedder 'slow' gave no vector within 0.04 s" in decision.reason
    assert tuple(decision.suffices.values()) == expected.quality


@pytest.mark.parametrize(("deadline", "expected"), [(None, 5.0), (60.0, 5.0), (3.0, 1.5)])
def test_embedding_may_take_half_of_the_deadline_and_five_seconds_at_most(deadline, expected):
    plan = plan_of(config(), bundle=embedded_bundle())

    asked = embedded(replace(ask(KNOWN), deadline=deadline), plan).send(None)

    assert asked.timeout == expected


def test_when_every_thread_hangs_requests_wait_no_longer(hanging):
    """They do without a vector at once, until the calls that were given up have ended."""
    embedding = Embedding()
    for _ in range(WORKERS):
        with pytest.raises(EmbedderError, match=r"gave no vector within 0.02 s"):
            embedding.perform(Embed(hanging, (KNOWN,), 0.02))

    with pytest.raises(EmbedderError, match=f"still at {WORKERS} earlier calls that took too long"):
        embedding.perform(Embed(hanging, (KNOWN,), 3600.0))


def test_calls_that_were_given_up_are_forgotten_when_they_end():
    over, before, embedding = threading.Event(), set(threading.enumerate()), Embedding()
    slow = Lazy("slow", lambda: lambda texts: (texts == list(PROBES) or over.wait(30)) and [[1.0]] * len(texts))
    for _ in range(WORKERS):
        with pytest.raises(EmbedderError, match="gave no vector within"):
            embedding.perform(Embed(slow, (KNOWN,), 0.02))

    over.set()
    embedding.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(30)

    assert embedding.perform(Embed(slow, (KNOWN,), 30.0)).tolist() == [[1.0]]
