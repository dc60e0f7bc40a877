"""From a configuration to what the router decides and writes with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from router.assess import Trained, Untrained
from router.bundle import PolicyBundle
from router.bundle import load as load_bundle
from router.cache.settings import CacheSettings
from router.config import Config
from router.embed import Embedder
from router.embedders.names import identity
from router.embedders.naming import embedder_named
from router.errors import BundleError, ConfigError, LedgerError
from router.gates import Gates
from router.ledger import Ledger
from router.output.settings import OutputSettings
from router.plan import Plan
from router.policy import Always
from router.profiles import STRONG, Choice
from router.shorten.settings import ShortenSettings

DEFAULT_BUNDLE = Path(__file__).parent / "data" / "default.tierwise"
"""The bundle for the two demo models, trained on the sample in ``data/``."""

FALLEN = "+fallback"
"""Follows the policy version of decisions that were made while a safer policy was in force."""


def plan_of(config: Config, *, bundle: PolicyBundle | None = None) -> Plan:
    """The plan for ``config``: its tiers with the bundle that fits them.

    The default bundle is for the demo's tiers. For others it is passed over, and until one is trained every
    request goes to the strongest tier: nothing is saved, and no answer is worse. With `untrained = "strong"` the same
    holds while there is no file where the bundle is to be.

    Raises:
        BundleError: the bundle that the configuration names is missing, damaged or made for other tiers, or for
            another embedder.
        ConfigError: the configuration names a profile that the bundle lacks.
    """
    settings = config.policy
    if bundle is None:
        default, path = settings.bundle == "default", bundle_path(config)
        if settings.untrained == STRONG and not default and not path.exists():
            return _untrained(config)
        bundle = load_bundle(path, version=settings.sha256)
        if default and misfit(bundle, config) is not None:
            return _untrained(config)
    wrong = _other_tiers(bundle, config)
    if wrong is not None:
        raise BundleError(f"{wrong}; train a bundle for these tiers", path=str(settings.bundle))
    _check_profiles(bundle, config)
    return Plan(
        ladder=config.tiers,
        assessor=Trained(config.tiers, bundle.estimators),
        rule=bundle.rule,
        best_single=bundle.best_single,
        policy_version=bundle.version[:16],
        config_version=config.version,
        profiles={name: profile.rule for name, profile in bundle.profiles.items()},
        choice=settings.choice,
        audits=config.audits if config.audits.enabled else None,
        embedder=embedder_of(bundle, config),
        **levers_of(config),
    )


class Levers(TypedDict):
    """The levers of a plan: see :class:`router.plan.Plan`."""

    cache: CacheSettings | None
    shorten: ShortenSettings | None
    output: OutputSettings | None
    gates: Gates | None


def levers_of(config: Config) -> Levers:
    """The levers that ``config`` switches on."""
    gated = config.budgets is not None or config.limits is not None
    return Levers(
        cache=None if config.cache is None else replace(config.cache, keep=config.ledger.keep),
        shorten=config.shorten,
        output=config.output,
        gates=Gates(budgets=config.budgets, limits=config.limits) if gated else None,
    )


def embedder_of(bundle: PolicyBundle, config: Config) -> Embedder | None:
    """The embedder that the bundle's classifier needs; its model is loaded when it is first used.

    Raises:
        BundleError: the configuration names another one, or none.
    """
    wrong = _other_embedder(bundle, config)
    if wrong is not None:
        raise BundleError(wrong, path=str(config.policy.bundle))
    named = config.policy.embedder
    return None if bundle.embedder is None or named is None else embedder_named(named, imprint=bundle.embedder)


def _untrained(config: Config) -> Plan:
    return Plan(
        ladder=config.tiers,
        assessor=Untrained(config.tiers),
        rule=Always(why="no policy has been trained for these tiers, so the strongest is asked"),
        policy_version="untrained",
        config_version=config.version,
        choice=config.policy.choice,
        **levers_of(config),
    )


def bundle_path(config: Config) -> Path:
    """The file of the bundle that ``config`` names."""
    named = config.policy.bundle
    return DEFAULT_BUNDLE if named == "default" else Path(named)


def fallen(plan: Plan, config: Config, reason: str) -> Plan:
    """The safer plan that ``config`` names to fall back to, because of ``reason``: one rule for every profile.

    Where it names none, the strongest tier is always asked.
    """
    named = config.policy.fallback or STRONG
    rule = Always(why="the strongest tier is asked") if named == STRONG else plan.rule_of(named)
    return replace(
        plan,
        rule=rule,
        profiles=None if plan.profiles is None else dict.fromkeys(plan.profiles, rule),
        policy_version=f"{plan.policy_version}{FALLEN}",
        fallen=reason,
        experiment=None,
        rival=None,
    )


def contested(plan: Plan, config: Config) -> Plan:
    """``plan`` with the rival of the experiment that `[ab]` asks for; as it is without one, or without a bundle.

    Raises:
        ConfigError: the experiment names a profile that the bundle lacks.
        BundleError: the rival's bundle is missing, damaged or made for other tiers, or for another embedder.
    """
    test = config.ab
    if test is None or plan.profiles is None:
        return plan
    if test.path is None:
        rival = plan
    else:
        bundle = load_bundle(test.path)
        wrong = _other_tiers(bundle, config)
        if wrong is not None:
            raise BundleError(f"{wrong}; [ab] `b` needs a bundle for these tiers", path=str(test.path))
        rival = replace(
            plan,
            assessor=Trained(config.tiers, bundle.estimators),
            rule=bundle.rule,
            best_single=bundle.best_single,
            policy_version=bundle.version[:16],
            profiles={name: profile.rule for name, profile in bundle.profiles.items()},
            embedder=embedder_of(bundle, config),
        )
    for key, name, arm in (("a", test.a, plan), ("b", test.b, rival)):
        if name not in (arm.profiles or ()):
            source, has = None if config.source is None else str(config.source), ", ".join(sorted(arm.profiles or ()))
            message = f"names the profile {name!r}, and the bundle has {has}; train it, or name another"
            raise ConfigError(message, file=source, table="ab", key=key)
    return replace(plan, experiment=test, rival=replace(rival, choice=Choice(default=test.b)))


def _check_profiles(bundle: PolicyBundle, config: Config) -> None:
    settings = config.policy
    wanted = [("profile", settings.choice.default), *(("profiles", each.profile) for each in settings.choice.by_tag)]
    if settings.fallback not in (None, STRONG):
        wanted.append(("fallback", settings.fallback))
    tables = [("policy", key, name) for key, name in wanted]
    if config.budgets is not None:
        steps = [step for scope in config.budgets.scopes for step in scope.steps]
        tables += [("budgets", "profile", step.profile) for step in steps if step.profile is not None]
    for table, key, name in tables:
        if name not in bundle.profiles:
            source = None if config.source is None else str(config.source)
            has = ", ".join(sorted(bundle.profiles))
            message = f"names the profile {name!r}, and the bundle has {has}; train it, or name another"
            raise ConfigError(message, file=source, table=table, key=key)


def misfit(bundle: PolicyBundle, config: Config) -> str | None:
    """Why ``bundle`` cannot route for the tiers, or with the embedder, of ``config``; None when it can."""
    return _other_tiers(bundle, config) or _other_embedder(bundle, config)


def _other_embedder(bundle: PolicyBundle, config: Config) -> str | None:
    if bundle.embedder is None:
        return None
    name, named = bundle.embedder.name, config.policy.embedder
    if named is None:
        # It is not taken from the bundle: a name may be a function or a file, and a bundle may come from elsewhere.
        return f"the bundle needs the embedder {name!r}, and the configuration names none; set [policy] `embedder`"
    if identity(named) != name:
        return (
            f"the bundle was trained with the embedder {name!r}, and [policy] `embedder` is {named!r}; name that one, "
            "or train again"
        )
    return None


def _other_tiers(bundle: PolicyBundle, config: Config) -> str | None:
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
