"""What routing cost, for whom, and what it saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from router.analytics import levers as lever
from router.analytics.frame import frame
from router.analytics.levers import CacheUse, LeverSavings
from router.analytics.periods import PERIODS, Period, named, zone_of
from router.analytics.prices import Prices
from router.analytics.row import Row, row_of
from router.analytics.tokens import TokenSpread
from router.attribution import Units
from router.errors import InputError
from router.ledger import Entry, Ledger, distributions, lever_sums, reading, sums
from router.ledger.distributions import Outlier
from router.ledger.lever_sums import Called

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

_UNITS = Units()
_PRICES = Prices()


class Costs:
    """Reads sums from a ledger. Times are seconds since the epoch: from ``since`` until before ``until``.

    SQL does the sums, so that what is in memory does not grow with the ledger, but for :meth:`frame`. ``units`` says
    what a business unit is, ``prices`` what calls would have cost otherwise. Every method raises LedgerError when
    there is no ledger or it cannot be read.
    """

    def __init__(self, ledger: Ledger, *, units: Units = _UNITS, prices: Prices = _PRICES) -> None:
        self.ledger = ledger
        self.units = units
        self.prices = prices

    def total(self, *, since: float | None = None, until: float | None = None) -> Row:
        """Sum over all requests."""
        found = self.ledger.read(lambda connection: sums.total(connection, since, until))
        return row_of(found[0]) if found else Row()

    def span(self, *, since: float | None = None, until: float | None = None) -> tuple[float, float] | None:
        """When the first and the last decision were made; None without any."""
        return self.ledger.read(lambda connection: sums.span(connection, since, until))

    def by(self, key: str, *, since: float | None = None, until: float | None = None, zone: str = "UTC") -> list[Row]:
        """Sum by "tier", "model", "user", "unit" or the name of a tag, the costliest first, or by a period, in order.

        ``tag:NAME`` is a tag whatever its name. Periods are "hour", "day", "week" and "month": see :meth:`series`.

        Raises:
            InputError: the time zone is unknown, or the key is empty.
        """
        if not key:
            raise InputError(f"by takes tier, model, user, unit, {', '.join(PERIODS)} or a tag, not an empty text")
        if key in PERIODS:
            return self._by_period(named(key), since, until, zone)
        found = self.ledger.read(lambda connection: sums.grouped(connection, key, since, until, self.units))
        return sorted(map(row_of, found), key=lambda row: (-row.cost, row.key is None, row.key or ""))

    def series(
        self, every: Period = "day", *, since: float | None = None, until: float | None = None, zone: str = "UTC"
    ) -> list[Row]:
        """Sum by periods of ``zone``, in order; those without requests are left out.

        They are called 2026-11-23T14+00:00, 2026-11-23, 2026-W48 (ISO 8601: from Monday) and 2026-11.

        Raises:
            InputError: the period or the time zone is unknown.
        """
        return self._by_period(named(every), since, until, zone)

    def _by_period(
        self, name: Callable[[datetime], str], since: float | None, until: float | None, zone: str
    ) -> list[Row]:
        place = zone_of(zone)
        periods: dict[str, Row] = {}
        for found in self.ledger.read(lambda connection: sums.by_slot(connection, since, until)):
            period = name(datetime.fromtimestamp(int(found["key"]) * sums.SLOT, tz=place))
            periods[period] = periods.get(period, Row(key=period)) + row_of(found)
        return [row for _, row in sorted(periods.items())]

    def most_expensive(self, n: int = 10, *, since: float | None = None, until: float | None = None) -> list[Entry]:
        """Read the ``n`` requests that cost most, the costliest first."""
        return self.ledger.read(lambda connection: reading.costliest(connection, n, since, until))

    def tokens(
        self, by: str | None = None, *, since: float | None = None, until: float | None = None
    ) -> list[TokenSpread]:
        """How many tokens calls took: quantiles and a histogram of prompts and answers, the most calls first.

        Of all calls together, or ``by`` "tier", "model", "user", "unit" or the name of a tag. Calls whose usage the
        provider did not report are left out.
        """

        def query(connection: Connection) -> list[TokenSpread]:
            read = distributions.tokens(connection, "read", by, self.units, since, until)
            written = distributions.tokens(connection, "written", by, self.units, since, until)
            return [TokenSpread(key=key, read=read[key], written=written[key]) for key in read]

        found = self.ledger.read(query)
        return sorted(found, key=lambda each: (-each.read.count, each.key is None, each.key or ""))

    def outliers(
        self,
        by: str = "feature",
        *,
        z: float = 3.5,
        n: int = 20,
        since: float | None = None,
        until: float | None = None,
    ) -> list[Outlier]:
        """The ``n`` requests that cost most beyond what is usual in their group, the farthest first.

        What is usual is read off the logarithms of costs ``by`` the name of a tag, "user" or "unit": their median and
        their interquartile range, which outliers themselves hardly move. Groups of fewer than 20 requests have none.

        Raises:
            InputError: ``z`` is not above 0.
        """
        if not z > 0:
            raise InputError(f"z is a number of standard deviations above 0, not {z}")
        return self.ledger.read(
            lambda connection: distributions.outliers(connection, by, self.units, since, until, z=z, most=n)
        )

    def cache(self, *, since: float | None = None, until: float | None = None) -> CacheUse:
        """How many requests the cache answered, and what that saved."""

        def query(connection: Connection) -> CacheUse:
            touched = lever_sums.touched(connection, since, until)
            return lever.cache_use(lever_sums.hits(connection, since, until), touched.requests)

        return self.ledger.read(query)

    def levers(self, *, since: float | None = None, until: float | None = None) -> list[LeverSavings]:
        """What each lever that was at work saved; nothing is counted for two of them."""

        def query(connection: Connection) -> list[LeverSavings]:
            steps = sorted(set(self._steps(lever_sums.called(connection, since, until))))
            return lever.reckoned(
                lever_sums.hits(connection, since, until),
                lever_sums.touched(connection, since, until),
                lever_sums.called(connection, since, until, steps=steps),
                lambda each: self.prices.find(each.tier, each.model),
            )

        return self.ledger.read(query)

    def _steps(self, calls: Iterable[Called]) -> Iterable[int]:
        """The prompt lengths beyond which one of these calls' prices changes."""
        for each in calls:
            price = self.prices.find(each.tier, each.model)
            if price is not None:
                yield from (above for above, _ in (*price.steps, *price.batch_steps))

    def frame(self, *, since: float | None = None, until: float | None = None) -> pd.DataFrame:
        """Every decision as a row of a pandas frame, oldest first, money in USD; all of them are in memory.

        Raises:
            ImportError: pandas is not installed.
        """
        return self.ledger.read(lambda connection: frame(connection, since, until))
