"""Embeddings that are asked for at about the same time are made in one call."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from router.embedding import Embedding
from router.errors import EmbedderError
from router.ops import Embed


class Lengths:
    """Embeds a text as its length, and counts its calls."""

    name = "lengths"

    def __init__(self):
        self.calls = []

    def __call__(self, texts):
        self.calls.append(tuple(texts))
        if "bad" in texts:
            raise EmbedderError("one text is bad")
        return np.array([[float(len(text)), 0.0] for text in texts])


def asked_together(embedding, ops):
    """Perform all at the same moment, each in its own thread; a result or an error each."""
    gate = threading.Barrier(len(ops))

    def perform(op):
        gate.wait()
        try:
            return embedding.perform(op)
        except EmbedderError as error:
            return error

    with ThreadPoolExecutor(len(ops)) as pool:
        return list(pool.map(perform, ops))


@pytest.fixture
def together():
    made = Embedding(window=0.25)
    yield made
    made.close()


def test_concurrent_prompts_are_embedded_in_one_call_and_each_has_its_own_vector(together):
    """Twelve requests, hardly more than one call."""
    embedder = Lengths()
    found = asked_together(together, [Embed(embedder, ("x" * place,), 5.0) for place in range(12)])

    assert [vectors[0, 0] for vectors in found] == [float(place) for place in range(12)]
    assert len(embedder.calls) <= 3  # one, unless the machine is so busy that some come late


def test_one_text_that_cannot_be_embedded_fails_alone(together):
    """The others are embedded on their own then."""
    embedder = Lengths()
    good, bad = asked_together(together, [Embed(embedder, ("fine",), 5.0), Embed(embedder, ("bad",), 5.0)])

    assert good[0, 0] == 4.0
    assert isinstance(bad, EmbedderError)


def test_texts_of_different_embedders_are_not_mixed(together):
    """Each model has its own call."""
    one, other = Lengths(), Lengths()
    asked_together(together, [Embed(one, ("a",), 5.0), Embed(other, ("bb",), 5.0), Embed(one, ("ccc",), 5.0)])

    assert sorted(text for call in one.calls for text in call) == ["a", "ccc"]
    assert other.calls == [("bb",)]


def test_it_is_the_same_on_an_event_loop(together):
    """Few calls for all tasks."""
    embedder = Lengths()

    async def all_of_them():
        ops = [Embed(embedder, ("x" * place,), 5.0) for place in range(1, 9)]
        return await asyncio.gather(*map(together.aperform, ops))

    assert [vectors[0, 0] for vectors in asyncio.run(all_of_them())] == [float(place) for place in range(1, 9)]
    assert len(embedder.calls) <= 3


def test_without_a_window_each_prompt_has_its_own_call():
    """So it is unless the configuration says otherwise."""
    embedder, embedding = Lengths(), Embedding()
    asked_together(embedding, [Embed(embedder, ("x",), 5.0) for _ in range(4)])
    embedding.close()

    assert [len(call) for call in embedder.calls] == [1, 1, 1, 1]
