"""Noise of our own: the same question in other words, and never another question."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from router.types import Message, Request, as_messages
from training.noise import noised, noised_copies

QUESTION = "What is the total of the 37 apples and the 12 pears that the seller has between Monday and Friday?"


def test_the_same_seed_gives_the_same_noise_and_another_seed_other_noise():
    """So that a benchmark can be repeated."""
    first, again, other = (noised(QUESTION, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_no_share_of_noise_changes_nothing():
    """The least is none."""
    assert noised(QUESTION, rng=np.random.default_rng(0), share=0.0) == QUESTION


def test_more_noise_keeps_fewer_words():
    """The share is what it says."""

    def kept(share):
        copies = [noised(QUESTION, rng=np.random.default_rng(seed), share=share) for seed in range(50)]
        words = set(QUESTION.lower().split())
        return np.mean([len(words & set(copy.lower().split())) / len(words) for copy in copies])

    assert kept(0.1) > kept(0.3) > kept(0.6)


@given(st.text(min_size=1).filter(str.strip), st.integers(0, 1000), st.floats(0, 1))
def test_a_prompt_never_becomes_empty(text, seed, share):
    """A request without text is none."""
    assert noised(text, rng=np.random.default_rng(seed), share=share).strip()


@given(st.integers(0, 1000))
def test_numbers_stay(seed):
    """Another number is another question."""
    copy = noised(QUESTION, rng=np.random.default_rng(seed), share=1.0)

    assert "37" in copy
    assert "12" in copy


def test_every_message_of_every_copy_is_noised_and_its_role_kept():
    """Copies come round by round, in the order of the originals."""
    system = Message(role="system", content="You are a helpful assistant with a lot of patience for questions.")
    requests = [Request(messages=(system, *as_messages(QUESTION))), Request(messages=as_messages("short"))]

    copies = noised_copies(requests, copies=3, seed=5)

    assert len(copies) == 6
    assert [len(copy.messages) for copy in copies] == [2, 1] * 3
    assert {copy.messages[0].role for copy in copies[::2]} == {"system"}
    assert len({copy.text for copy in copies[::2]}) == 3
