"""Prices are exact; the worked examples are done by hand from the vendors' published price pages."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.catalogue import find
from router.errors import InputError
from router.pricing import Price, Rates, nano, per_million, price_of, self_hosted, usd
from router.tiers import Tier
from router.types import Usage

TODAY = date(2026, 11, 23)
KINDS = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")

counts = st.integers(0, 2_000_000)
usages = st.builds(Usage, **dict.fromkeys(KINDS, counts))
rate = st.integers(0, 100_000_000)
all_rates = st.builds(Rates, input=rate, cached_input=rate, cache_write=rate, output=rate)


def price(model: str) -> Price:
    known = find(model)
    assert known is not None
    found = known.price_on(TODAY)
    assert found is not None
    return found


@st.composite
def rising(draw):
    """A price whose every step costs at least as much as the one before."""
    rates = draw(all_rates)
    steps, at = [], rates
    for above in sorted(draw(st.sets(st.integers(1, 1_000_000), max_size=3))):
        at = Rates(
            input=at.input + draw(rate),
            cached_input=at.cached_input + draw(rate),
            cache_write=at.cache_write + draw(rate),
            output=at.output + draw(rate),
        )
        steps.append((above, at))
    return Price(rates=rates, steps=tuple(steps))


class TestWorkedExamples:
    def test_haiku_below_its_step(self):
        """claude-haiku-5-5: $0.10 in, $0.50 out up to 100,000 prompt tokens."""
        # 99,999 tokens * $0.10 / 10^6 = $0.009 999 9 = 9,999,900 n$
        #  1,000 tokens * $0.50 / 10^6 = $0.000 5     =   500,000 n$
        #                                              10,499,900 n$
        cost = price("claude-haiku-5-5").cost(Usage(input_tokens=99_999, output_tokens=1_000))
        assert cost == 10_499_900

    def test_haiku_at_its_step_is_still_below(self):
        """Only a prompt *longer* than 100,000 tokens is dearer."""
        # 100,000 * $0.10 / 10^6 = $0.010 000 = 10,000,000 n$, and 500,000 n$ of output
        cost = price("claude-haiku-5-5").cost(Usage(input_tokens=100_000, output_tokens=1_000))
        assert cost == 10_500_000

    def test_haiku_above_its_step(self):
        """The whole call is dearer, the first 100,000 tokens and the output included."""
        # 100,001 tokens * $0.50 / 10^6 = $0.050 000 5 = 50,000,500 n$
        #   1,000 tokens * $2.50 / 10^6 = $0.002 5     =  2,500,000 n$
        #                                                52,500,500 n$
        cost = price("claude-haiku-5-5").cost(Usage(input_tokens=100_001, output_tokens=1_000))
        assert cost == 52_500_500

    def test_cached_tokens_count_for_the_step(self):
        """A prompt of 100,001 tokens is long even if 100,000 of them come from the cache."""
        # 100,000 cached * $0.05 / 10^6 = 5,000,000 n$; 1 input * $0.50 / 10^6 = 500 n$
        cost = price("claude-haiku-5-5").cost(Usage(input_tokens=1, cached_input_tokens=100_000))
        assert cost == 5_000_500

    def test_gpt_5_with_most_of_the_prompt_cached(self):
        """gpt-5: $1.25 in, $0.125 cached, $10 out; 8,000 of 10,000 prompt tokens are cached."""
        # 2,000 * $1.25  / 10^6 = $0.002 5 =  2,500,000 n$
        # 8,000 * $0.125 / 10^6 = $0.001   =  1,000,000 n$
        # 1,000 * $10    / 10^6 = $0.010   = 10,000,000 n$   (400 seen, 600 thought: both are output)
        #                                    13,500,000 n$
        usage = Usage(input_tokens=2_000, cached_input_tokens=8_000, output_tokens=400, reasoning_tokens=600)
        assert price("gpt-5").cost(usage) == 13_500_000

    def test_anthropic_cache_write(self):
        """claude-sonnet-5-5: storing a token costs 1.25 times reading it."""
        # 4,000 stored * $2 * 1.25 / 10^6 = $0.010 = 10,000,000 n$
        #   500 read   * $2        / 10^6 = $0.001 =  1,000,000 n$
        #   300 output * $10       / 10^6 = $0.003 =  3,000,000 n$
        #                                            14,000,000 n$
        usage = Usage(input_tokens=500, cache_write_tokens=4_000, output_tokens=300)
        assert price("claude-sonnet-5-5").cost(usage) == 14_000_000

    def test_batch_is_half_price(self):
        """claude-opus-5-5 in the batch API: half of everything."""
        # 10,000 * $2 / 10^6 = $0.020 and 2,000 * $10 / 10^6 = $0.020, against $0.040 + $0.040
        usage = Usage(input_tokens=10_000, output_tokens=2_000)
        assert price("claude-opus-5-5").cost(usage, batch=True) == 40_000_000
        assert price("claude-opus-5-5").cost(usage) == 80_000_000

    def test_batch_with_a_step_and_cached_tokens(self):
        """gpt-6-luna in batch with 272,001 prompt tokens: twice the batch rates for input, 1.5 times for output."""
        #  72,000 input  * $0.10  / 10^6 = $0.007 2      = 7,200,000 n$
        # 200,001 cached * $0.01  / 10^6 = $0.002 000 01 = 2,000,010 n$
        #   2,000 output * $0.375 / 10^6 = $0.000 75     =   750,000 n$
        #                                                  9,950,010 n$
        usage = Usage(input_tokens=72_000, cached_input_tokens=200_001, output_tokens=2_000)
        assert price("gpt-6-luna").cost(usage, batch=True) == 9_950_010
        assert price("gpt-6-luna").cost(usage) == 2 * 9_950_010

    def test_batch_leaves_googles_cached_tokens_at_the_standard_rate(self):
        """gemini-2.5-pro in batch: input and output halve, cached tokens do not."""
        # 1,000 * $0.625 / 10^6 = 625,000 n$; 1,000 cached * $0.125 / 10^6 = 125,000 n$; 100 * $5 / 10^6 = 500,000 n$
        usage = Usage(input_tokens=1_000, cached_input_tokens=1_000, output_tokens=100)
        assert price("gemini-2.5-pro").cost(usage, batch=True) == 1_250_000

    def test_a_vllm_box(self):
        """A machine at $2.50 an hour that reads 4,000 and writes 900 tokens a second."""
        # $2.50 / 3,600 s            = 694,444,444.4 p$ a second
        # 694,444,444.4 / 4,000      =     173,611.1 p$ a token read, up to 173,612  ($0.173 612 a million)
        # 694,444,444.4 /   900      =     771,604.9 p$ a token written, up to 771,605
        # 1,000 * 173,612 + 500 * 771,605 = 173,612,000 + 385,802,500 = 559,414,500 p$ = 559,414.5 n$, up
        box = self_hosted(hourly_cost="2.50", input_tokens_per_second=4_000, output_tokens_per_second=900)
        assert box == Rates(input=173_612, cached_input=0, cache_write=173_612, output=771_605)
        assert box.cost(Usage(input_tokens=1_000, output_tokens=500)) == 559_415

    def test_a_busy_hour_of_a_vllm_box_is_its_hourly_cost(self):
        """An hour of nothing but reading costs the hour, and never less."""
        box = self_hosted(hourly_cost="2.50", input_tokens_per_second=4_000, output_tokens_per_second=900)
        hour = box.cost(Usage(input_tokens=4_000 * 3_600))
        assert nano("2.50") <= hour <= nano("2.5001")

    def test_an_idle_machine_makes_its_tokens_dearer(self):
        """At half utilization a token costs twice as much."""
        # 2 * 173,611.11 = 347,222.2, up to 347,223
        speeds = {"input_tokens_per_second": 4_000, "output_tokens_per_second": 900}
        assert self_hosted(hourly_cost=2.5, utilization=0.5, **speeds).input == 347_223

    def test_worst_case_of_a_call(self):
        """A long prompt that is stored in the cache, and an answer as long as allowed."""
        # 100,001 * $0.625 / 10^6 = 62,500,625 n$ and 4,096 * $2.50 / 10^6 = 10,240,000 n$
        tier = Tier(name="haiku", api="anthropic", model="claude-haiku-5-5", price=price("claude-haiku-5-5"))
        assert tier.worst_case(100_001, 4_096) == 72_740_625

    def test_worst_case_without_a_bound_takes_the_tiers_own(self):
        """max_tokens of the tier bounds the answer when the request sets none."""
        tier = Tier(name="haiku", api="anthropic", model="m", price=price("claude-haiku-5-5"), max_tokens=256)
        assert tier.worst_case(1_000) == tier.worst_case(1_000, 256)


class TestProperties:
    @given(all_rates, usages, usages)
    def test_cost_is_additive(self, rates, one, other):
        """Two calls cost what one call with the sum of their tokens costs, but for rounding each."""
        both = Usage(**{kind: getattr(one, kind) + getattr(other, kind) for kind in KINDS})
        assert abs(rates.cost(both) - rates.cost(one) - rates.cost(other)) <= 1

    @given(rising(), usages, st.sampled_from(KINDS), counts)
    def test_cost_is_monotone_in_every_count(self, price, usage, kind, more):
        """One more token of any kind never makes a call cheaper, across steps too, if rates rise."""
        longer = Usage(**{name: getattr(usage, name) + (more if name == kind else 0) for name in KINDS})
        assert price.cost(longer) >= price.cost(usage)

    @given(rising(), usages)
    def test_cost_is_exact_to_half_a_nano_dollar(self, price, usage):
        """The cost is the exact product rounded once, so it is 0 only below half a nano-dollar."""
        rates = price.rates_for(usage.prompt_tokens)
        exact = (
            Decimal(usage.input_tokens) * rates.input
            + Decimal(usage.cached_input_tokens) * rates.cached_input
            + Decimal(usage.cache_write_tokens) * rates.cache_write
            + Decimal(usage.output_tokens + usage.reasoning_tokens) * rates.output
        ) / 1000
        assert abs(price.cost(usage) - exact) <= Decimal("0.5")
        assert price.cost(usage) >= 0
        assert (price.cost(usage) == 0) == (exact < Decimal("0.5"))

    @given(rising(), usages)
    def test_worst_case_bounds_every_call_of_its_size(self, price, usage):
        """However the prompt is cached or stored, the call costs no more than its worst case."""
        worst = price.worst_case(usage.prompt_tokens, usage.generated_tokens)
        assert price.cost(usage) <= worst

    @given(all_rates, all_rates, st.integers(1, 1_000_000), usages, counts)
    def test_worst_case_bounds_shorter_prompts_when_a_step_lowers_rates(self, rates, step, above, usage, more):
        """A bound taken for a longer prompt holds for a shorter one, even if long prompts are cheaper."""
        price = Price(rates=rates, steps=((above, step),))
        assert price.cost(usage) <= price.worst_case(usage.prompt_tokens + more, usage.generated_tokens)

    @given(st.decimals(0, 1000, places=6), st.decimals(0, 1000, places=6))
    def test_a_price_is_kept_to_the_last_digit(self, dear, cheap):
        """USD per million tokens, to the sixth decimal, survive the way in: a million tokens cost just that."""
        rates = per_million(input=dear, output=cheap)
        assert rates.cost(Usage(input_tokens=1_000_000)) == nano(dear)
        assert rates.cost(Usage(output_tokens=1_000_000)) == nano(cheap)

    @given(st.integers(0, 10**15))
    def test_dollars_and_back(self, amount):
        """Dollars for people turn back into the same nano-dollars."""
        assert nano(usd(amount)) == amount


class TestTables:
    def test_binary_fractions_do_not_leak(self):
        """0.1 in a file means a tenth, not the binary fraction nearest to it."""
        assert per_million(input=0.1, output=0.3) == per_million(input="0.1", output="0.3")

    def test_unpriced_cache_tokens_cost_as_much_as_input(self):
        """Nothing is free because nobody priced it."""
        assert price_of({"input": 3, "output": 15}).rates == Rates(
            input=3_000_000, cached_input=3_000_000, cache_write=3_000_000, output=15_000_000
        )

    def test_a_step_changes_what_it_names(self):
        """Output and cached rates that a step leaves out stay as they were; unpriced cached tokens follow input."""
        table = {"input": 1, "output": 4, "cached_input": "0.1", "steps": [{"above": 200, "input": 2}]}
        assert price_of(table).steps == (
            (200, Rates(input=2_000_000, cached_input=100_000, cache_write=2_000_000, output=4_000_000)),
        )

    def test_a_cached_token_is_never_dearer_than_an_uncached_one_in_batch(self):
        """A cached rate above the halved input rate is brought down to it."""
        batch = price_of({"input": 2, "cached_input": "1.5", "output": 8, "batch_input": 1, "batch_output": 4}).batch
        assert batch is not None
        assert batch.cached_input == 1_000_000

    def test_a_price_without_batch_rates_is_the_same_in_batch(self):
        """A provider without a batch API gives no discount."""
        plain = price_of({"input": 2, "output": 8})
        usage = Usage(input_tokens=10, output_tokens=10)
        assert plain.cost(usage, batch=True) == plain.cost(usage)

    @pytest.mark.parametrize(
        ("table", "sentence"),
        [
            ({"input": 1}, "a price needs output"),
            ({}, "a price needs input and output"),
            ({"input": -1, "output": 1}, "input must be a price of at least 0"),
            ({"input": "much", "output": 1}, "'much' is no amount of USD"),
            ({"input": float("nan"), "output": 1}, "input must be a price of at least 0"),
            ({"input": "0.0000001", "output": 1}, "finer than a millionth of a dollar"),
            ({"input": 1, "output": 1, "batch_input": 1}, "a batch price needs batch_output"),
            ({"input": 1, "output": 1, "steps": [{"input": 2}]}, "a price step needs above"),
            ({"input": 1, "output": 1, "steps": [{"above": 9}, {"above": 5}]}, "price steps must rise"),
            ({"input": 1, "output": 1, "steps": [{"above": 9, "batch_input": 1}]}, "a price step has batch rates"),
        ],
    )
    def test_a_bad_price_says_what_is_wrong(self, table, sentence):
        """Each fault of a price table has its own sentence."""
        with pytest.raises(ValueError, match=sentence):
            price_of(table)

    @pytest.mark.parametrize(
        "change",
        [
            {"hourly_cost": -1},
            {"hourly_cost": "much"},
            {"input_tokens_per_second": 0},
            {"output_tokens_per_second": float("inf")},
            {"utilization": 0},
            {"utilization": 1.5},
        ],
    )
    def test_a_machine_with_impossible_figures_is_refused(self, change):
        """No speed, no cost and no share of an hour is taken for something that it cannot be."""
        machine = {"hourly_cost": 1, "input_tokens_per_second": 10, "output_tokens_per_second": 10}
        with pytest.raises(ValueError):
            self_hosted(**(machine | change))

    def test_negative_rates_cannot_exist(self):
        """A negative rate is refused where it is made."""
        with pytest.raises(ValueError, match="at least 0"):
            Rates(input=-1, cached_input=0, cache_write=0, output=0)

    def test_batch_steps_need_batch_rates(self):
        """Steps of a batch price without a batch price are refused."""
        free = Rates(input=0, cached_input=0, cache_write=0, output=0)
        with pytest.raises(ValueError, match="batch rates"):
            Price(rates=free, batch_steps=((5, free),))


@pytest.mark.parametrize("dollars", [float("nan"), float("inf"), "-Infinity"])
def test_an_amount_that_is_no_number_is_refused_in_one_sentence(dollars):
    with pytest.raises(InputError, match="finite number of dollars"):
        nano(dollars)
