"""What a bundle is bound to: data, tiers, prices, code and feature schema."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from router.bundle import SCHEMA
from router.pricing import Price, Rates
from router.tiers import Ladder, Tier

PACKAGES = ("tierwise", "numpy", "scikit-learn", "pandas", "pyarrow", "mlflow", "joblib")
"""Those whose versions are written down beside a run."""

_ROOT = Path(__file__).parents[1]
_BOUND = ("name", "api", "model", "context", "max_tokens", "logprobs", "sampling")


def provenance(ladder: Ladder, *, data: str) -> dict[str, Any]:
    """What the bundle's facts bind it to, for JSON.

    ``data`` is the fingerprint of the records. Nothing in it depends on the time or the machine, so that the same
    data, tiers, prices and code give the same bundle.
    """
    tiers = tier_snapshot(ladder)
    return {
        "data": data,
        "tiers": tiers,
        "tiers_hash": digest_of(tiers),
        "prices_hash": digest_of([tier["price"] for tier in tiers]),
        "code": code_version(),
        "feature_schema": SCHEMA,
    }


def code_version() -> dict[str, str | None]:
    """The package's version, a hash of its source, and its commit when it runs from a checkout of its own.

    A commit ending in "+changes" had uncommitted changes in the two packages.
    """
    return {"version": _version("tierwise"), "source": source_hash(), "commit": commit()}


@cache
def source_hash() -> str:
    """Return a hash over every source file of the two packages, 16 hexadecimal digits; read once in a process."""
    digest = hashlib.sha256()
    for package in ("router", "training"):
        for path in sorted((_ROOT / package).rglob("*.py")):
            digest.update(f"{path.relative_to(_ROOT)}\x1f".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def commit() -> str | None:
    """Return the commit of the checkout that this package runs from; None when it does not run from one."""
    tracked = _git("ls-files", "--error-unmatch", "training/provenance.py")
    found = _git("rev-parse", "HEAD") if tracked else None
    if not found:
        return None
    return f"{found}+changes" if _git("status", "--porcelain", "--", "router", "training") else found


def environment() -> dict[str, str]:
    """Python, platform and the versions of what computes, as they are installed."""
    versions = {name: version for name in PACKAGES if (version := _version(name)) is not None}
    return {"python": platform.python_version(), "platform": platform.platform(), **versions}


def tier_snapshot(ladder: Ladder) -> list[dict[str, Any]]:
    """The tiers and their prices for JSON, without addresses, keys or request options."""
    return [{**{name: getattr(tier, name) for name in _BOUND}, "price": asdict(tier.price)} for tier in ladder.tiers]


def ladder_from(snapshot: Sequence[Mapping[str, Any]]) -> Ladder:
    """The ladder of a snapshot: it routes and prices as the one it was taken from, but reaches nobody."""
    return Ladder(
        tuple(Tier(**{**{name: tier[name] for name in _BOUND}, "price": _price(tier["price"])}) for tier in snapshot)
    )


def digest_of(value: Any) -> str:
    """Return a hash of anything that is JSON, 16 hexadecimal digits, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _price(values: Mapping[str, Any]) -> Price:
    batch = values["batch"]
    return Price(
        rates=Rates(**values["rates"]),
        steps=tuple((above, Rates(**rates)) for above, rates in values["steps"]),
        batch=None if batch is None else Rates(**batch),
        batch_steps=tuple((above, Rates(**rates)) for above, rates in values["batch_steps"]),
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(*words: str) -> str | None:
    """What git says in the checkout; None when there is no git, no checkout, or it refuses."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(_ROOT), *words],  # noqa: S607 - whichever git the user has
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
