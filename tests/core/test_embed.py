"""Embedders: named, loaded once, known again; what they give is looked at, and what they lose costs no request."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import types
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.assess import UNEMBEDDED, Trained
from router.bundle import load
from router.config import Config
from router.config import load as read_config
from router.drivers import replay
from router.embed import PROBES, Imprint, Lazy, imprint_of, readable
from router.embedders.hashing import DIMENSION
from router.embedders.names import identity, unknown
from router.embedders.naming import embedder_named
from router.engine import Router
from router.errors import BundleError, ConfigError, EmbedderError
from router.estimators import EmbeddingModel
from router.features import prompt_features
from router.planning import plan_of
from router.providers.fake import FakeProvider
from tests.core.test_bundle import KNOWN, made
from tests.kit import BIRTH, Book, Clock, ask, ladder, said

TIERS = ladder("small", "large").tiers


def dense(size=DIMENSION, *, seed=3):
    """What reads an embedding of ``size`` numbers at three landmarks, for two tiers."""
    random = np.random.default_rng(seed)
    return EmbeddingModel(
        landmarks=random.normal(size=(3, size)) / 10,
        rate=np.ones(1),
        weights=random.normal(size=(3, 2)) / 4,
        absent=np.array([0.1, -0.1]),
    )


def embedded_bundle(name="hashing"):
    """A bundle whose classifier reads the embeddings of ``name``."""
    plain = made()
    imprint = imprint_of(embedder_named(name))
    estimators = replace(plain.estimators, dense=dense(imprint.dimension))
    return replace(plain, estimators=estimators, embedder=imprint)


def config(embedder="hashing", **policy):
    return Config.of(TIERS, policy={**({} if embedder is None else {"embedder": embedder}), **policy})


def started(bundle, embedder="hashing"):
    """A router with that bundle, all its tiers answering."""
    book, clock = Book(), Clock()
    plan = plan_of(config(embedder), bundle=bundle)
    provider = FakeProvider({"small": said("4"), "large": said("4")})
    made = Router(config(embedder), plan=plan, provider=provider, ledger=book, clock=clock, sleep=clock.sleep)
    return made, book


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


def test_what_is_embedded_of_a_very_long_prompt_is_its_beginning_and_its_end():
    text = readable(ask("begin " + "x" * 1_000_000 + " end"))

    assert text.startswith("begin ")
    assert text.endswith(" end")
    assert len(text) < 10_000


def test_word_vectors_know_what_words_mean():
    """Real vectors: a paraphrase without a shared word is nearer than another topic."""
    pytest.importorskip("wordllama")
    one, same, other = embedder_named("wordllama")(
        ["How do I sort a list?", "Put an array into order", "The weather in Paris is mild"]
    )

    assert one.shape == (256,)
    assert one @ same > one @ other + 0.2


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


def test_the_fingerprint_tells_models_apart():
    one = imprint_of(embedder_named("hashing"))

    assert one.fingerprint == imprint_of(embedder_named("hashing")).fingerprint
    assert one.fingerprint != Imprint("hashing", np.eye(4, DIMENSION)).fingerprint
    assert len(one.fingerprint) == 12


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


# Configuration and bundle


def test_the_configuration_names_the_embedder_and_a_files_path_starts_from_its_folder(tmp_path):
    path = tmp_path / "tierwise.toml"
    path.write_text('preset = "local"\n[policy]\nembedder = "onnx:models/m.onnx"\n[train]\nembedder = "hashing"\n')

    found = read_config(path)

    assert found.policy.embedder == f"onnx:{tmp_path}/models/m.onnx"
    assert found.train.embedder == "hashing"


@pytest.mark.parametrize("table", ["policy", "train"])
def test_an_unknown_embedder_is_refused_with_table_and_key(table):
    with pytest.raises(ConfigError, match=rf"\[{table}\] `embedder`: 'minilm' is no embedder; there are hashing"):
        Config.of(TIERS, **{table: {"embedder": "minilm"}})


def test_a_bundle_keeps_what_its_classifier_reads(tmp_path):
    before = embedded_bundle()
    before.save(tmp_path / "a")
    after = load(tmp_path / "a")
    vector = embedder_named("hashing")([KNOWN])[0]

    first, second = (Trained(ladder("small", "large"), side.estimators) for side in (before, after))

    assert after.embedder.name == "hashing"
    assert (after.embedder.probes == before.embedder.probes).all()
    assert second.begin(ask(KNOWN), embedding=vector).quality == first.begin(ask(KNOWN), embedding=vector).quality


def test_a_bundle_without_an_embedder_needs_none_and_loads_none():
    router = Router.from_config(
        Config.of(TIERS, policy={"embedder": "no_such_module:embed"}, ledger={"enabled": False}),
        provider=FakeProvider({}),
        bundle=made(),
    )

    assert router.plan.embedder is None
    assert router.decide(KNOWN).start in ("small", "large")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (None, "the bundle needs the embedder 'hashing', and the configuration names none; set .policy. `embedder`"),
        ("wordllama", "trained with the embedder 'hashing', and .policy. `embedder` is 'wordllama'"),
    ],
)
def test_a_configuration_that_names_another_embedder_is_refused_at_the_start(named, words):
    with pytest.raises(BundleError, match=words):
        Router.from_config(config(named), bundle=embedded_bundle(), provider=FakeProvider({}))


def test_another_model_of_that_name_is_refused_at_the_start():
    """Before any request, and not by the first one that comes."""
    bundle = embedded_bundle()
    bundle = replace(bundle, embedder=Imprint("hashing", np.eye(4, DIMENSION)))

    with pytest.raises(BundleError, match="the embedder 'hashing' does not fit: it is another model"):
        Router.from_config(config(), bundle=bundle, provider=FakeProvider({}))


def test_a_bundle_whose_embedder_does_not_fit_is_not_taken_up_and_the_old_one_stays(tmp_path):
    path = tmp_path / "policy.tierwise"
    embedded_bundle().save(path)
    router = Router.from_config(
        Config.of(TIERS, policy={"embedder": "hashing", "bundle": str(path)}, ledger={"enabled": False}),
        provider=FakeProvider({}),
    )
    version = router.plan.policy_version
    replace(embedded_bundle(), embedder=Imprint("hashing", np.eye(4, DIMENSION))).save(path)

    with pytest.raises(BundleError, match="does not fit"):
        router.reload()

    assert router.plan.policy_version == version
    assert "embedding" not in router.decide(KNOWN).reason


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"name": "hashing", "reads": 99}, "read prompts in the way 99, and not"),
        ({"reads": 1}, "its embedder is not named"),
        ("hashing", "its embedder is not named"),
    ],
)
def test_a_manifest_whose_embedder_is_not_understood_is_refused(tmp_path, told, words):
    import json
    import zipfile

    from tests.core.test_bundle import rewritten

    path = tmp_path / "a"
    embedded_bundle().save(path)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    rewritten(path, {"manifest.json": json.dumps(manifest | {"embedder": told}).encode()})

    with pytest.raises(BundleError, match=words):
        load(path)


def test_heads_of_another_width_than_the_embedders_are_refused(tmp_path):
    bundle = embedded_bundle()
    replace(bundle, estimators=replace(bundle.estimators, dense=dense(7))).save(tmp_path / "a")

    with pytest.raises(BundleError, match=r"dense\.\w+ has the shape"):
        load(tmp_path / "a")


# Routing


def test_a_prompt_is_embedded_once_and_its_vector_moves_the_chances():
    router, book = started(embedded_bundle())
    vector = embedder_named("hashing")([KNOWN])[0]
    expected = Trained(ladder("small", "large"), embedded_bundle().estimators).begin(ask(KNOWN), embedding=vector)

    router.route(KNOWN)

    assert tuple(book.last.suffices.values()) == expected.quality
    assert tuple(router.decide(KNOWN).suffices.values()) == expected.quality
    assert expected.quality != Trained(ladder("small", "large"), made().estimators).begin(ask(KNOWN)).quality


def test_asyncio_and_a_replay_embed_as_a_thread_does():
    router, book = started(embedded_bundle())
    router.route(KNOWN)
    expected = book.last.suffices

    asyncio.run(router.aroute(KNOWN))
    from router.cascade import cascade

    replayed = replay(cascade(ask(KNOWN), router.plan, BIRTH), {"small": said("4"), "large": said("4")})

    assert book.last.suffices == expected
    assert replayed.decision.suffices == expected


def test_an_event_loop_goes_on_while_a_prompt_is_embedded():
    inside, done = threading.Event(), threading.Event()

    def encode(texts):
        if texts != list(PROBES):
            inside.set()
            assert done.wait(5)
        return np.tile(np.eye(1, DIMENSION), (len(texts), 1))

    router, book = started(embedded_bundle())
    router.plan = replace(router.plan, embedder=Lazy("slow", lambda: encode))

    async def both():
        routed = asyncio.ensure_future(router.aroute(KNOWN))
        assert await asyncio.to_thread(inside.wait, 5)
        done.set()  # the loop is free to do this
        await routed

    asyncio.run(both())

    assert book.last.suffices


def test_an_embedder_that_fails_does_not_lose_the_request(caplog):
    """The vector then counts as the training mean, the decision says so, and the log says it once."""
    router, book = started(embedded_bundle())

    def encode(texts):
        if texts != list(PROBES):
            raise OSError("no memory")
        return np.eye(4, DIMENSION)

    router.plan = replace(router.plan, embedder=Lazy("hashing", lambda: encode))
    estimators = embedded_bundle().estimators
    expected = Trained(ladder("small", "large"), estimators).begin(ask(KNOWN), embedding=UNEMBEDDED)
    text, features = estimators.prompt, prompt_features(ask(KNOWN))
    at_mean = estimators.calibration.apply(text.logits(text.values(features) + estimators.dense.absent))

    responses = [router.route(KNOWN) for _ in range(2)]

    assert [response.text for response in responses] == ["4", "4"]
    assert tuple(book.last.suffices.values()) == expected.quality == pytest.approx(tuple(at_mean))
    assert "decided without the prompt's embedding: the embedder 'hashing' raised OSError" in book.last.reason
    assert len(caplog.records) == 1
    assert "such prompts are judged without it" in caplog.text


def test_a_classifier_that_reads_embeddings_is_not_asked_without_one_by_mistake():
    assessor = Trained(ladder("small", "large"), embedded_bundle().estimators)

    with pytest.raises(ValueError, match="reads an embedding of the prompt, and was given none"):
        assessor.begin(ask(KNOWN))
