"""Embedders load once, look at what they give, and are known again by what they make of a few texts."""

from __future__ import annotations

import math
import threading
import traceback

import numpy as np
import pytest

from router.embed import PROBES, Imprint, Lazy, imprint_of, readable
from router.embedders.hashing import DIMENSION
from router.embedders.naming import embedder_named
from router.errors import BundleError, EmbedderError
from tests.kit import ask


def test_what_is_embedded_of_a_very_long_prompt_is_its_beginning_and_its_end():
    text = readable(ask("begin " + "x" * 1_000_000 + " end"))

    assert text.startswith("begin ")
    assert text.endswith(" end")
    assert len(text) < 10_000


# Loading


def test_a_model_is_loaded_at_the_first_call_and_once_for_all_threads():
    loads = []

    def load_it():
        loads.append(threading.get_ident())
        return lambda texts: [[1.0, 2.0]] * len(texts)

    embedder = Lazy("mine", load_it)
    assert loads == []

    threads = [threading.Thread(target=embedder, args=(["a"],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(loads) == 1


def test_no_texts_only_load_the_model():
    embedder = Lazy("mine", lambda: lambda texts: [[3.0, 4.0]] * len(texts))

    assert embedder(()).shape == (0, 2)
    assert embedder(["x"]).tolist() == [[0.6, 0.8]]


def test_what_failed_in_loading_is_not_tried_again():
    tries = []

    def load_it():
        tries.append(1)
        raise EmbedderError("the file is gone")

    embedder = Lazy("mine", load_it)
    for _ in range(2):
        with pytest.raises(EmbedderError, match="the file is gone"):
            embedder(["x"])

    assert len(tries) == 1


def test_what_failed_in_loading_is_told_by_a_new_error_each_time():
    """One error that is raised again and again keeps the frames of all requests, and with them their prompts."""

    def load_it():
        raise EmbedderError("the file is gone")

    embedder = Lazy("mine", load_it)
    told = []
    for _ in range(4):
        with pytest.raises(EmbedderError, match="the file is gone") as caught:
            embedder(["my secret"])
        told.append(caught.value)

    assert len(set(map(id, told))) == 4
    assert len(list(traceback.walk_tb(told[3].__traceback__))) == len(list(traceback.walk_tb(told[1].__traceback__)))
    assert [error.__context__ for error in told[1:]] == [None] * 3


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        (lambda texts: [[math.nan, 1.0]] * len(texts), "'mine' gave NaN or infinity"),
        (lambda _: [[1.0, 2.0]], r"gave an array of shape \(1, 2\) for 4 texts"),
        (lambda texts: [1.0] * len(texts), r"shape \(4,\) for 4 texts; it must give one row of numbers a text"),
        (lambda texts: [[]] * len(texts), r"shape \(4, 0\)"),
        (lambda texts: [["a"]] * len(texts), r"raised ValueError \(line \d+"),
        (lambda texts: [[0.0] * (1 + place) for place in range(len(texts))], "raised ValueError"),
        (lambda _: None, r"shape \(\) for 4 texts"),
    ],
)
def test_what_are_no_vectors_is_refused_in_one_sentence(encode, words):
    with pytest.raises(EmbedderError, match=words):
        Lazy("mine", lambda: encode)(["x"])


def test_a_dimension_that_changes_is_refused():
    sizes = iter((2, 3))

    def encode(texts):
        size = next(sizes)
        return [[1.0] * size] * len(texts)

    with pytest.raises(EmbedderError, match="gave 3 numbers a text, and 2 when it was loaded"):
        Lazy("mine", lambda: encode)(["x"])


def test_an_error_does_not_repeat_the_prompt():
    def encode(texts):
        if texts != list(PROBES):
            raise RuntimeError(f"cannot embed {texts[0]}")
        return [[1.0]] * len(texts)

    with pytest.raises(EmbedderError, match="raised RuntimeError") as caught:
        Lazy("mine", lambda: encode)(["my secret"])

    assert "secret" not in str(caught.value)


# What it was trained with


def test_the_same_model_is_known_again_though_its_last_digits_differ():
    vectors = imprint_of(embedder_named("hashing")).probes
    noise = np.random.default_rng(0).normal(size=vectors.shape) / 1000

    assert Imprint("hashing", vectors).differs(vectors + noise) is None


@pytest.mark.parametrize(
    ("probes", "words"),
    [
        (np.eye(4, 8), "vectors have 8 numbers, and the bundle was trained on 256"),
        (np.eye(4, DIMENSION), "another model or version than the bundle was trained with"),
    ],
)
def test_another_model_is_refused(probes, words):
    imprint = imprint_of(embedder_named("hashing"))
    embedder = Lazy("hashing", lambda: lambda texts: probes[: len(texts)], imprint=imprint)

    with pytest.raises(BundleError, match=f"the embedder 'hashing' does not fit: .*{words}.*train again"):
        embedder(["x"])


def test_the_cache_says_what_it_had_fitted_with_the_model_and_how_to_do_it_again():
    imprint = imprint_of(embedder_named("hashing"))
    embedder = Lazy("hashing", lambda: lambda texts: np.eye(4, 8)[: len(texts)], imprint=imprint, fitted="cache")

    with pytest.raises(BundleError) as caught:
        embedder(["x"])

    assert str(caught.value) == (
        "the embedder 'hashing' does not fit: its vectors have 8 numbers, and the cache's threshold was fitted on 256; "
        "install the version it was fitted with, or run `tierwise cache fit` again"
    )


def test_the_fingerprint_tells_models_apart():
    one = imprint_of(embedder_named("hashing"))

    assert one.fingerprint == imprint_of(embedder_named("hashing")).fingerprint
    assert one.fingerprint != Imprint("hashing", np.eye(4, DIMENSION)).fingerprint
    assert len(one.fingerprint) == 12


def test_a_probe_in_which_the_model_finds_nothing_is_known_again_by_that():
    """Static word vectors may have no word of some language."""
    probes = np.eye(4, DIMENSION)
    probes[3] = 0
    found = probes.copy()
    found[3, 0] = 1

    assert Imprint("mine", probes).differs(probes) is None
    assert "another model" in Imprint("mine", probes).differs(found)
    assert "another model" in Imprint("mine", found).differs(probes)


def test_nothing_is_trained_with_a_model_that_finds_nothing_in_any_probe():
    with pytest.raises(EmbedderError, match="gave nothing but zeros for 4 ordinary prompts"):
        imprint_of(Lazy("mine", lambda: lambda texts: np.zeros((len(texts), 3))))
