"""From a configuration to what the router decides and writes with."""

from __future__ import annotations

from pathlib import Path

from router.assess import Trained, Untrained
from router.bundle import PolicyBundle
from router.bundle import load as load_bundle
from router.cascade import Plan
from router.config import Config
from router.errors import BundleError, LedgerError
from router.ledger import Ledger
from router.policy import Always

DEFAULT_BUNDLE = Path(__file__).parent / "data" / "default.tierwise"
"""The bundle for the two demo models, trained on the sample in ``data/``."""


def plan_of(config: Config, *, bundle: PolicyBundle | None = None) -> Plan:
    """The plan for ``config``: its tiers with the bundle that fits them.

    The default bundle is for the demo's tiers. For others it is passed over, and until one is trained every
    request goes to the strongest tier: nothing is saved, and no answer is worse.

    Raises:
        BundleError: the bundle that the configuration names is missing, damaged or made for other tiers.
    """
    settings = config.policy
    if bundle is None:
        default = settings.bundle == "default"
        bundle = load_bundle(DEFAULT_BUNDLE if default else settings.bundle, version=settings.sha256)
        if default and misfit(bundle, config) is not None:
            return Plan(
                ladder=config.tiers,
                assessor=Untrained(config.tiers),
                rule=Always(why="no policy has been trained for these tiers, so the strongest is asked"),
                policy_version="untrained",
                config_version=config.version,
            )
    wrong = misfit(bundle, config)
    if wrong is not None:
        raise BundleError(f"{wrong}; train a bundle for these tiers", path=str(settings.bundle))
    return Plan(
        ladder=config.tiers,
        assessor=Trained(config.tiers, bundle.estimators),
        rule=bundle.rule,
        best_single=bundle.best_single,
        policy_version=bundle.version[:16],
        config_version=config.version,
    )


def misfit(bundle: PolicyBundle, config: Config) -> str | None:
    """Why ``bundle`` cannot route for the tiers of ``config``; None when it can."""
    names, models = config.tiers.names, tuple(tier.model for tier in config.tiers.tiers)
    if bundle.tiers != names:
        return f"the bundle is for the tiers {', '.join(bundle.tiers)}, and the configuration has {', '.join(names)}"
    for name, trained, configured in zip(names, bundle.models, models, strict=True):
        if trained != configured:
            return f"the bundle was trained on {trained!r} as tier {name!r}, and the configuration has {configured!r}"
    return None


def ledger_of(config: Config) -> Ledger | None:
    """The ledger that ``config`` asks for, not yet opened; None when it is switched off."""
    settings = config.ledger
    if not settings.enabled:
        return None
    url = settings.url
    if url is None:
        location = settings.location()
        if settings.path is None:  # nobody chose this directory, so nobody made it
            try:
                location.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise LedgerError(f"cannot make the ledger's directory {location.parent}: {error.strerror}") from error
        url = f"sqlite:///{location}"
    return Ledger(url, keep=settings.keep, durability=settings.durability)
