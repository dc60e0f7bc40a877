"""What a router decides with, and the identity of what it decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.abtest.experiment import Experiment
from router.assess import Assessor
from router.audits import Audits
from router.cache.settings import CacheSettings
from router.embed import Embedder
from router.errors import InputError
from router.gates import Gates
from router.output.settings import OutputSettings
from router.policy import Rule
from router.profiles import Choice
from router.shorten.settings import ShortenSettings
from router.tiers import Ladder


@dataclass(frozen=True, slots=True)
class Plan:
    """What a router decides with; replaced as a whole when the configuration is reloaded.

    ``profiles`` are the rules by name; None where there is one ``rule``, for requests of every profile. ``choice`` says
    which profile a request has that does not say so itself. ``audits``: how often a stronger tier is asked after an
    answer was accepted, None for never. ``fallen`` is why a safer rule is in force than the bundle's, None when the
    bundle's is. ``embedder`` embeds the prompts, for a classifier that reads their embeddings. ``cache``, ``shorten``,
    ``output`` and ``gates`` are the levers that the configuration switched on, None each that it did not. While an
    ``experiment`` runs, ``rival`` is the plan of those in its arm *b*.
    """

    ladder: Ladder
    assessor: Assessor
    rule: Rule
    best_single: str | None = None
    policy_version: str = ""
    config_version: str = ""
    profiles: Mapping[str, Rule] | None = None
    choice: Choice = field(default_factory=Choice)
    audits: Audits | None = None
    fallen: str | None = None
    embedder: Embedder | None = None
    cache: CacheSettings | None = None
    shorten: ShortenSettings | None = None
    output: OutputSettings | None = None
    gates: Gates | None = None
    experiment: Experiment | None = None
    rival: Plan | None = None

    def rule_of(self, profile: str) -> Rule:
        """The rule of ``profile``.

        Raises:
            InputError: the bundle has no such profile.
        """
        if self.profiles is None:
            return self.rule
        found = self.profiles.get(profile)
        if found is None:
            raise InputError(f"profile={profile!r} is not in the bundle; it has {', '.join(sorted(self.profiles))}")
        return found


@dataclass(frozen=True, slots=True)
class Birth:
    """The identity of one request: its id, and when it came, in seconds since the epoch."""

    id: str
    created: float
    upgraded_from: str | None = None
