"""Bundles whose scorer has trees beside its linear model: the same back, and nothing damaged let in."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from router.assess import Trained
from router.bundle import load
from router.errors import BundleError
from router.features import HAND
from router.signals import NAMES
from router.trees import LARGEST, Blend, TreeModel
from tests.core.test_bundle import KNOWN, made
from tests.kit import ask, ladder, said

COLUMNS = 2 + len(HAND) + len(NAMES)
READ = len(HAND) + 2
"""What the prompt's trees read in the random bundle: hand-made features and two topics."""


def trees(*, seed=0, columns=COLUMNS):
    """Four small trees of random splits, two for each tier; a root has two leaves."""
    random = np.random.default_rng(seed)
    roots = np.arange(0, 12, 3, dtype=np.uint32)
    left, right = np.arange(12, dtype=np.uint32), np.arange(12, dtype=np.uint32)
    left[roots], right[roots] = roots + 1, roots + 2
    return TreeModel(
        feature=random.integers(0, columns, 12).astype(np.uint32),
        threshold=random.normal(size=12),
        left=left,
        right=right,
        missing_left=random.integers(0, 2, 12).astype(np.uint8),
        value=random.normal(size=12),
        roots=roots,
        head=np.array([0, 0, 1, 1], np.uint32),
        intercept=np.zeros(2),
    )


def blended():
    """The random bundle, with trees in the state of the small tier's answer only."""
    plain = made()
    model, calibration = plain.estimators.scorer[1]
    scorer = {**plain.estimators.scorer, 1: (Blend(model, trees()), calibration)}
    return replace(plain, estimators=replace(plain.estimators, scorer=scorer))


def shared():
    """The random bundle, with trees that all tiers share beside the prompt's kernel heads."""
    bundle = made()
    value = np.random.default_rng(5).normal(size=(12, 2)) / 8
    grown = replace(trees(columns=READ), value=value, head=np.zeros(4, np.uint32))
    return replace(bundle, estimators=replace(bundle.estimators, trees=grown))


def altered(path, name, change):
    """The bundle at ``path`` with one array changed and its hash made to agree, as somebody who rewrites it would."""
    with zipfile.ZipFile(path) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    array = np.load(io.BytesIO(members[f"{name}.npy"]))
    buffer = io.BytesIO()
    np.save(buffer, change(array))
    members[f"{name}.npy"] = buffer.getvalue()
    manifest = json.loads(members["manifest.json"])
    manifest["arrays"][f"{name}.npy"] = hashlib.sha256(buffer.getvalue()).hexdigest()
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for entry, blob in members.items():
            archive.writestr(entry, blob)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "policy.tierwise"
    blended().save(path)
    return path


def test_a_blend_judges_after_loading_as_before_saving(saved):
    """The linear model's logits and the trees' add up, to the last bit."""
    before, after = blended(), load(saved)
    one, other = (Trained(ladder("small", "large"), bundle.estimators) for bundle in (before, after))
    plain = Trained(ladder("small", "large"), made().estimators)
    request = ask(KNOWN)
    seen = [side.observe(side.begin(request), 0, said("4")).quality for side in (one, other, plain)]

    assert seen[0] == seen[1]
    assert seen[0] != seen[2]
    assert isinstance(after.estimators.scorer[1][0], Blend)
    assert not isinstance(after.estimators.scorer[2][0], Blend)
    for field in fields(TreeModel):
        found = getattr(after.estimators.scorer[1][0].trees, field.name)
        np.testing.assert_array_equal(getattr(trees(), field.name), found)


def test_a_blend_is_named_by_its_content(tmp_path, saved):
    """Other trees are another bundle."""
    model, calibration = made().estimators.scorer[1]
    bundle = blended()
    scorer = {**bundle.estimators.scorer, 1: (Blend(model, trees(seed=1)), calibration)}
    other = replace(bundle, estimators=replace(bundle.estimators, scorer=scorer)).save(tmp_path / "other")

    assert load(saved).version == blended().save(tmp_path / "again")
    assert load(saved).version != other


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("left", np.zeros_like, "child does not stand behind it"),
        ("right", lambda a: a + np.uint32(50), "points at"),
        ("roots", lambda a: a + np.uint32(12), "points at"),
        ("feature", lambda a: a + np.uint32(10_000), "points at"),
        ("head", lambda a: a + np.uint32(2), "points at"),
        ("missing_left", lambda a: a + np.uint8(2), "neither 0 nor 1"),
        ("threshold", lambda a: np.full_like(a, np.nan), "NaN"),
        ("value", lambda a: np.full_like(a, np.inf), "infinity"),
        ("value", lambda a: a[:-1], "has the shape"),
        ("intercept", lambda a: np.zeros(3), "has the shape"),
        ("feature", lambda a: a.astype(float), "not indices"),
        ("value", lambda a: a.astype(np.uint32), "not floating-point numbers"),
    ],
)
def test_trees_that_cannot_be_walked_are_refused(saved, name, change, words):
    """Whoever rewrote them, hashes and all: a walk must end, and within the arrays."""
    altered(saved, f"scorer.1.trees.{name}", change)

    with pytest.raises(BundleError, match=words):
        load(saved)


def test_the_prompts_trees_judge_after_loading_as_before_saving(tmp_path):
    """To the last bit, and otherwise than the kernel heads alone."""
    shared().save(tmp_path / "policy")
    seen = [
        Trained(ladder("small", "large"), bundle.estimators).begin(ask(KNOWN)).quality
        for bundle in (shared(), load(tmp_path / "policy"), made())
    ]

    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("feature", lambda a: np.full_like(a, READ), rf"feature points at {READ}, and there are {READ}"),
        ("value", lambda a: a[:, :1], r"value has the shape \(12, 1\)"),
        ("value", lambda a: np.hstack((a, a)), r"value has the shape \(12, 4\)"),
        ("value", lambda a: a.astype(np.float16), "float16 and not floating-point numbers of 32 bits"),
        ("intercept", lambda _: np.zeros(3), r"intercept has the shape \(3,\), where \(2,\)"),
        ("head", lambda a: a + np.uint32(2), "head points at 2, and there are 2"),
        ("roots", lambda a: np.uint32(a[0]), r"roots has the shape \(\)"),
        ("feature", lambda a: a[:, None], r"feature has the shape \(12, 1\)"),
        ("right", lambda a: np.arange(12, dtype=np.uint32), "child does not stand behind it"),
        ("threshold", lambda a: np.full_like(a, -np.inf), "infinity"),
    ],
)
def test_the_prompts_trees_are_refused_where_they_do_not_fit_what_it_reads(tmp_path, name, change, words):
    shared().save(tmp_path / "policy")
    altered(tmp_path / "policy", f"prompt_trees.{name}", change)

    with pytest.raises(BundleError, match=words):
        load(tmp_path / "policy")


def test_a_number_that_is_missing_goes_the_way_that_each_node_says():
    """Also where a threshold stands far below all numbers, and where two nodes cut alike but for that."""
    shape = {"left": np.array([1, 1, 2, 4, 4, 5], np.uint32), "right": np.array([2, 1, 2, 5, 4, 5], np.uint32)}
    model = TreeModel(
        feature=np.zeros(6, np.uint32),
        threshold=np.array([-LARGEST, 0, 0, -LARGEST, 0, 0]),
        **shape,
        missing_left=np.array([1, 0, 0, 0, 0, 0], np.uint8),
        value=np.array([0.0, 1, 2, 0, 10, 20]),
        roots=np.array([0, 3], np.uint32),
        head=np.array([0, 1], np.uint32),
        intercept=np.zeros(2),
    )

    assert model.logits(np.array([np.nan])).tolist() == [1.0, 20.0]
    assert model.logits(np.array([-5.0])).tolist() == [2.0, 20.0]


def test_trees_of_which_an_array_is_missing_are_refused(saved):
    """By the name of what is missing."""
    with zipfile.ZipFile(saved) as archive:
        members = {entry: archive.read(entry) for entry in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    for part in ("scorer.1.trees.value.npy",):
        del members[part], manifest["arrays"][part]
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(saved, "w") as archive:
        for entry, blob in members.items():
            archive.writestr(entry, blob)

    with pytest.raises(BundleError, match=r"scorer\.1\.trees\.value is missing"):
        load(saved)
