"""Money: exact prices, in integer nano-dollars, from USD per million tokens at the edges."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from router.types import Usage

NANO = 10**9
"""Nano-dollars in a dollar."""

_PICO_PER_MTOK = 10**6
"""One USD per million tokens is 10**6 pico-dollars a token."""


def usd(nano: int) -> float:
    """Nano-dollars as dollars, for people and JSON."""
    return nano / NANO


def nano(dollars: float | Decimal | str) -> int:
    """Dollars as whole nano-dollars, rounded half up."""
    return int((Decimal(str(dollars)) * NANO).to_integral_value(rounding="ROUND_HALF_UP"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Pico-dollars per token of each kind; whole numbers, so that sums are exact."""

    input: int
    cached_input: int
    cache_write: int
    output: int

    def cost(self, usage: Usage) -> int:
        """Nano-dollars for ``usage``, rounded half up once, at the end."""
        pico = (
            usage.input_tokens * self.input
            + usage.cached_input_tokens * self.cached_input
            + usage.cache_write_tokens * self.cache_write
            + usage.generated_tokens * self.output
        )
        return (pico + 500) // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs.

    ``steps`` are (prompt tokens, rates) pairs in ascending order: the last one whose count the prompt
    *exceeds* prices the whole call, which is how providers bill long prompts. ``batch`` are the rates of the
    provider's batch API, None when it has none.
    """

    rates: Rates
    steps: tuple[tuple[int, Rates], ...] = ()
    batch: Rates | None = None

    def __post_init__(self) -> None:
        places = [above for above, _ in self.steps]
        if places != sorted(set(places)) or any(place < 1 for place in places):
            raise ValueError(f"price steps must rise by prompt tokens, not {places}")

    def cost(self, usage: Usage, *, batch: bool = False) -> int:
        """Nano-dollars for one call. ``batch`` uses the batch API's rates where there are any."""
        if batch and self.batch is not None:
            return self.batch.cost(usage)
        rates = self.rates
        for above, stepped in self.steps:
            if usage.prompt_tokens > above:
                rates = stepped
        return rates.cost(usage)


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


def _pico(price: float | str | Decimal, name: str) -> int:
    try:
        exact = Decimal(str(price)) * _PICO_PER_MTOK
    except InvalidOperation:
        raise ValueError(f"{name} must be USD per million tokens, not {price!r}") from None
    if not exact.is_finite() or exact < 0:
        raise ValueError(f"{name} must be a price of at least 0 USD per million tokens, not {price!r}")
    if exact != exact.to_integral_value():
        raise ValueError(f"{name}={price} is finer than a millionth of a dollar per million tokens")
    return int(exact)


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
    requests. Rounded up to a pico-dollar, so that a busy hour is never under-billed.

    Raises:
        ValueError: a throughput is not positive, ``utilization`` is outside (0, 1], or the cost is negative.
    """
    if not (input_tokens_per_second > 0 and output_tokens_per_second > 0):
        raise ValueError("a self-hosted tier needs positive input and output tokens per second")
    if not 0 < utilization <= 1:
        raise ValueError(f"utilization is a share in (0, 1], not {utilization!r}")
    hourly = Decimal(str(hourly_cost))
    if not hourly.is_finite() or hourly < 0:
        raise ValueError(f"hourly_cost must be at least 0 USD, not {hourly_cost!r}")
    second = hourly / 3600 / Decimal(str(utilization)) * 10**12

    def rate(tokens_per_second: float) -> int:
        return int((second / Decimal(str(tokens_per_second))).to_integral_value(rounding="ROUND_CEILING"))

    read, write = rate(input_tokens_per_second), rate(output_tokens_per_second)
    return Rates(input=read, cached_input=0, cache_write=read, output=write)
