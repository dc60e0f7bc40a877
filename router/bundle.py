"""The policy bundle: what training hands to the runtime, as one file of numbers.

A zip of ``manifest.json`` and one ``.npy`` a trained array. Nothing in it is code and nothing is unpickled.
The manifest names the SHA-256 of every array, and the bundle's version is the SHA-256 of the manifest: so a
bundle is named by its content. The hashes find damage, and alterations that do not agree with each other; whoever
rewrites the whole bundle, hashes and all, makes another bundle of another version. What refuses that one is a pin
in the configuration (`[policy] sha256`). Whatever its origin, what is loaded was checked by :mod:`router.checks`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router import checks, estimators, features, signals
from router.assess import Estimators
from router.embed import READS, Imprint
from router.errors import BundleError, StaleBundle
from router.estimators import Calibration, DenseModel, EmbeddingModel, TextModel, pack, unpack
from router.lengths import LengthModel, TokenModel
from router.policy import Rule, rule_from
from router.profiles import DEFAULT_PROFILE
from router.trees import Blend, TreeModel

FORMAT = 4
"""The layout of the file; a bundle of another layout is refused."""

LIMIT = 256 * 2**20
"""Bytes that a bundle may unpack to; more is refused before it is read."""

SCHEMA = hashlib.sha256(
    json.dumps(
        {
            "features": [features.VERSION, *features.HAND],
            "signals": [signals.VERSION, *signals.NAMES],
            "keys": [int(estimators.PAIR), int(estimators.TAIL)],
        }
    ).encode()
).hexdigest()[:16]
"""Hash over everything that gives the estimators' inputs their meaning."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold: the same content is the same file

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Profile:
    """A rule for one kind of traffic. ``facts``: what it was tuned for, and what was certified of it."""

    rule: Rule
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyBundle:
    """A trained policy for the tiers ``tiers``, cheapest first.

    ``profiles`` hold a rule each, "default" among them. ``best_single`` is the tier of highest quality on the
    training labels. ``facts`` is what else training wants to tell: data hash, label counts, prices, measured
    quality and cost. ``version`` names the content. ``embedder`` is what embedded the prompts, where the classifier
    reads that.
    """

    tiers: tuple[str, ...]
    models: tuple[str, ...]
    estimators: Estimators
    profiles: Mapping[str, Profile]
    best_single: str
    facts: Mapping[str, Any]
    version: str = ""
    embedder: Imprint | None = None

    @property
    def rule(self) -> Rule:
        """The rule of the default profile."""
        return self.profiles[DEFAULT_PROFILE].rule

    def with_rule(self, rule: Rule, *, facts: Mapping[str, Any] | None = None) -> PolicyBundle:
        """The same bundle under another default rule; its version is not known before it is saved."""
        profiles = {**self.profiles, DEFAULT_PROFILE: Profile(rule, facts or {})}
        return replace(self, profiles=profiles, version="")

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the bundle to ``path``, whole or not at all, and return its version.

        Raises:
            BundleError: it is larger than what :func:`load` takes.
        """
        arrays = self._arrays()
        blobs = {f"{name}.npy": _npy(array) for name, array in sorted(arrays.items())}
        manifest = _canonical(
            {
                "format": FORMAT,
                "schema": SCHEMA,
                "tiers": list(self.tiers),
                "models": list(self.models),
                "states": sorted(self.estimators.scorer),
                "profiles": {
                    name: {"rule": profile.rule.as_dict(), "facts": dict(profile.facts)}
                    for name, profile in self.profiles.items()
                },
                "best_single": self.best_single,
                "facts": dict(self.facts),
                "arrays": {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()},
                **({} if self.embedder is None else {"embedder": {"name": self.embedder.name, "reads": READS}}),
            }
        )
        size = len(manifest) + sum(map(len, blobs.values()))
        if size > LIMIT:
            raise BundleError(
                f"the bundle would unpack to {size / 2**20:,.0f} MiB, and no more than {LIMIT >> 20} are loaded again; "
                "train it with fewer tiers, or on a rung that holds less, such as `--rung answer`",
                path=os.fspath(path),
            )
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, blob in {"manifest.json": manifest, **blobs}.items():
                    archive.writestr(zipfile.ZipInfo(name, _EPOCH), blob, zipfile.ZIP_DEFLATED)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return hashlib.sha256(manifest).hexdigest()

    def _arrays(self) -> dict[str, NDArray[Any]]:
        fitted = self.estimators
        arrays = pack(fitted.prompt, "prompt") | pack(fitted.calibration, "calibration")
        arrays |= pack(fitted.length.prompt, "length.prompt") | pack(fitted.length.answer, "length.answer")
        if self.embedder is not None:
            assert fitted.dense is not None
            arrays |= pack(fitted.dense, "dense") | {"embedder.probes": self.embedder.probes}
        if fitted.trees is not None:
            arrays |= pack(fitted.trees, "prompt_trees")
        for state, (model, calibration) in fitted.scorer.items():
            if isinstance(model, Blend):
                arrays |= pack(model.trees, f"scorer.{state}.trees")
                model = model.linear  # noqa: PLW2901 - packed like one that stands alone
            arrays |= pack(model, f"scorer.{state}.model") | pack(calibration, f"scorer.{state}.calibration")
        return arrays


def load(path: str | os.PathLike[str], *, version: str | None = None) -> PolicyBundle:
    """Read and verify the bundle at ``path``.

    ``version`` pins its content: the SHA-256 that ``save`` returned, or its beginning.

    Raises:
        BundleError: the file is missing, truncated, altered, of another format or feature schema, not the pinned
            one, or holds what cannot route.
    """
    where = os.fspath(path)
    try:
        with zipfile.ZipFile(where) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LIMIT:
                raise BundleError(f"it unpacks to more than {LIMIT >> 20} MiB, which no bundle does", path=where)
            if any(entry.compress_type not in _COMPRESSIONS for entry in archive.infolist()):
                raise BundleError("it is compressed as no bundle is; copy or train it again", path=where)
            blobs = {name: archive.read(name) for name in archive.namelist()}
    except FileNotFoundError:
        raise BundleError("there is no such bundle; train one with `tierwise train fit`", path=where) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise BundleError(f"the bundle is damaged or cut short ({error}); copy or train it again", path=where) from None
    raw = blobs.pop("manifest.json", b"")
    found = hashlib.sha256(raw).hexdigest()
    if version is not None and not found.startswith(version.lower()):
        raise BundleError(f"its version is {found[:16]}, and the configuration pins {version[:16]}", path=where)
    try:
        return _assemble(json.loads(raw), blobs, found, where)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BundleError(f"the bundle is damaged: {said}; copy or train it again", path=where) from None


def _assemble(manifest: Any, blobs: dict[str, bytes], version: str, where: str) -> PolicyBundle:
    if not isinstance(manifest, dict):
        raise ValueError("its manifest is no table")  # noqa: TRY004 - a fault of the file, not of the caller
    if manifest["format"] != FORMAT:
        told = f"its format is {manifest['format']}, and this version reads {FORMAT}; retrain"
        raise StaleBundle(told, path=where, version=version)
    if manifest["schema"] != SCHEMA:
        raise StaleBundle(
            f"it was trained on feature schema {manifest['schema']}, and this version computes {SCHEMA}; retrain it "
            "with this version",
            path=where,
            version=version,
        )
    named = manifest["arrays"]
    wrong = sorted(set(named) ^ set(blobs)) or sorted(
        name for name, blob in blobs.items() if hashlib.sha256(blob).hexdigest() != named[name]
    )
    if wrong:
        raise BundleError(f"{wrong[0]} is not what the manifest says: the bundle was altered or damaged", path=where)
    tiers = checks.texts(manifest["tiers"], "`tiers`")
    models = checks.texts(manifest["models"], "`models`")
    if len(set(tiers)) != len(tiers) or len(models) != len(tiers):
        raise ValueError(f"it names the tiers {', '.join(tiers)} and the models {', '.join(models)}")
    if manifest["best_single"] not in tiers:
        raise ValueError(f"its best single tier {manifest['best_single']!r} is none of {', '.join(tiers)}")
    if not isinstance(manifest["facts"], dict):
        raise ValueError("its facts are no table")  # noqa: TRY004 - likewise
    profiles = {name: Profile(rule_from(found["rule"]), found["facts"]) for name, found in manifest["profiles"].items()}
    if DEFAULT_PROFILE not in profiles:
        raise ValueError(f"it has no profile {DEFAULT_PROFILE!r}")
    for profile in profiles.values():
        checks.rule(profile.rule, tiers=len(tiers))
        if not isinstance(profile.facts, dict):
            raise ValueError("the facts of a profile are no table")  # noqa: TRY004 - likewise
    embedder = checks.embedder(manifest.get("embedder"), reads=READS)
    states = checks.states(manifest["states"], tiers=len(tiers))
    arrays = {name.removesuffix(".npy"): checks.read_array(blob, name) for name, blob in blobs.items()}
    checks.arrays(arrays, tiers=len(tiers), states=states, embedded=embedder is not None)
    scorer = {
        state: (_model(arrays, state), unpack(Calibration, arrays, f"scorer.{state}.calibration")) for state in states
    }
    return PolicyBundle(
        tiers=tiers,
        models=models,
        estimators=Estimators(
            prompt=unpack(TextModel, arrays, "prompt"),
            calibration=unpack(Calibration, arrays, "calibration"),
            scorer=scorer,
            length=LengthModel(
                prompt=unpack(TokenModel, arrays, "length.prompt"), answer=unpack(TokenModel, arrays, "length.answer")
            ),
            dense=None if embedder is None else unpack(EmbeddingModel, arrays, "dense"),
            trees=unpack(TreeModel, arrays, "prompt_trees") if "prompt_trees.roots" in arrays else None,
        ),
        profiles=profiles,
        best_single=manifest["best_single"],
        facts=manifest["facts"],
        version=version,
        embedder=None if embedder is None else Imprint(embedder, arrays["embedder.probes"]),
    )


def _model(arrays: Mapping[str, NDArray[Any]], state: int) -> DenseModel | Blend:
    linear = unpack(DenseModel, arrays, f"scorer.{state}.model")
    if f"scorer.{state}.trees.roots" not in arrays:
        return linear
    return Blend(linear, unpack(TreeModel, arrays, f"scorer.{state}.trees"))


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
