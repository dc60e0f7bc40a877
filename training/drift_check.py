"""Checking a bundle for drift, against a ledger or against records."""

from __future__ import annotations

from router.bundle import PolicyBundle
from router.errors import InputError
from router.ledger import Ledger
from router.plan import Plan
from router.profiles import DEFAULT_PROFILE
from training.audited import audited, evidence
from training.drift import DELTA, Drift, drift
from training.records import Records
from training.reference import Reference, reference_from
from training.window import window_of_ledger, window_of_records

FACT = "reference"
"""Where a drift reference stands: in the facts of its profile, that of the default profile also in the bundle's."""


def reference_in(bundle: PolicyBundle, *, profile: str = DEFAULT_PROFILE) -> Reference:
    """The drift reference of a bundle's profile.

    Raises:
        InputError: there is no such profile, or it has no reference that this version can read.
    """
    if profile not in bundle.profiles:
        raise InputError(f"profile={profile!r} is not in the bundle; it has {', '.join(sorted(bundle.profiles))}")
    facts = bundle.profiles[profile].facts.get(FACT)
    if facts is None and profile == DEFAULT_PROFILE:
        facts = bundle.facts.get(FACT)
    if facts is None:
        raise InputError(
            f"the bundle {bundle.version[:16]} has no drift reference for the profile {profile!r}; train it anew with "
            "this version"
        )
    return reference_from(facts)


def check_ledger(
    bundle: PolicyBundle,
    ledger: Ledger,
    *,
    profile: str = DEFAULT_PROFILE,
    since: float | None = None,
    until: float | None = None,
    delta: float = DELTA,
) -> Drift:
    """Compare what ``bundle`` decided from ``since`` until before ``until`` with its training.

    Quality is judged by all labels on its answers, whenever they were given.

    Raises:
        InputError: the bundle has no reference for the profile.
        LedgerError: the ledger cannot be read.
    """
    reference = reference_in(bundle, profile=profile)
    window = window_of_ledger(ledger.decisions(since, until), policy=bundle.version, profile=profile)
    quality = None
    if reference.target is not None:
        quality = audited(ledger, policy=bundle.version, target=reference.target, profile=profile)
    return drift(reference, window, quality=quality, delta=delta)


def check_records(
    bundle: PolicyBundle, records: Records, plan: Plan, *, profile: str = DEFAULT_PROFILE, delta: float = DELTA
) -> Drift:
    """Compare what ``bundle`` would do with ``records``, in their order, with its training.

    Raises:
        InputError: the bundle has no reference for the profile.
    """
    reference = reference_in(bundle, profile=profile)
    window = window_of_records(records, plan, bundle.profiles[profile].rule)
    quality = None if reference.target is None else evidence(window.quality, target=reference.target)
    return drift(reference, window, quality=quality, delta=delta)
