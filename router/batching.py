"""A router's batches: files, and what is submitted one by one. What does the work is imported when there is some."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from router.batch.settings import BatchSettings
from router.decision import Response
from router.errors import ConfigError, InputError
from router.in_force import InForce
from router.shell import Outside, born
from router.types import Request

if TYPE_CHECKING:
    from router.batch.means import Means
    from router.batch.running import Summary
    from router.batch.submitting import Submissions, Ticket


class Batching:
    """What a router does in batches. Nothing begins before it is used."""

    def __init__(self, in_force: InForce, outside: Outside) -> None:
        self._in_force, self._outside = in_force, outside
        self._submissions: Submissions | None = None
        self._lock = threading.Lock()

    def run(self, source: Path, *, out: Path, resume: bool, report: Callable[[str], None]) -> Summary:
        """Answer a file: see :func:`router.batch.running.run_file`."""
        from router.batch.running import run_file

        settings = self._in_force.config.batch or BatchSettings()
        applied = self._in_force.config.defaults.apply
        return run_file(source, self._means(settings), out=out, resume=resume, applied=applied, report=report)

    def submit(self, request: Request) -> Ticket:
        """Have a request answered in a batch.

        Raises:
            ConfigError: there is no [batch], or no place for its journal.
            InputError: the request has a deadline.
        """
        if request.deadline is not None:
            raise InputError('a request with priority "batch" has no deadline; leave one of them out')
        return self._begun().submit(request)

    def at_once(self, answer: Callable[[], Response]) -> Ticket:
        """Have a request answered now, on another thread."""
        return self._made(self._in_force.config.batch or BatchSettings()).at_once(answer)

    def collect(self) -> int:
        """Answer all that was submitted, by an earlier process too; how many requests that were."""
        return self._begun().collect()

    def close(self) -> None:
        """Stop; the journal goes on with what is not answered."""
        if self._submissions is not None:
            self._submissions.close()

    def _begun(self) -> Submissions:
        settings = self._in_force.config.batch
        if settings is None or settings.path is None:
            raise ConfigError(
                'requests with priority "batch" are kept in a journal; add [batch] with path = "batch.db"',
                table="batch",
                key="path",
            )
        return self._made(settings)

    def _made(self, settings: BatchSettings) -> Submissions:
        from router.batch.submitting import Submissions

        with self._lock:
            if self._submissions is None:
                self._submissions = Submissions(self._means(settings), settings.path or Path())
            return self._submissions

    def _means(self, settings: BatchSettings) -> Means:
        from router.batch.means import Means

        outside = self._outside
        if settings.tiers is not None:  # they were built in code, so nobody has looked at them
            settings = replace(settings, tiers=tuple(self._checked(settings)))
        return Means(  # noqa: S604 - no such shell
            settings=settings,
            plan=lambda: self._in_force.plan,
            shell=lambda: outside.shell,
            birth=born,
            reaching=outside.reaching,
            verified=outside.verified,
        )

    def _checked(self, settings: BatchSettings) -> list[str]:
        from router.batch.tiers import is_batched

        tiers = {tier.name: tier for tier in self._in_force.plan.ladder.tiers}
        for name in settings.tiers or ():
            if name not in tiers or not is_batched(tiers[name], settings):
                raise ConfigError(f"{name!r} is no tier with a batch API and a batch price", table="batch", key="tiers")
        return list(settings.tiers or ())
