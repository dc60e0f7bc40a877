"""What could not route is refused when the bundle is loaded, even where every hash fits."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from router.bundle import load
from router.checks import MOST_LANDMARKS
from router.errors import BundleError
from router.features import HAND
from tests.core.test_bundle import made, rewritten


def altered(path, *, arrays=None, **manifest):
    """Rewrite the bundle at ``path`` as its own author would: every hash fits the changed content."""
    blobs = {name: blob if isinstance(blob, bytes) else packed(blob) for name, blob in (arrays or {}).items()}
    with zipfile.ZipFile(path) as archive:
        told = json.loads(archive.read("manifest.json"))
    if "rule" in manifest:
        manifest = {"profiles": {"default": {"rule": manifest["rule"], "facts": {}}}}
    told |= manifest
    told["arrays"] |= {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()}
    rewritten(path, {"manifest.json": json.dumps(told).encode(), **blobs})


KEYS = len(made().estimators.prompt.keys)
MIXED = {"first": {"kind": "always", "rank": 0}, "second": {"kind": "always", "rank": 1}}
MIXTURE = {"kind": "mixture", "share": 0.5, **MIXED}


def induction(*, mask=1, weights=(0.0,) * 6):
    """A rule of fitted backward induction with one state and one action."""
    actions = {"1": {"intercept": 0.0, "weights": list(weights)}}
    return {"kind": "induction", "quality_per_dollar": 1.0, "states": {str(mask): actions}}


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
        ({"rule": []}, "other parameters|no rule|dictionary"),
        ({"rule": {"kind": "mixture", "share": 2, **MIXED}}, "by the share 2, which is none"),
        ({"rule": {"kind": "mixture", "share": 0.5, **MIXED, "first": {"kind": "always", "rank": 9}}}, "rank 9"),
        ({"rule": {"kind": "mixture", "share": 0.5, **MIXED, "first": MIXTURE}}, "a mixture of mixtures"),
        ({"rule": {"kind": "cascade_routing", "quality_per_dollar": 1, "spread": [1]}}, "one number from 0 up"),
        ({"rule": {"kind": "cascade_routing", "quality_per_dollar": 1, "spread": [1, -1]}}, "one number from 0 up"),
        ({"rule": induction(mask=4)}, "has a state 4, and there are 2 tiers"),
        ({"rule": induction(mask=2)}, "in the rule's state 2 the tier of rank 1 cannot come next"),
        ({"rule": induction(weights=[1.0])}, "the weights of tier 1 are not 6 numbers"),
        ({"rule": induction(weights=["x"] * 6)}, "could not convert"),
        ({"rule": {"kind": "induction", "quality_per_dollar": 1}}, "other parameters"),
        ({"profiles": {"other": {"rule": {"kind": "always"}, "facts": {}}}}, "no profile 'default'"),
        ({"profiles": {"default": {"rule": {"kind": "always"}, "facts": 3}}}, "facts of a profile are no table"),
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
        ("prompt.landmarks", np.zeros((3, 9)), r"prompt\.landmarks has the shape \(3, 9\), where \(3, \d+\) is wanted"),
        ("prompt.weights", np.zeros((4, 2)), r"prompt\.weights has the shape \(4, 2\), where \(3, 2\) is wanted"),
        ("prompt.mix", np.zeros((2, 3)), r"prompt\.mix has the shape \(2, 3\), where \(2, 2\) is wanted"),
        ("prompt.mix", np.full((2, 2), np.nan), r"prompt\.mix holds NaN"),
        ("prompt.shift", np.full(2, np.inf), r"prompt\.shift holds NaN, infinity"),
        ("prompt.landmarks", np.zeros((MOST_LANDMARKS + 1, len(HAND))), "has 4,097 landmarks, and 4,096 are the most"),
        ("prompt.landmarks", np.zeros((0, len(HAND))), r"prompt\.landmarks has the shape"),
        ("prompt.rate", np.full(1, -1.0), r"prompt\.rate is below 0"),
        ("prompt.keys", np.uint64(7), r"prompt\.keys has the shape \(\)"),
        ("prompt.idf", np.zeros(1), r"prompt\.idf has the shape \(1,\)"),
        ("prompt.intercept", np.array([np.nan, 0]), "holds NaN, infinity or a number too large"),
        ("prompt.intercept", np.array([0, -np.inf]), "holds NaN, infinity or a number too large"),
        ("prompt.intercept", np.array(["a", "b"]), "holds <U1 and not numbers"),
        ("prompt.intercept", np.array([0, 1], np.uint8), "holds uint8 and not floating-point numbers"),
        ("prompt.intercept", np.array([0, 1], np.float16), "holds float16 and not floating-point numbers of 32 bits"),
        ("prompt.scale", np.zeros(len(HAND)), "too near it to divide by"),
        ("calibration.x", np.array([[1.0, 0.0]] * 2), r"the knots calibration\.x do not ascend"),
        ("calibration.y", np.array([[0.0, 2.0]] * 2), "not all between 0 and 1"),
        ("calibration.x", np.zeros((2, 0)), r"where \(2, 1\) is wanted"),
        ("calibration.x", np.array([[0.0, 0.5, 1.0]] * 2), r"calibration\.y has the shape \(2, 2\), where \(2, 3\)"),
        ("scorer.2.model.weights", np.zeros((4, 2)), r"scorer\.2\.model\.weights has the shape \(4, 2\)"),
        ("length.prompt.smear", np.ones(3), r"length\.prompt\.smear has the shape \(3,\)"),
        ("prompt.topics", np.zeros((KEYS, 0)), r"prompt\.topics has the shape \(\d+, 0\), where \(\d+, 1\) is wanted"),
        ("prompt.topics", np.zeros(KEYS), r"prompt\.topics has the shape \(\d+,\), where \(\d+, 1\) is wanted"),
        ("prompt.topics", np.full((KEYS, 2), np.nan), r"prompt\.topics holds NaN"),
        ("prompt.places", np.zeros((3, 5)), r"prompt\.places has the shape \(3, 5\), where \(3, 2\) is wanted"),
        ("prompt.topic_rate", np.full(1, -1.0), r"prompt\.topic_rate is below 0"),
        ("prompt.topic_weight", np.zeros(0), r"prompt\.topic_weight has the shape \(0,\), where \(1,\) is wanted"),
        ("prompt_trees.value", np.zeros((3, 2)), r"the array prompt_trees\.value is of no use"),
        ("more", np.zeros(1), "the array more is of no use"),
    ],
)
def test_an_array_that_could_not_be_reckoned_with_is_refused(saved, name, array, words):
    altered(saved, arrays={f"{name}.npy": array})

    with pytest.raises(BundleError, match=words):
        load(saved)


@pytest.mark.parametrize("idf", [0.0, 1e-200, 0.999])
def test_weights_that_could_leave_a_prompt_without_a_length_are_refused(saved, idf):
    """An inverse document frequency is 1 at least; at 0 a prompt's vector would be divided by nothing."""
    altered(saved, arrays={"prompt.idf.npy": np.full(len(load(saved).estimators.prompt.keys), idf)})

    with pytest.raises(BundleError, match=r"prompt\.idf is below 1"):
        load(saved)


def test_a_vocabulary_without_a_term_is_refused(saved):
    """A search in nothing finds no place to look at."""
    none = {"keys": np.zeros(0, np.uint64), "idf": np.zeros(0), "terms": np.zeros((0, 2))}
    altered(saved, arrays={f"prompt.{name}.npy": array for name, array in none.items()})

    with pytest.raises(BundleError, match=r"prompt\.keys has the shape \(0,\), where \(1,\) is wanted"):
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
