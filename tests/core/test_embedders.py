"""The embedders that a configuration can name: what each makes of texts, and what is missing where one is not there."""

from __future__ import annotations

import math
import sys
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.embedders.hashing import DIMENSION
from router.embedders.names import identity, unknown
from router.embedders.naming import embedder_named
from router.errors import EmbedderError

# Vectors


@given(st.lists(st.text(max_size=200), max_size=5))
def test_the_hashing_embedder_gives_each_text_one_vector_of_length_one_or_none(texts):
    found = embedder_named("hashing")(texts)

    assert found.shape == (len(texts), DIMENSION)
    lengths = np.linalg.norm(found, axis=1)
    assert np.isclose(lengths, 1).sum() + (lengths == 0).sum() == len(texts)


def test_texts_that_share_words_are_nearer_than_texts_that_do_not():
    one, other, third = embedder_named("hashing")(
        ["Sort a list of numbers", "sort this list of 7 numbers", "Who wrote Faust?"]
    )

    assert one @ other > 0.4 > one @ third + 0.2


def test_word_vectors_know_what_words_mean():
    """Real vectors: a paraphrase without a shared word is nearer than another topic."""
    pytest.importorskip("wordllama")
    one, same, other = embedder_named("wordllama")(
        ["How do I sort a list?", "Put an array into order", "The weather in Paris is mild"]
    )

    assert one.shape == (256,)
    assert one @ same > one @ other + 0.2


# Names


@pytest.mark.parametrize(
    "name",
    ["hashing", "wordllama", "onnx:m.onnx", "fastembed:BAAI/bge-small-en-v1.5", "model2vec:x/y", "my.module:embed"],
)
def test_names_that_can_be_embedders(name):
    assert unknown(name) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("minilm", "'minilm' is no embedder; there are hashing, wordllama, onnx:PATH"),
        ("onnx:", "lacks the path of a model: write onnx:PATH"),
        ("fastembed", "lacks the name of a model"),
        ("a b:c", "is no embedder"),
        ("", "is no embedder"),
    ],
)
def test_names_that_cannot(name, words):
    assert words in unknown(name)
    with pytest.raises(EmbedderError):
        embedder_named(name)


def test_a_file_is_the_same_model_in_another_folder():
    assert identity("onnx:/here/minilm.onnx") == identity("onnx:there/minilm.onnx") == "onnx:minilm.onnx"
    assert identity("hashing") == "hashing"


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("wordllama", "wordllama", "embeddings"),
        ("onnx:m.onnx", "onnxruntime", "onnx"),
        ("sentence-transformers:all-MiniLM-L6-v2", "sentence_transformers", "sentence-transformers"),
        ("fastembed:BAAI/bge-small-en-v1.5", "fastembed", "fastembed"),
        ("model2vec:minishlab/potion-base-8M", "model2vec", "model2vec"),
    ],
)
def test_a_package_that_is_missing_is_named_with_what_to_install(monkeypatch, name, package, extra):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed

    with pytest.raises(EmbedderError, match=rf"needs the package {package}.*pip install 'tierwise\[{extra}\]'"):
        embedder_named(name)(["x"])


@pytest.mark.parametrize(
    ("name", "package", "members"),
    [
        (
            "sentence-transformers:some/model",
            "sentence_transformers",
            {
                "SentenceTransformer": lambda name: types.SimpleNamespace(
                    encode=lambda texts, **_: [[1.0, 0.0]] * len(texts)
                )
            },
        ),
        (
            "fastembed:some/model",
            "fastembed",
            {
                "TextEmbedding": lambda model_name: types.SimpleNamespace(
                    embed=lambda texts: ([1.0, 0.0] for _ in texts)
                )
            },
        ),
        (
            "model2vec:some/model",
            "model2vec",
            {
                "StaticModel": types.SimpleNamespace(
                    from_pretrained=lambda name: types.SimpleNamespace(encode=lambda texts: [[1.0, 0.0]] * len(texts))
                )
            },
        ),
    ],
)
def test_other_libraries_are_called_as_they_document(monkeypatch, name, package, members):
    """Their models are downloaded, which a test does not do: stand-ins with their documented calls."""
    fake = types.ModuleType(package)
    for member, value in members.items():
        setattr(fake, member, value)
    monkeypatch.setitem(sys.modules, package, fake)

    assert embedder_named(name)(["a", "b"]).tolist() == [[1.0, 0.0], [1.0, 0.0]]


class Words:
    """A tokenizer of one token a word, whose id is the word's length; shorter texts are padded with zeros."""

    @staticmethod
    def from_file(_):
        return Words()

    def enable_truncation(self, longest):
        assert longest > 0

    def enable_padding(self):
        pass

    def encode_batch(self, texts):
        rows = [[len(word) for word in text.split()] for text in texts]
        width = max(map(len, rows))
        return [
            types.SimpleNamespace(
                ids=row + [0] * (width - len(row)),
                attention_mask=[1] * len(row) + [0] * (width - len(row)),
                type_ids=[0] * width,
            )
            for row in rows
        ]


class Session:
    """A model that gives each token the vector (its id, 1, 5 where it is padding)."""

    def __init__(self, *_, **__):
        pass

    def get_inputs(self):
        return [types.SimpleNamespace(name=name) for name in ("input_ids", "attention_mask")]

    def get_outputs(self):
        return [types.SimpleNamespace(name="last_hidden_state")]

    def run(self, names, given):
        assert (names, sorted(given)) == (["last_hidden_state"], ["attention_mask", "input_ids"])
        ids = given["input_ids"]
        return [np.stack([ids, np.ones_like(ids), 5 * (1 - given["attention_mask"])], axis=2).astype(np.float32)]


def test_a_sentence_encoders_tokens_are_averaged_without_the_padding_and_texts_keep_their_order(monkeypatch, tmp_path):
    runtime, words = types.ModuleType("onnxruntime"), types.ModuleType("tokenizers")
    runtime.SessionOptions, runtime.InferenceSession = types.SimpleNamespace, Session
    words.Tokenizer = Words
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    monkeypatch.setitem(sys.modules, "tokenizers", words)
    for name in ("m.onnx", "tokenizer.json"):
        (tmp_path / name).touch()
    texts = [" ".join(["x" * (1 + place % 7)] * (40 - place)) for place in range(40)]

    found = embedder_named(f"onnx:{tmp_path}/m.onnx")(texts)

    expected = np.array([[1 + place % 7, 1, 0] for place in range(40)], float)
    assert found == pytest.approx(expected / np.linalg.norm(expected, axis=1, keepdims=True))


def test_a_file_that_is_missing_is_named(monkeypatch, tmp_path):
    for package in ("onnxruntime", "tokenizers"):
        if package not in sys.modules:
            fake = types.ModuleType(package)
            fake.Tokenizer = None
            monkeypatch.setitem(sys.modules, package, fake)

    with pytest.raises(EmbedderError, match=rf"needs the file .*{tmp_path.name}/m\.onnx, and there is none"):
        embedder_named(f"onnx:{tmp_path}/m.onnx")(["x"])


def test_ones_own_function_is_an_embedder(monkeypatch):
    module = types.ModuleType("own_embedder")
    module.embed = lambda texts: [[float(len(text)), 1.0] for text in texts]
    monkeypatch.setitem(sys.modules, "own_embedder", module)

    found = embedder_named("own_embedder:embed")(["ab"])

    assert found[0] == pytest.approx(np.array([2.0, 1.0]) / math.sqrt(5))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module_here:embed", "cannot be loaded .ModuleNotFoundError"),
        ("router.embed:nothing", "cannot be loaded .AttributeError"),
        ("router.embed:PROBES", "is no function"),
    ],
)
def test_ones_own_function_that_is_not_there_is_one_sentence(name, words):
    with pytest.raises(EmbedderError, match=words):
        embedder_named(name)(["x"])
