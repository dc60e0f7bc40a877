"""The plan in force: read from a configuration, replaced when its bundle is, and fallen back from on alarm."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from router import config as configuration
from router.alarms import Alarm, alarm_path, read_alarm
from router.bundle import PolicyBundle
from router.config import Config
from router.errors import BundleError, EmbedderError
from router.plan import Plan
from router.planning import bundle_path, contested, fallen, plan_of

logger = logging.getLogger(__name__)

Stamp = tuple[int, int, int, int]
"""What tells one file at a path from the next: when it was changed, its size, and which file it is."""


class InForce:
    """Holds the plan that requests use. A request takes it once, when it begins, and finishes with it.

    ``trained`` is the plan of ``config``, ``plan`` the one that requests use, and ``watching`` whether they are to look
    for a new bundle and for alarms. ``bundle``, where it was given in code, stays in force, and there is then
    no file to watch and no alarm. ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        config: Config,
        trained: Plan,
        *,
        clock: Callable[[], float],
        bundle: PolicyBundle | None = None,
    ) -> None:
        self._bundle = bundle
        self._hold(trained, config)
        self.plan = trained
        self._clock = clock
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._reason: str | None = None
        self._alarm: Alarm | None = None
        self._answered: Alarm | None = None
        self._seen = (_stamp(self._path), _stamp(alarm_path(self._path)))
        self._next = clock() + config.policy.watch
        self._warned: Stamp | str | None = ""

    @classmethod
    def read(
        cls, config: Config, *, bundle: PolicyBundle | None = None, clock: Callable[[], float] = time.monotonic
    ) -> InForce:
        """The plan of ``config``, or the safer one where there is an alarm.

        Raises:
            ConfigError, BundleError: as :func:`router.planning.plan_of`.
            EmbedderError: the embedder that the bundle needs cannot be loaded.
        """
        path = bundle_path(config)
        seen = (_stamp(path), _stamp(alarm_path(path)))  # before it is read: what replaces it meanwhile looks new
        made = cls(config, _ready(config, bundle), clock=clock, bundle=bundle)
        made._seen = seen
        made._hear()
        return made

    @property
    def due(self) -> bool:
        """Whether it is time to look again."""
        return self._clock() >= self._next

    def look(self) -> None:
        """Take up the bundle and the alarm if they are others than when last looked at; at most one caller does.

        Never raises: a bundle that cannot be used is warned of once, and tried again at the next look.
        """
        if not (self.watching and self.due and self._looking.acquire(blocking=False)):
            return
        try:
            self._next = self._clock() + self.config.policy.watch
            self._take_up()
        except Exception as error:  # noqa: BLE001
            logger.warning("could not look for a new policy (%s: %s)", type(error).__name__, error)
        finally:
            self._looking.release()

    def reload(self) -> None:
        """Read the configuration, the bundle and the alarm again.

        Raises:
            ConfigError, BundleError, EmbedderError: what is there now cannot be used; the old plan stays.
        """
        with self._looking:
            old = self.config
            config = old if old.source is None else configuration.load(old.source)
            path = bundle_path(config)
            seen = (_stamp(path), _stamp(alarm_path(path)))
            self._install(_ready(config, self._bundle), config)
            self._seen, self._warned = seen, ""
            self._hear()

    def fall_back(self, reason: str) -> None:
        """Put the safer plan in force, until :meth:`recover`."""
        with self._lock:
            self._reason = reason
            self._settle()

    def recover(self) -> None:
        """Put the bundle's own rules in force again; an alarm that is there now is heard no more, a new one is."""
        with self._lock:
            self._reason, self._answered = None, self._alarm
            self._settle()

    def replace(self, plan: Plan) -> None:
        """Put ``plan`` in force in place of the bundle's."""
        self._install(plan, self.config)

    @property
    def _path(self) -> Path:
        return bundle_path(self.config)

    def _take_up(self) -> None:
        bundle, alarm = _stamp(self._path), _stamp(alarm_path(self._path))
        if bundle != self._seen[0]:
            try:
                plan = self._plan_at(bundle)
            except Exception as error:  # noqa: BLE001
                if bundle != self._warned:
                    self._warned = bundle
                    logger.warning("the new policy is not used, and the old one stays: %s", error)
                bundle = self._seen[0]
            else:
                self._install(plan, self.config)
                self._warned = ""
                logger.info("policy %s is in force", plan.policy_version)
        if (bundle, alarm) != self._seen:
            self._seen = (bundle, alarm)
            self._hear()

    def _plan_at(self, stamp: Stamp | None) -> Plan:
        """The plan of the bundle that was put there.

        Raises:
            ConfigError, BundleError, EmbedderError: it cannot be used, or there is none any more, were it allowed at
                first.
        """
        if stamp is None:
            raise BundleError("there is no bundle any more", path=str(self._path))
        return _ready(self.config, None)

    def _hear(self) -> None:
        """Fall back where there is an alarm about this bundle, and end that where there is none any more."""
        heeded = self._bundle is None and self.config.policy.fallback is not None
        alarm = read_alarm(self._path) if heeded else None
        with self._lock:
            if alarm is not None and alarm.concerns(self.trained.policy_version):
                if alarm not in (self._alarm, self._answered):
                    logger.warning("falling back to %s: %s", self.config.policy.fallback, alarm.reason)
                self._alarm = alarm
            else:
                self._alarm = None
            self._settle()

    def _install(self, plan: Plan, config: Config) -> None:
        with self._lock:
            self._hold(plan, config)
            self._settle()

    def _hold(self, plan: Plan, config: Config) -> None:
        self.config, self.trained = config, plan
        self.watching = config.policy.watch > 0 and self._bundle is None

    def _settle(self) -> None:
        """Put in force what follows from all that is known; requests see the one plan or the other, never a mixture."""
        alarm = None if self._alarm == self._answered else self._alarm
        reason = self._reason or (None if alarm is None else alarm.reason)
        self.plan = self.trained if reason is None else fallen(self.trained, self.config, reason)


def _ready(config: Config, bundle: PolicyBundle | None) -> Plan:
    """The plan of ``config`` with its embedders loaded: one that is not the bundle's must not come to serve.

    The cache's takes longer than a request waits for its vector; where it cannot be loaded, each request says so.

    Raises:
        ConfigError, BundleError, EmbedderError: it cannot be used.
    """
    plan = contested(plan_of(config, bundle=bundle), config)
    for arm in (plan, plan.rival):
        if arm is not None and arm.embedder is not None:
            arm.embedder(())
    if plan.cache is not None and plan.cache.semantic is not None:
        with suppress(BundleError, EmbedderError):
            plan.cache.semantic.embedder(())
    return plan


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
