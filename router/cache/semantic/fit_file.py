"""The file in which a fitted threshold is kept: small JSON that names its embedder and proves that it is whole."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from router.cache.semantic.facts import VERSION as GATES_VERSION
from router.cache.semantic.fitting import Sides, Threshold
from router.embed import PROBES, Imprint
from router.errors import InputError

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A threshold with what it was fitted on: the embedder's ``imprint``, and the SHA-256 of the pairs file.

    ``hash`` is the first 12 digits of the SHA-256 of everything in it.
    """

    threshold: Threshold
    imprint: Imprint
    pairs: str
    hash: str = ""


def dump(fit: Fit) -> str:
    """The fit as JSON."""
    content = _content(fit)
    return json.dumps(content | {"hash": _hash(content)}, indent=2) + "\n"


def load(path: Path) -> Fit:
    """Read a fit.

    Raises:
        InputError: there is none, it is damaged or altered, or the gates are others now.
    """
    again = "run `tierwise cache fit` again"
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"there is no file {path}; make it with `tierwise cache fit --pairs FILE --out {path}`"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); {again}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{path} is no fit of this release; {again}")
    written = found.pop("hash", None)
    if written != _hash(found):
        raise InputError(f"{path} was altered or damaged: its hash does not fit; {again}")
    if found["gates"] != GATES_VERSION:
        raise InputError(f"{path} was fitted with gates that are others now (version {found['gates']}); {again}")
    try:
        return _fit(found, written)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not whole ({type(error).__name__}: {error}); {again}") from None


def _content(fit: Fit) -> dict[str, Any]:
    threshold, probes = fit.threshold, fit.imprint.probes.astype("<f4")
    return {
        "format": FORMAT,
        "gates": GATES_VERSION,
        "threshold": threshold.value,
        "max_wrong": threshold.max_wrong,
        "confidence": threshold.confidence,
        "bound": threshold.sides.bound,
        "counts": asdict(threshold.sides),
        "pairs": fit.pairs,
        "embedder": {
            "name": fit.imprint.name,
            "fingerprint": fit.imprint.fingerprint,
            "dimension": fit.imprint.dimension,
            "probes": base64.b64encode(probes.tobytes()).decode("ascii"),
        },
    }


def _hash(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _fit(found: Mapping[str, Any], written: str) -> Fit:
    embedder, value = found["embedder"], found["threshold"]
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("the threshold is no number")
    probes = np.frombuffer(base64.b64decode(embedder["probes"]), "<f4").reshape(len(PROBES), embedder["dimension"])
    return Fit(
        threshold=Threshold(
            value=float(value),
            max_wrong=found["max_wrong"],
            confidence=found["confidence"],
            sides=Sides(**found["counts"]),
        ),
        imprint=Imprint(embedder["name"], probes.astype(np.float64)),
        pairs=found["pairs"],
        hash=written,
    )
