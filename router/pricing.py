"""Money: exact prices, in integer nano-dollars, from USD per million tokens at the edges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router.errors import InputError
from router.types import Usage

if TYPE_CHECKING:
    from decimal import Decimal  # imported where a price is read: routing adds and multiplies whole numbers

NANO = 10**9
"""Nano-dollars in a dollar."""

RATE_KEYS = ("input", "output", "cached_input", "cache_write")
BATCH_KEYS = tuple(f"batch_{key}" for key in RATE_KEYS)
STEP_KEYS = ("above", *RATE_KEYS, *BATCH_KEYS)
PRICE_KEYS = (*RATE_KEYS, *BATCH_KEYS, "steps")
"""The keys of a price table, of one of its steps, and of the rates in them: see :func:`price_of`."""

_PICO_PER_MTOK = 10**6
"""One USD per million tokens is 10**6 pico-dollars a token."""


def usd(nano: int) -> float:
    """Nano-dollars as dollars, for people and JSON."""
    return nano / NANO


def nano(dollars: float | Decimal | str) -> int:
    """Dollars as whole nano-dollars, rounded half up.

    Raises:
        InputError: they are not a finite number.
    """
    exact = _exact(dollars)
    if not exact.is_finite():
        raise InputError(f"an amount of money is a finite number of dollars, not {dollars}")
    return int((exact * NANO).to_integral_value(rounding="ROUND_HALF_UP"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Pico-dollars per token of each kind; whole numbers, so that sums are exact."""

    input: int
    cached_input: int
    cache_write: int
    output: int

    def __post_init__(self) -> None:
        if min(self.input, self.cached_input, self.cache_write, self.output) < 0:
            raise ValueError(f"a rate is at least 0 pico-dollars a token: {self}")

    def cost(self, usage: Usage) -> int:
        """Nano-dollars for ``usage``, rounded half up once, at the end."""
        pico = (
            usage.input_tokens * self.input
            + usage.cached_input_tokens * self.cached_input
            + usage.cache_write_tokens * self.cache_write
            + usage.generated_tokens * self.output
        )
        return (pico + 500) // 1000

    def ceiling(self, prompt_tokens: int, generated_tokens: int) -> int:
        """Return the most nano-dollars that so many tokens can cost, whichever of them were cached or stored."""
        prompt = max(self.input, self.cached_input, self.cache_write)
        return (prompt_tokens * prompt + generated_tokens * self.output + 500) // 1000


Steps = tuple[tuple[int, Rates], ...]
"""(prompt tokens, rates) pairs in ascending order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs.

    ``steps``: the last one whose count the prompt *exceeds* prices the whole call, output included, which is
    how providers bill long prompts. ``batch`` are the rates of the provider's batch API, None when it has
    none, and ``batch_steps`` its steps.
    """

    rates: Rates
    steps: Steps = ()
    batch: Rates | None = None
    batch_steps: Steps = ()

    def __post_init__(self) -> None:
        for steps in (self.steps, self.batch_steps):
            places = [above for above, _ in steps]
            if places != sorted(set(places)) or any(place < 1 for place in places):
                raise ValueError(f"price steps must rise by prompt tokens, not {places}")
        if self.batch_steps and self.batch is None:
            raise ValueError("a price with batch steps needs batch rates")

    def rates_for(self, prompt_tokens: int, *, batch: bool = False) -> Rates:
        """Return the rates of a call with ``prompt_tokens``; without batch rates, the standard ones."""
        rates, steps = self.rates, self.steps
        if batch and self.batch is not None:
            rates, steps = self.batch, self.batch_steps
        for above, stepped in steps:
            if prompt_tokens > above:
                rates = stepped
        return rates

    def cost(self, usage: Usage, *, batch: bool = False) -> int:
        """Nano-dollars for one call. ``batch`` uses the batch API's rates where there are any."""
        return self.rates_for(usage.prompt_tokens, batch=batch).cost(usage)

    def worst_case(self, prompt_tokens: int, max_tokens: int) -> int:
        """Return the most nano-dollars that a call of at most these sizes can cost at the standard rates.

        Every prompt token may turn out to be cached, stored or neither, and a shorter prompt may stay below a
        step that lowers a rate; the bound holds for all of them.
        """
        reachable = [self.rates, *(rates for above, rates in self.steps if prompt_tokens > above)]
        return max(rates.ceiling(prompt_tokens, max_tokens) for rates in reachable)


def per_million(
    *,
    input: float | str | Decimal,
    output: float | str | Decimal,
    cached_input: float | str | Decimal | None = None,
    cache_write: float | str | Decimal | None = None,
) -> Rates:
    """Rates from USD per million tokens; cached and cache-write tokens cost as much as input unless priced.

    Raises:
        ValueError: a price is negative, not a number, or finer than 10**-6 USD per million tokens.
    """
    plain = _pico(input, "input")
    return Rates(
        input=plain,
        output=_pico(output, "output"),
        cached_input=plain if cached_input is None else _pico(cached_input, "cached_input"),
        cache_write=plain if cache_write is None else _pico(cache_write, "cache_write"),
    )


def price_of(table: Mapping[str, Any]) -> Price:
    """Read a price from a table in USD per million tokens: ``PRICE_KEYS``, each of ``steps`` with ``STEP_KEYS``.

    ``input`` and ``output`` are required. Cached and cache-write tokens cost as much as input unless priced.
    A step changes the rates that it names; cached and cache-write tokens that neither it nor the price names
    follow its input. Batch rates need ``batch_input`` and ``batch_output``; what is not named there costs
    its standard rate, though a cached token never more than an uncached one.

    Raises:
        ValueError: a required rate is missing, or a rate or a step is not valid.
    """
    _require(table, ("input", "output"), "a price")
    base = {key: table[key] for key in RATE_KEYS if key in table}
    batch = _batch(table, base) if any(key in table for key in BATCH_KEYS) else None
    steps: list[tuple[int, Rates]] = []
    batch_steps: list[tuple[int, Rates]] = []
    for step in table.get("steps", ()):
        _require(step, ("above",), "a price step")
        stepped = base | {key: step[key] for key in RATE_KEYS if key in step}
        steps.append((step["above"], per_million(**stepped)))
        if batch is not None:
            named = {key: table[key] for key in BATCH_KEYS if key in table}
            named |= {key: step[key] for key in BATCH_KEYS if key in step}
            batch_steps.append((step["above"], _batch(named, stepped)))
        elif any(key in step for key in BATCH_KEYS):
            raise ValueError("a price step has batch rates, and the price itself has no batch_input and batch_output")
    return Price(rates=per_million(**base), steps=tuple(steps), batch=batch, batch_steps=tuple(batch_steps))


def _batch(table: Mapping[str, Any], standard: Mapping[str, Any]) -> Rates:
    """Batch rates from ``table``, what it does not name from ``standard``."""
    _require(table, ("batch_input", "batch_output"), "a batch price")
    rates = {key: table[f"batch_{key}"] for key in RATE_KEYS if f"batch_{key}" in table}
    if "cached_input" not in rates and "cached_input" in standard:
        rates["cached_input"] = min(standard["cached_input"], rates["input"], key=_exact)
    if "cache_write" not in rates and "cache_write" in standard:
        rates["cache_write"] = standard["cache_write"]
    return per_million(**rates)


def _require(table: Mapping[str, Any], keys: tuple[str, ...], what: str) -> None:
    missing = [key for key in keys if key not in table]
    if missing:
        raise ValueError(f"{what} needs {' and '.join(missing)}")


def _pico(price: float | str | Decimal, name: str) -> int:
    exact = _exact(price) * _PICO_PER_MTOK
    if not exact.is_finite() or exact < 0:
        raise ValueError(f"{name} must be a price of at least 0 USD per million tokens, not {price!r}")
    if exact != exact.to_integral_value():
        raise ValueError(f"{name}={price} is finer than a millionth of a dollar per million tokens")
    return int(exact)


def _exact(number: float | str | Decimal) -> Decimal:
    """Return the decimal that was written: 0.1 and not the binary fraction nearest to it."""
    from decimal import Decimal, InvalidOperation

    try:
        return Decimal(str(number))
    except InvalidOperation:
        raise ValueError(f"{number!r} is no amount of USD") from None


def self_hosted(
    *,
    hourly_cost: float | str | Decimal,
    input_tokens_per_second: float,
    output_tokens_per_second: float,
    utilization: float = 1.0,
) -> Rates:
    """Rates of a machine paid by the hour.

    A token costs the share of the hour that it occupies: ``hourly_cost / 3600 / tokens_per_second``, more
    when the machine is idle part of the time. Throughputs are the server's totals over all its concurrent
    requests. Rounded up to a pico-dollar, so that a busy hour is never under-billed. A cached prompt token
    occupies no time worth billing.

    Raises:
        ValueError: a throughput is not positive, ``utilization`` is outside (0, 1], or the cost is negative.
    """
    speeds = (input_tokens_per_second, output_tokens_per_second)
    if not all(speed > 0 and math.isfinite(speed) for speed in speeds):
        raise ValueError("a self-hosted tier needs positive input and output tokens per second")
    if not 0 < utilization <= 1:
        raise ValueError(f"utilization is a share in (0, 1], not {utilization!r}")
    hourly = _exact(hourly_cost)
    if not hourly.is_finite() or hourly < 0:
        raise ValueError(f"hourly_cost must be at least 0 USD, not {hourly_cost!r}")
    second = hourly * 10**12 / (3600 * _exact(utilization))

    def rate(tokens_per_second: float) -> int:
        return int((second / _exact(tokens_per_second)).to_integral_value(rounding="ROUND_CEILING"))

    read, write = rate(input_tokens_per_second), rate(output_tokens_per_second)
    return Rates(input=read, cached_input=0, cache_write=read, output=write)
