"""Offline nothing goes on without a vector, and none is made by a function or file that a bundle alone names."""

from __future__ import annotations

import math
import types
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from router.assess import Trained
from router.bundle import load
from router.config import Config
from router.embed import Imprint
from router.embedders.naming import embedder_named
from router.errors import EmbedderError, InputError
from router.ledger import Ledger
from router.plan import Plan
from router.policy import Always, CostAware
from tests.core.test_embedded import embedded_bundle
from tests.kit import Clock
from tests.training.simulated import TIERS, records
from tests.training.test_collect import strong
from tests.training.test_new_tier import CONFIG as THREE_TOML
from tests.training.test_new_tier import logs as three
from tests.training.test_new_tier import without
from training.__main__ import app
from training.classifier import fit_classifier
from training.collect import collect
from training.draw import draw
from training.embedding import is_model
from training.evaluate import evaluate
from training.fit import fit
from training.label.candidates import of_queries
from training.long_format import write_records
from training.promote import judge, weigh
from training.provenance import provenance
from training.replay import replay_all
from training.table import table_of

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint")  # MLflow's own doing

HASHING = embedder_named("hashing")
CONFIG = Config.of(TIERS.tiers, ledger={"enabled": False}, policy={"embedder": "hashing"})


class Flaky:
    """An embedder that counts its calls, and fails from a given one on."""

    name = "hashing"

    def __init__(self, *, fails_at=1):
        self.calls = []
        self._fails_at = fails_at

    def __call__(self, texts):
        self.calls.append(len(texts))
        if len(self.calls) >= self._fails_at:
            raise EmbedderError("it is gone")
        return HASHING(texts)


def plan(embedder):
    assessor = Trained(TIERS, embedded_bundle().estimators)
    return Plan(ladder=TIERS, assessor=assessor, rule=CostAware(quality_per_dollar=1.0), embedder=embedder)


def unlabelled(logs):
    """The same logs, and nobody has labelled the first tier's answers."""
    queries = [
        replace(query, outcomes=(replace(query.outcomes[0], quality=math.nan), *query.outcomes[1:]))
        for query in logs.queries
    ]
    return replace(logs, queries=tuple(queries))


@pytest.mark.parametrize(
    "job",
    [
        replay_all,
        judge,
        lambda logs, plan: evaluate(logs, plan, split="test"),
        table_of,
        lambda logs, plan: of_queries(unlabelled(logs).queries, plan),
    ],
    ids=["replay_all", "judge", "evaluate", "table_of", "of_queries"],
)
def test_nothing_is_judged_without_an_embedding(job):
    """At run time a lost embedding costs no request; a figure that rested on one would be false."""
    with pytest.raises(EmbedderError, match="it is gone"):
        job(records(5), plan(Flaky()))


def test_prompts_that_are_replayed_are_embedded_many_at_once_and_one_failure_ends_it():
    """The second batch fails, so that some prompts would have had their vectors and others not."""
    logs = records(300)
    counting = Flaky(fails_at=9)

    replay_all(logs, plan(counting))

    assert counting.calls == [256, 44]
    with pytest.raises(EmbedderError, match="it is gone"):
        replay_all(logs, plan(Flaky(fails_at=2)))


def test_nothing_is_asked_of_any_tier_when_a_prompt_that_is_collected_has_no_embedding(tmp_path):
    """What was paid for would be in the ledger with judgements that were made without the vector."""
    sent, clock = [], Clock()
    with Ledger(tmp_path / "ledger.db") as ledger:
        strong(ledger, 6)
        drawn = draw(ledger, TIERS, 3, by="uniform").drawn
        before = len(list(ledger.decisions()))

        with pytest.raises(EmbedderError, match="it is gone"):
            collect(drawn, plan(Flaky()), ledger=ledger, send=sent.append, limit=10**15, clock=clock, sleep=clock.sleep)

        assert (sent, len(list(ledger.decisions()))) == ([], before)


def test_a_champion_whose_embedder_is_gone_is_not_judged_and_keeps_its_place():
    """Without its vectors it would look worse than it is, and a challenger take its place."""
    challenger = replace(embedded_bundle(), version="b").with_rule(Always(0))
    champion = embedded_bundle()
    champion = replace(champion, version="a", embedder=Imprint("hashing", np.roll(champion.embedder.probes, 1, axis=1)))

    with pytest.raises(EmbedderError, match=r"champion cannot be judged, so nothing takes its place: .*another model"):
        weigh(challenger, champion, records(100).split("test"), CONFIG)


def test_a_model_that_finds_nothing_in_any_text_is_refused_before_anything_is_fitted():
    def blank(texts):
        return np.zeros((len(texts), 4))

    blank.name = "blank"
    logs = records(60)
    requests = [query.request for query in logs.queries]
    quality = np.array([query.qualities for query in logs.queries])

    with pytest.raises(EmbedderError, match="'blank' gave nothing but zeros"):
        fit_classifier(requests, quality, keys=[query.split_key for query in logs.queries], embedder=blank)


# On a bundle's word


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hashing", True),
        ("model2vec:x/y", True),
        ("onnx:m.onnx", False),
        ("os:system", False),
        ("hashing:run", False),
        ("fastembed", False),
        ("fastembed:", False),
    ],
)
def test_models_and_no_functions_or_files_are_loaded_on_a_bundles_word(name, expected):
    assert is_model(name) == expected


def served(path):
    """The model that MLflow serves, its bundle read from ``path``."""
    from training.tracking.served import Decider

    decider = Decider()
    decider.load_context(types.SimpleNamespace(artifacts={"bundle": str(path)}))
    return decider


def saved(path, **changes):
    bundle = embedded_bundle()
    bundle = replace(bundle, facts={**bundle.facts, "provenance": provenance(TIERS, data="d")})
    if "name" in changes:
        bundle = replace(bundle, embedder=replace(bundle.embedder, **changes))
    bundle.save(path)
    return path


def test_mlflow_serves_a_bundle_with_its_published_embedder(tmp_path):
    decider = served(saved(tmp_path / "a"))

    found = decider.predict(["What is 17 times 23?"])

    assert found[0]["start"] in TIERS.names
    assert "embedding" not in found[0]["reason"]


@pytest.mark.parametrize("name", ["foreign_module:embed", "onnx:model.onnx"])
def test_mlflow_does_not_run_what_a_bundle_names(tmp_path, name):
    """A bundle may come from elsewhere, and importing a module runs it."""
    with pytest.raises(InputError, match=f"needs the embedder '{name}', a function or file of somebody's own"):
        served(saved(tmp_path / "a", name=name))


def test_a_tier_is_added_by_the_embedder_of_the_bundle_where_the_configuration_names_none(tmp_path):
    config, data, old, new = (tmp_path / name for name in ("tierwise.toml", "l.parquet", "o.tierwise", "n.tierwise"))
    config.write_text(THREE_TOML, encoding="utf-8")
    write_records(three(25, seed=2), data)
    part, ladder = without(three(300, seed=1), "mid")
    fit(part, ladder, rungs=["prompt"], embedder=HASHING).bundle.save(old)

    words = ("--config", config, "--data", data, "--bundle", old, "--out", new)
    done = CliRunner().invoke(app, ["add-tier", "mid", *map(str, words)])

    assert done.exit_code == 0, done.output
    assert load(new).embedder.name == "hashing"
