"""The bundle: the same content back, and nothing damaged, altered or foreign let in."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from router import bundle as bundles
from router.assess import Estimators, Trained
from router.bundle import PolicyBundle, Profile, load
from router.config import Config
from router.errors import BundleError
from router.estimators import Calibration, DenseModel, TextModel, term_keys
from router.features import HAND, prompt_features
from router.lengths import LengthModel, TokenModel
from router.planning import plan_of
from router.policy import CostAware
from router.signals import NAMES
from tests.kit import ask, ladder, said

KNOWN = "the quick brown fox asks what is 2 + 2"


def tokens(tiers, *, per_char=0.0, logs=0.0):
    """Expected tokens: so many a character, or else the power of e."""
    return TokenModel(
        tokens_per_char=np.full(tiers, per_char),
        overhead=np.full(tiers, 0.0 if per_char else 1.0),
        fewest=np.zeros(tiers),
        mean=np.zeros(len(HAND) + 1),
        scale=np.ones(len(HAND) + 1),
        weights=np.zeros((len(HAND) + 1, tiers)),
        intercept=np.full(tiers, logs),
        least=np.full(tiers, -9.0),
        most=np.full(tiers, 9.0),
        smear=np.ones(tiers),
        carry=np.zeros((tiers, tiers)),
        carry_smear=np.ones((tiers, tiers)),
    )


def made(*, tiers=2, seed=0):
    """A bundle of random numbers, of the shapes that training makes."""
    random = np.random.default_rng(seed)
    keys = np.unique(term_keys(prompt_features(ask(KNOWN))))
    hand, dense = len(HAND), tiers + len(HAND) + len(NAMES)

    def calibration():
        return Calibration(
            slope=np.ones(tiers),
            shift=np.zeros(tiers),
            x=np.tile([0.0, 1.0], (tiers, 1)),
            y=np.tile([0.0, 1.0], (tiers, 1)),
        )

    estimators = Estimators(
        prompt=TextModel(
            keys=keys,
            idf=random.uniform(1, 3, len(keys)),
            terms=random.normal(size=(len(keys), tiers)) / 4,
            mean=np.zeros(hand),
            scale=np.ones(hand),
            topics=np.cos(np.arange(2 * len(keys))).reshape(-1, 2),
            landmarks=random.normal(size=(3, hand)),
            rate=np.full(1, 0.1),
            places=np.eye(3)[:, :2],
            topic_rate=np.full(1, 3.0),
            topic_weight=np.ones(1),
            weights=random.normal(size=(3, tiers)) / 4,
            intercept=np.full(tiers, 0.5),
            mix=np.eye(tiers),
            shift=np.zeros(tiers),
        ),
        calibration=calibration(),
        scorer={
            1 << rank: (
                DenseModel(
                    mean=np.zeros(dense),
                    scale=np.ones(dense),
                    weights=random.normal(size=(dense, tiers)) / 10,
                    intercept=np.zeros(tiers),
                ),
                calibration(),
            )
            for rank in range(tiers)
        },
        length=LengthModel(prompt=tokens(tiers, per_char=0.25), answer=tokens(tiers, logs=2.0)),
    )
    return PolicyBundle(
        tiers=("small", "large")[:tiers],
        models=("model-small", "model-large")[:tiers],
        estimators=estimators,
        profiles={"default": Profile(CostAware(quality_per_dollar=10.0))},
        best_single="large",
        facts={"rows": {"fit": 3}},
    )


def rewritten(path, changes):
    """The zip at ``path`` with some members replaced, or dropped where the change is None."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= changes
    with zipfile.ZipFile(path, "w") as archive:
        for name, blob in members.items():
            if blob is not None:
                archive.writestr(name, blob)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "policy.tierwise"
    made().save(path)
    return path


def test_what_is_loaded_judges_as_what_was_saved(tmp_path):
    before = made()
    version = before.save(tmp_path / "a")
    after = load(tmp_path / "a")
    request = ask(KNOWN)

    assert after.version == version
    assert (after.tiers, after.models, after.rule, after.best_single) == (
        before.tiers, before.models, before.rule, before.best_single,
    )  # fmt: skip
    for one, other in ((before, after),):
        first, second = (Trained(ladder("small", "large"), side.estimators) for side in (one, other))
        begun = first.begin(request)
        assert second.begin(request).quality == begun.quality
        assert second.observe(second.begin(request), 0, said("4")).quality == first.observe(begun, 0, said("4")).quality


def test_the_same_content_is_the_same_file(tmp_path):
    one, other = made(), made()

    assert one.save(tmp_path / "a") == other.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert made(seed=1).save(tmp_path / "c") != one.save(tmp_path / "a")


def test_a_bundle_holds_no_word_of_any_prompt(saved):
    with zipfile.ZipFile(saved) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())

    assert not any(word.encode() in everything for word in ("quick", "brown", "fox"))


def test_a_missing_bundle_says_how_to_make_one(tmp_path):
    with pytest.raises(BundleError, match="no such bundle; train one with `tierwise train fit`"):
        load(tmp_path / "none")


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_a_truncated_bundle_is_refused(saved, keep):
    blob = saved.read_bytes()
    saved.write_bytes(blob[: int(len(blob) * keep) if isinstance(keep, float) else keep])

    with pytest.raises(BundleError, match="damaged"):
        load(saved)


def test_no_single_flipped_byte_goes_unnoticed_where_it_matters(saved):
    blob = saved.read_bytes()
    good = load(saved)
    for place in range(0, len(blob), 97):
        saved.write_bytes(blob[:place] + bytes([blob[place] ^ 0x55]) + blob[place + 1 :])
        try:
            found = load(saved)
        except BundleError:
            continue
        assert found.version == good.version  # the flip was in the zip's own bookkeeping


def test_an_altered_array_is_refused(saved):
    rewritten(saved, {"prompt.terms.npy": b"\x93NUMPY something else"})

    with pytest.raises(BundleError, match=r"prompt\.terms\.npy is not what the manifest says"):
        load(saved)


def test_a_missing_and_an_added_array_are_refused(saved, tmp_path):
    rewritten(saved, {"prompt.terms.npy": None})
    with pytest.raises(BundleError, match="not what the manifest says"):
        load(saved)

    made().save(saved)
    rewritten(saved, {"more.npy": b"x"})
    with pytest.raises(BundleError, match=r"more\.npy is not what the manifest says"):
        load(saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "0123"}, "trained on feature schema 0123, .* retrain"),
        ({"format": 99}, "its format is 99"),
        ({"profiles": {"default": {"rule": {"kind": "magic"}, "facts": {}}}}, "no rule 'magic'"),
        ({"states": [1, 2, 3]}, "scorer.3"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(saved, change, words):
    with zipfile.ZipFile(saved) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    rewritten(saved, {"manifest.json": json.dumps(manifest | change).encode()})

    with pytest.raises(BundleError, match=words):
        load(saved)


def test_a_bundle_that_unpacks_too_large_is_refused(saved, monkeypatch):
    monkeypatch.setattr(bundles, "LIMIT", 1000)

    with pytest.raises(BundleError, match="unpacks to more than"):
        load(saved)


def test_a_bundle_that_could_not_be_loaded_is_not_written(tmp_path, monkeypatch):
    """Better to be told after training than when it is to serve; what was there before stays."""
    path = tmp_path / "policy.tierwise"
    before = made().save(path)
    monkeypatch.setattr(bundles, "LIMIT", 2**14)

    with pytest.raises(BundleError, match="would unpack to 0 MiB, and no more than 0 are loaded again; train it with"):
        made(seed=1).save(path)

    monkeypatch.undo()
    assert load(path).version == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_pin_refuses_any_other_bundle(saved):
    version = load(saved).version

    assert load(saved, version=version[:12]).version == version
    with pytest.raises(BundleError, match="the configuration pins 0000"):
        load(saved, version="0" * 64)


def test_a_failed_save_leaves_the_old_bundle(saved):
    before = saved.read_bytes()

    with pytest.raises(ValueError, match="not JSON compliant"):
        replace(made(), facts={"x": float("nan")}).save(saved)

    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_bundle_for_other_tiers_or_models_is_refused(saved):
    config = Config.of(ladder("tiny", "large").tiers, policy={"bundle": str(saved)})
    with pytest.raises(BundleError, match="for the tiers small, large, and the configuration has tiny, large"):
        plan_of(config)

    changed = tuple(replace(tier, model=f"{tier.model}-2") for tier in ladder("small", "large").tiers)
    with pytest.raises(BundleError, match="trained on 'model-small' as tier 'small'"):
        plan_of(Config.of(changed, policy={"bundle": str(saved)}))


def test_a_fitting_bundle_is_used(saved):
    plan = plan_of(Config.of(ladder("small", "large").tiers, policy={"bundle": str(saved)}))

    assert plan.rule == CostAware(quality_per_dollar=10.0)
    assert plan.policy_version == load(saved).version[:16]
    assert plan.best_single == "large"
