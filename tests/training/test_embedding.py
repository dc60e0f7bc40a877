"""Training with an embedder: what is served equals what was fitted, and only by the model that it was fitted with."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits
from typer.testing import CliRunner

from router.assess import Trained
from router.bundle import load
from router.config import Config
from router.embed import readable
from router.embedders.naming import embedder_named
from router.engine import Router
from router.errors import BundleError, EmbedderError, InputError
from router.estimators import sigmoid
from router.features import prompt_features
from router.plan import Plan
from router.policy import CostAware
from router.providers.fake import FakeProvider
from tests.core.test_embedded import embedded_bundle
from tests.kit import said
from tests.training.simulated import TIERS, random_prompts, records
from training import kernel_heads, prompt_forest, prompt_kernel
from training.__main__ import app
from training.classifier import fit_classifier
from training.embedding import (
    Remembered,
    begin,
    chosen_embedder,
    serves,
    under,
    with_embedder,
    with_embeddings,
)
from training.fit import fit
from training.new_tier import add_tier
from training.prompt_fit import fit_prompts
from training.records import read
from training.replay import remembering, replay_all
from training.table import table_of

SAMPLE = Path(__file__).parents[2] / "data" / "sample.parquet"
HASHING = embedder_named("hashing")


class Counting:
    """An embedder that counts the texts that it was given."""

    name = "hashing"

    def __init__(self):
        self.texts = []

    def __call__(self, texts):
        self.texts += texts
        return HASHING(texts)


@pytest.fixture(scope="module")
def fitted():
    return fit(records(500), TIERS, rungs=["prompt"], embedder=HASHING)


@pytest.fixture(scope="module")
def plan(fitted):
    assessor = Trained(TIERS, fitted.bundle.estimators)
    return Plan(ladder=TIERS, assessor=assessor, rule=CostAware(quality_per_dollar=1.0), embedder=HASHING)


def features_of(requests):
    return with_embeddings([prompt_features(request) for request in requests], requests, HASHING)


def test_the_classifier_equals_scikit_learn_on_a_thousand_random_prompts(fitted):
    """Words and embedding together, within 1e-6."""
    features = features_of(random_prompts(1000))
    expected = sigmoid(fitted.prompts.logits(features))

    found = np.array([sigmoid(fitted.bundle.estimators.prompt_logits(row)) for row in features])

    assert np.abs(found - expected).max() < 1e-6
    assert np.ptp(expected) > 0.5


def test_the_embedding_is_read(fitted):
    """Two vectors of one prompt give two chances, and a prompt far from the training ones is nearer the base rate."""
    request = random_prompts(1)[0]
    text = prompt_features(request)
    near, far = (replace(text, embedding=vector) for vector in HASHING([readable(request), "name the rivers"]))

    assert (fitted.bundle.estimators.prompt_logits(near) != fitted.bundle.estimators.prompt_logits(far)).all()


def test_no_estimate_for_holding_out_a_fold_depends_on_its_labels(monkeypatch):
    """What reads embeddings is nested as what reads words, at penalties, a kernel and shares that are given."""
    monkeypatch.setattr(kernel_heads, "PENALTIES", (1.0,))
    monkeypatch.setattr(prompt_kernel, "kernel_error", lambda *_, **__: 1.0)
    monkeypatch.setattr(prompt_forest, "_share", lambda *_: 0.5)
    logs = records(150)
    features = features_of([query.request for query in logs.queries])
    quality = np.array([query.qualities for query in logs.queries])
    fold = np.arange(len(features)) % 5
    turned = np.where((fold == 0)[:, None], 1 - quality, quality)

    with threadpool_limits(1):
        before, after = (
            fit_prompts(features, labels, weight=np.ones_like(labels), fold=fold).nested for labels in (quality, turned)
        )

    assert np.allclose(before[0], after[0], atol=1e-6)
    assert not np.allclose(before[1], after[1], atol=1e-2)


def test_a_rung_that_does_not_read_the_prompt_needs_no_embedder():
    found = fit(records(300), TIERS, rungs=["confidence"], embedder=HASHING)

    assert found.bundle.embedder is None
    assert found.bundle.estimators.dense is None


def test_the_classifier_on_its_own_reads_embeddings_too():
    logs = records(300)
    requests = [query.request for query in logs.queries]
    quality = np.array([query.qualities for query in logs.queries])
    keys = [query.split_key for query in logs.queries]

    found = fit_classifier(requests, quality, keys=keys, embedder=HASHING)

    assert found.held_out.shape == quality.shape
    expected = found.calibration.apply(found.prompts.of(features_of(requests[:1])[0]))
    assert found.chances(requests[:1])[0] == pytest.approx(expected)
    assert found.prompts.dense is not None


def test_each_text_is_embedded_once():
    counting = Counting()
    embedder = Remembered(counting)

    first, again = embedder(["a", "b", "a"]), embedder(["b"])

    assert counting.texts == ["a", "b"]
    assert (again[0] == first[1]).all()
    assert embedder(()).shape == (0, 256)


def test_a_replay_of_many_rules_embeds_each_prompt_once(plan):
    counting = Counting()
    logs = records(40)
    replayed = remembering(replace(plan, embedder=counting))

    for _ in range(3):
        replay_all(logs, replayed)

    assert len(counting.texts) == 40


def test_offline_a_prompt_is_judged_as_it_is_live(plan, fitted):
    logs = records(30)
    table = table_of(logs, plan)
    config = Config.of(TIERS.tiers, policy={"embedder": "hashing"}, ledger={"enabled": False})
    provider = FakeProvider({"small": said("a"), "large": said("b")})
    router = Router.from_config(config, provider=provider, bundle=fitted.bundle)

    live = [tuple(router.decide(query.request.text).suffices.values()) for query in logs.queries]

    assert live == [tuple(row) for row in table.chances[0].tolist()]
    assert begin(plan, logs.queries[0].request).quality == live[0]


def test_a_tier_is_added_to_a_bundle_that_reads_embeddings(fitted):
    from tests.training.test_new_tier import LADDER, logs, without

    part, ladder = without(logs(300, seed=1), "mid")
    champion = fit(part, ladder, rungs=["prompt"], embedder=HASHING).bundle
    fresh = logs(60, seed=2)

    added = add_tier(champion, fresh, LADDER, name="mid", embedder=HASHING)

    features = features_of([query.request for query in fresh.queries[:5]])
    for item in features:
        old, new = champion.estimators.prompt_logits(item), added.bundle.estimators.prompt_logits(item)
        assert [new[0], new[2]] == pytest.approx(list(old))
        assert np.isfinite(new[1])
    assert added.bundle.embedder.name == "hashing"
    with pytest.raises(InputError, match="the bundle reads embeddings of 'hashing'; name that embedder"):
        add_tier(champion, fresh, LADDER, name="mid")


# From the sample to a served policy


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A policy trained on 400 prompts of the sample with real word vectors, saved as `tierwise train fit` saves it."""
    pytest.importorskip("wordllama")
    from router.config import load as read_config

    settings = with_embedder(read_config("preset:local"), "wordllama")
    logs = read(SAMPLE, settings.tiers)
    some = replace(logs, queries=logs.split("train").queries[:400])
    made = fit(some, settings.tiers, rungs=["prompt"], embedder=chosen_embedder(settings))
    path = tmp_path_factory.mktemp("sample") / "policy.tierwise"
    made.bundle.with_rule(CostAware(quality_per_dollar=1.0)).save(path)
    return settings, path, logs.split("train").queries[400].request.text


def serving(settings, path, **policy):
    names = settings.tiers.names
    return Router.from_config(
        Config.of(settings.tiers.tiers, policy={"bundle": str(path), **policy}, ledger={"enabled": False}),
        provider=FakeProvider({name: said("4") for name in names}),
    )


def test_a_policy_trained_with_word_vectors_serves_with_them(sample):
    settings, path, prompt = sample
    bundle = load(path)
    router = serving(settings, path, embedder="wordllama")

    response = router.route(prompt)

    vector = embedder_named("wordllama")([prompt])[0]
    features = prompt_features(response_request(prompt), embedding=vector)
    expected = bundle.estimators.calibration.apply(bundle.estimators.prompt_logits(features))
    assert response.text == "4"
    assert tuple(response.decision.suffices.values()) == pytest.approx(tuple(expected))
    assert (bundle.embedder.name, bundle.embedder.dimension) == ("wordllama", 256)


def response_request(prompt):
    from tests.kit import ask

    return ask(prompt)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({}, "needs the embedder 'wordllama', and the configuration names none"),
        ({"embedder": "hashing"}, "trained with the embedder 'wordllama', and .policy. `embedder` is 'hashing'"),
    ],
)
def test_it_does_not_serve_with_another_or_without(sample, policy, words):
    settings, path, _ = sample
    with pytest.raises(BundleError, match=words):
        serving(settings, path, **policy)


def test_it_does_not_serve_where_the_package_is_missing(sample, monkeypatch):
    """The sentence at the start says what to install."""
    settings, path, _ = sample
    monkeypatch.setitem(sys.modules, "wordllama", None)

    with pytest.raises(EmbedderError, match=r"needs the package wordllama.*pip install 'tierwise\[embeddings\]'"):
        serving(settings, path, embedder="wordllama")


# Commands


def call(*words):
    return CliRunner().invoke(app, words)


def test_fit_takes_an_embedder_from_the_command_line(tmp_path):
    from training.long_format import write_records

    logs, out = tmp_path / "labels.parquet", tmp_path / "policy.tierwise"
    write_records(records(200), logs)
    words = ("--data", str(logs), "--out", str(out), "--rung", "prompt", "--embedder", "hashing", "--json")

    done = call("fit", *words)

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["bundle"] == str(out)
    assert load(out).embedder.name == "hashing"


def test_an_embedder_that_there_is_not_is_one_sentence():
    with pytest.raises(InputError, match="--embedder: 'minilm' is no embedder; there are hashing, wordllama"):
        with_embedder(Config.of(TIERS.tiers), "minilm")


@pytest.mark.parametrize(
    ("named", "train", "policy", "expected"),
    [
        ("hashing", "wordllama", None, "hashing"),
        (None, "hashing", "wordllama", "hashing"),
        (None, None, "wordllama", "wordllama"),
        ("none", "hashing", "wordllama", None),
        (None, None, None, None),
    ],
)
def test_the_command_line_goes_before_train_and_train_before_policy(named, train, policy, expected):
    config = Config.of(
        TIERS.tiers,
        train={"embedder": train} if train else None,
        policy={"embedder": policy} if policy else None,
    )

    assert with_embedder(config, named).policy.embedder == expected


def test_what_the_service_has_no_embedder_for_is_not_promoted():
    """Found out before the training, and not when the service refuses the bundle."""
    config = Config.of(TIERS.tiers)

    with pytest.raises(InputError, match=r"with the embedder 'hashing' cannot serve while \[policy\] `embedder`"):
        serves(config, with_embedder(config, "hashing"))
    serves(with_embedder(config, "hashing"), with_embedder(config, "hashing"))
    serves(config, config)


def test_a_bundle_is_judged_offline_with_its_own_embedder_unless_that_is_a_function_or_a_file():
    config, bundle = Config.of(TIERS.tiers), embedded_bundle()
    foreign = [replace(bundle, embedder=replace(bundle.embedder, name=name)) for name in ("onnx:m.onnx", "os:system")]

    assert under(config, bundle).policy.embedder == "hashing"
    assert [under(config, each).policy.embedder for each in foreign] == [None, None]
