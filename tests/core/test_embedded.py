"""Routing by embeddings: a bundle gets the embedder that it was trained with, and what that loses costs no request."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import numpy as np
import pytest

from router.assess import UNEMBEDDED, Trained
from router.bundle import load
from router.cascade import cascade
from router.config import Config
from router.config import load as read_config
from router.drivers import replay
from router.embed import PROBES, Imprint, Lazy, imprint_of
from router.embedders.hashing import DIMENSION
from router.embedders.naming import embedder_named
from router.engine import Router
from router.errors import BundleError, ConfigError, TierwiseError
from router.estimators import EmbeddingModel
from router.features import prompt_features
from router.planning import plan_of
from router.providers.fake import FakeProvider
from tests.core.test_bundle import KNOWN, made
from tests.core.test_checks import altered
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
        directions=random.normal(size=(size, 2)),
        middle=np.array([0.2, -0.3]),
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


@pytest.mark.parametrize("length", [0.5, 50.0])
def test_probes_that_no_embedder_can_have_made_are_refused(tmp_path, length):
    """Every embedder's vectors are of length 1 or 0; longer ones would pass for those of another model."""
    path = tmp_path / "a"
    embedded_bundle().save(path)
    altered(path, arrays={"embedder.probes.npy": embedded_bundle().embedder.probes * length})

    with pytest.raises(BundleError, match=r"embedder\.probes holds a vector whose length is neither 0 nor 1"):
        load(path)


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
    at_mean = estimators.calibration.apply(text.logits(text.read(features)[0] + estimators.dense.absent))

    responses = [router.route(KNOWN) for _ in range(2)]

    assert [response.text for response in responses] == ["4", "4"]
    assert tuple(book.last.suffices.values()) == expected.quality == pytest.approx(tuple(at_mean))
    assert "decided without the prompt's embedding: the embedder 'hashing' raised OSError" in book.last.reason
    assert len(caplog.records) == 1
    assert "such prompts are judged without it" in caplog.text


def test_a_replay_does_not_go_on_without_an_embedding():
    """Live the vector is lost and not the request; here the figure would be false."""
    plan = plan_of(config(), bundle=embedded_bundle())

    def encode(texts):
        if texts != list(PROBES):
            raise OSError("no memory")
        return np.eye(4, DIMENSION)

    plan = replace(plan, embedder=Lazy("hashing", lambda: encode))

    with pytest.raises(TierwiseError, match="a replay needs every prompt's embedding: the embedder 'hashing' raised"):
        replay(cascade(ask(KNOWN), plan, BIRTH), {"small": said("4"), "large": said("4")})


def test_a_classifier_that_reads_embeddings_is_not_asked_without_one_by_mistake():
    assessor = Trained(ladder("small", "large"), embedded_bundle().estimators)

    with pytest.raises(ValueError, match="reads an embedding of the prompt, and was given none"):
        assessor.begin(ask(KNOWN))
