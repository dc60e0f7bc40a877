"""The bundle: the same content back, and nothing damaged, altered or foreign let in."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from router import bundle as bundles
from router.assess import Estimators, Trained
from router.bundle import PolicyBundle, load
from router.config import Config
from router.errors import BundleError
from router.estimators import Calibration, DenseModel, LengthModel, TextModel, term_keys
from router.features import HAND, prompt_features
from router.planning import plan_of
from router.policy import CostAware
from router.signals import NAMES
from tests.kit import ask, ladder, said

KNOWN = "the quick brown fox asks what is 2 + 2"


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
            terms=random.normal(size=(len(keys), tiers)),
            mean=np.zeros(hand),
            scale=np.ones(hand),
            hand=random.normal(size=(hand, tiers)) / 10,
            intercept=np.zeros(tiers),
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
        length=LengthModel(
            tokens_per_char=np.full(tiers, 0.25),
            overhead=np.zeros(tiers),
            mean=np.zeros(hand),
            scale=np.ones(hand),
            weights=np.zeros((hand, tiers)),
            intercept=np.full(tiers, 2.0),
            smear=np.ones(tiers),
        ),
    )
    return PolicyBundle(
        tiers=("small", "large")[:tiers],
        models=("model-small", "model-large")[:tiers],
        estimators=estimators,
        rule=CostAware(quality_per_dollar=10.0),
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


def altered(path, *, arrays=None, **manifest):
    """Rewrite the bundle at ``path`` as its own author would: every hash fits the changed content."""
    blobs = {name: blob if isinstance(blob, bytes) else packed(blob) for name, blob in (arrays or {}).items()}
    with zipfile.ZipFile(path) as archive:
        told = json.loads(archive.read("manifest.json")) | manifest
    told["arrays"] |= {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()}
    rewritten(path, {"manifest.json": json.dumps(told).encode(), **blobs})


def packed(array):
    """``array`` as the bytes of a .npy file, pickled where it holds objects."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def header(text):
    """A .npy file of a header only."""
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.encode().ljust(117) + b"\n"


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
        ({"rule": {"kind": "magic"}}, "no rule 'magic'"),
        ({"states": [1, 2, 3]}, "scorer.3"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(saved, change, words):
    with zipfile.ZipFile(saved) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    rewritten(saved, {"manifest.json": json.dumps(manifest | change).encode()})

    with pytest.raises(BundleError, match=words):
        load(saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rule": {"kind": "always", "rank": 7}}, "asks the tier of rank 7, and there are 2 tiers"),
        ({"rule": {"kind": "always", "rank": True}}, "asks the tier of rank True"),
        ({"rule": {"kind": "always", "why": 1}}, "gives no reason in words"),
        ({"rule": {"kind": "cost_aware", "quality_per_dollar": "x"}}, "quality_per_dollar is 'x'"),
        ({"rule": {"kind": "cost_aware", "quality_per_dollar": float("nan")}}, "quality_per_dollar is nan"),
        ({"rule": {"kind": "cost_aware", "quality_per_dollar": 10**400}}, r"quality_per_dollar is 10+\.\.\."),
        ({"rule": {"kind": "cost_aware", "quality_per_dollar": 1, "keep": "none"}}, "neither 'best' nor 'last'"),
        ({"rule": {"kind": "thresholds", "start": [0.5], "accept": [0.5]}}, "1 thresholds `start`, and there are 2"),
        ({"rule": {"kind": "thresholds", "start": [0.5, 0], "accept": [0.5, "x"]}}, "`accept` are not all finite"),
        ({"rule": []}, "other parameters|no rule"),
        ({"states": [1]}, "no confidence scorer is there for the answers of tier 1"),
        ({"states": [1, 2, 4]}, r"the states \[1, 2, 4\] are no sets of 2 tiers"),
        ({"states": {"1": 1}}, "are no sets of 2 tiers"),
        ({"tiers": ["small", "middle", "large"], "models": ["a", "b", "c"]}, "answers of tier 2"),
        ({"tiers": ["large", "large"]}, "names the tiers large, large"),
        ({"tiers": "large"}, "`tiers` is no list of names"),
        ({"models": ["a"]}, "and the models a"),
        ({"best_single": "zzz"}, "best single tier 'zzz' is none of small, large"),
        ({"facts": []}, "facts are no table"),
        ({"format": None}, "its format is None"),
    ],
)
def test_a_manifest_that_could_not_route_is_refused(saved, change, words):
    altered(saved, **change)

    with pytest.raises(BundleError, match=words):
        load(saved)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("prompt.hand", np.zeros((3, 9)), r"prompt\.hand has the shape \(3, 9\), where \(\d+, 2\) is wanted"),
        ("prompt.keys", np.uint64(7), r"prompt\.keys has the shape \(\)"),
        ("prompt.idf", np.zeros(1), r"prompt\.idf has the shape \(1,\)"),
        ("prompt.intercept", np.array([np.nan, 0]), "holds NaN, infinity or a number too large"),
        ("prompt.intercept", np.array([0, -np.inf]), "holds NaN, infinity or a number too large"),
        ("prompt.intercept", np.array(["a", "b"]), "holds <U1 and not numbers"),
        ("prompt.intercept", np.array([0, 1], np.uint8), "holds uint8 and not floating-point numbers"),
        ("prompt.scale", np.zeros(len(HAND)), "too near it to divide by"),
        ("calibration.x", np.array([[1.0, 0.0]] * 2), r"the knots calibration\.x do not ascend"),
        ("calibration.y", np.array([[0.0, 2.0]] * 2), "not all between 0 and 1"),
        ("calibration.x", np.zeros((2, 0)), r"where \(2, 1\) is wanted"),
        ("calibration.x", np.array([[0.0, 0.5, 1.0]] * 2), r"calibration\.y has the shape \(2, 2\), where \(2, 3\)"),
        ("scorer.2.model.weights", np.zeros((4, 2)), r"scorer\.2\.model\.weights has the shape \(4, 2\)"),
        ("length.smear", np.ones(3), r"length\.smear has the shape \(3,\)"),
        ("more", np.zeros(1), "the array more is of no use"),
    ],
)
def test_an_array_that_could_not_be_reckoned_with_is_refused(saved, name, array, words):
    altered(saved, arrays={f"{name}.npy": array})

    with pytest.raises(BundleError, match=words):
        load(saved)


@pytest.mark.parametrize("change", ["twice", "backwards", "floats"])
def test_keys_that_a_search_would_miss_are_refused(saved, change):
    keys = load(saved).estimators.prompt.keys
    changed = {"twice": np.repeat(keys[:1], len(keys)), "backwards": keys[::-1], "floats": keys.astype(float)}[change]
    altered(saved, arrays={"prompt.keys.npy": changed})

    with pytest.raises(BundleError, match=r"prompt\.keys (does not ascend|holds float64)"):
        load(saved)


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (header("{'descr':'<f8','fortran_order':False,'shape':(99999999999,)}"), "not as long as its header says"),
        (header("{'descr':'<f8','fortran_order':False,'shape':(-1,-3)}") + b"0" * 24, "damaged"),
        (header("{'descr':'<f8','fortran_order':False,'shape':(1,"), "header of the array .* cannot be read"),
        (header("{'descr':'<q99','fortran_order':False,'shape':(1,)}"), "descr"),
        (header("{'descr':'S0','fortran_order':False,'shape':(99999999999,)}"), "and not numbers"),
        (b"\x93NUMPY\x03\x00", "is of another layout"),
        (b"", "damaged"),
    ],
)
def test_a_broken_array_is_refused_before_memory_is_taken(saved, blob, words):
    altered(saved, arrays={"prompt.intercept.npy": blob})

    with pytest.raises(BundleError, match=words):
        load(saved)


@pytest.mark.parametrize("manifest", [b"[" * 200_000, b"[]", b"null", b"{}", b"", b"\xff"])
def test_a_manifest_that_is_none_is_refused(saved, manifest):
    rewritten(saved, {"manifest.json": manifest})

    with pytest.raises(BundleError, match="damaged"):
        load(saved)


def test_a_compression_that_no_bundle_uses_is_refused(saved):
    with zipfile.ZipFile(saved, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("more.npy", b"x")

    with pytest.raises(BundleError, match="compressed as no bundle is"):
        load(saved)


def test_a_wholly_rewritten_bundle_is_another_one_which_only_a_pin_refuses(saved):
    version = load(saved).version
    altered(saved, rule={"kind": "always", "rank": 1})

    assert load(saved).version != version
    with pytest.raises(BundleError, match="the configuration pins"):
        load(saved, version=version)


def test_nothing_is_unpickled(saved):
    altered(saved, arrays={"prompt.terms.npy": np.array([{"a": 1}], dtype=object)})

    with pytest.raises(BundleError, match="holds object and not numbers"):
        load(saved)


def test_a_bundle_that_unpacks_too_large_is_refused(saved, monkeypatch):
    monkeypatch.setattr(bundles, "LIMIT", 1000)

    with pytest.raises(BundleError, match="unpacks to more than"):
        load(saved)


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
