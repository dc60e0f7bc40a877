"""The catalogue agrees with the bundled data of genai-prices, and knows which models are served."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price

from router.catalogue import find, models, preset_names, preset_tiers, preset_toml, status
from router.errors import ConfigError
from router.types import Usage

TODAY = date(2026, 11, 23)
NO_PUBLISHED_PRICE = {
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": "the machine's owner sets it",
    "meta-llama/Llama-4-Maverick-17B-128E-Instruct": "the machine's owner sets it",
    "smollm2-135m-instruct": "nominal",
    "gemma-3-270m": "nominal",
}
VENDORS = {"gpt": "openai", "claude": "anthropic", "gemini": "google"}
DAYS = {"now": TODAY, "next year": date(2027, 1, 2)}
PRICED = sorted({model.name for model in models().values()} - NO_PUBLISHED_PRICE.keys())


def calls(model):
    """Calls around every price step, with and without cached and stored tokens."""
    edges = sorted({1_000, *(above for above, _ in model.price.steps)})
    for prompt in (count for edge in edges for count in (edge, edge + 1)):
        for cached, stored in ((0, 0), (prompt // 2, 0), (0, prompt // 3), (prompt // 4, prompt // 5)):
            yield Usage(
                input_tokens=prompt - cached - stored,
                cached_input_tokens=cached,
                cache_write_tokens=stored,
                output_tokens=777,
            )


@pytest.mark.parametrize("processing", ["standard", "batch"])
@pytest.mark.parametrize("when", DAYS)
@pytest.mark.parametrize("name", PRICED)
def test_every_price_agrees_with_genai_prices(name, when, processing):
    """Base, cached, cache-write, stepped and batch rates give the same sum, to the nano-dollar, now and later."""
    model, batch = find(name), processing == "batch"
    ours = model.price_on(DAYS[when])
    noon = datetime.combine(DAYS[when], datetime.min.time(), tzinfo=UTC).replace(hour=12)
    for call in calls(model):
        theirs = calc_price(
            TheirUsage(
                input_tokens=call.prompt_tokens,
                cache_read_tokens=call.cached_input_tokens,
                cache_write_tokens=call.cache_write_tokens,
                output_tokens=call.output_tokens,
            ),
            model_ref=name,
            provider_id=VENDORS[name.partition("-")[0]],
            genai_request_timestamp=noon,
            price_context={"processing": "batch"} if batch else None,
        ).total_price
        exact = (theirs * 10**9).to_integral_value(rounding="ROUND_HALF_UP")
        assert Decimal(ours.cost(call, batch=batch)) == exact, call


def test_no_price_is_left_uncompared():
    """Every model with a vendor's price is compared; the others are known by name."""
    assert len(PRICED) + len(NO_PUBLISHED_PRICE) == len({model.name for model in models().values()})
    assert all(find(name).price is not None for name in PRICED)


def test_a_machine_of_ones_own_has_no_price_in_the_catalogue():
    """Llama 4 costs what the machine costs, which nobody but its owner knows."""
    for name, reason in NO_PUBLISHED_PRICE.items():
        assert (find(name).price is None) == (reason != "nominal")


def test_every_model_says_where_its_figures_are_from():
    """No figure without a source, and none that could not be so: an answer fits into the window."""
    for model in models().values():
        assert model.source
        assert 0 < model.max_output <= model.context


def test_a_dated_id_is_the_same_model():
    """Vendors answer to a dated id too, at the same price."""
    assert find("gpt-5-2025-08-07") is find("gpt-5")
    assert find("claude-sonnet-4-5-20250929") is find("claude-sonnet-4-5")


def test_an_unknown_model_is_not_guessed_at():
    """A model that merely looks like one of the catalogue's is not in it."""
    assert find("gpt-5-turbo-max") is None
    assert status("gpt-5-turbo-max", TODAY).state == "unknown"


@pytest.mark.parametrize("name", sorted({model.name for model in models().values() if model.shutdown}))
def test_every_model_that_ends_has_a_successor_that_does_not(name):
    """What the catalogue advises to move to is served, at least today."""
    successor = find(find(name).successor)
    assert status(successor.name, TODAY).state == "current"


@pytest.mark.parametrize(
    ("model", "day", "state", "days"),
    [
        ("claude-haiku-5-5", TODAY, "current", None),
        ("claude-sonnet-4-5", TODAY, "deprecated", 7),
        ("claude-sonnet-4-5", date(2026, 11, 30), "retired", 0),
        ("gpt-5", TODAY, "deprecated", 18),
        ("gpt-5-mini-2025-08-07", date(2026, 12, 11), "retired", 0),
        ("gpt-4o", TODAY, "deprecated", 52),
        ("gpt-4.1", date(2027, 1, 13), "deprecated", 1),
        ("gpt-4-turbo", TODAY, "retired", -31),
        ("gemini-2.5-pro", TODAY, "deprecated", 8),
    ],
)
def test_status(model, day, state, days):
    """A model is served until the day of its shutdown, and not on it."""
    found = status(model, day)
    assert (found.state, found.days) == (state, days)


def test_the_status_says_what_to_do():
    """One sentence with the date and the successor."""
    assert status("gpt-4-turbo", TODAY).sentence() == "gpt-4-turbo was shut down on 2026-10-23; use gpt-6.1-terra"
    assert status("gpt-5", TODAY).sentence() == (
        "gpt-5 will be shut down on 2026-12-11, in 18 days; move to gpt-6.1-terra"
    )
    assert status("gpt-6-sol", TODAY).sentence() == "gpt-6-sol is current"
    assert status("mine", TODAY).sentence() == "mine is not in the catalogue"


def test_a_price_that_is_announced_to_change_changes_on_its_day():
    """gemini-3.8-flash costs $0.75 a million until 2026-12-31 and $1.50 from 2027-01-01."""
    flash = find("gemini-3.8-flash")
    assert flash.price_on(date(2026, 12, 31)).rates.input == 750_000
    assert flash.price_on(date(2027, 1, 1)).rates.input == 1_500_000


def test_capabilities_are_what_the_vendors_say():
    """Claude has neither log-probabilities nor sampling; GPT-6 at effort "none" only; GPT-4.1 always."""
    seen = {name: (find(name).logprobs, find(name).sampling) for name in PRICED}
    assert {seen[name] for name in PRICED if name.startswith("claude")} == {("no", "no")}
    assert seen["gpt-6-luna"] == seen["gpt-6-sol"] == seen["gpt-6.1-terra"] == ("effort-none", "effort-none")
    assert seen["gpt-6-astra"] == seen["gpt-6.1-sol"] == seen["gpt-5"] == ("no", "no")
    assert seen["gpt-4.1"] == ("yes", "yes")


def test_presets_go_from_cheap_to_strong():
    """Within a preset, a typical call never gets cheaper from one tier to the next."""
    for name in preset_names():
        priced = [find(tier["model"]) for tier in preset_tiers(name)]
        costs = [
            model.price_on(TODAY).cost(Usage(input_tokens=1000, output_tokens=250))
            for model in priced
            if model is not None and model.price is not None
        ]
        assert costs == sorted(costs), name


def test_the_presets_that_people_ask_for_are_there():
    """Today's and yesterday's families, one's own machines, and the demo."""
    assert {
        "openai", "openai-gpt5", "anthropic", "anthropic-4.5", "gemini", "gemini-2.5", "llama4-self-hosted",
        "hybrid", "local", "ollama", "llama-cpp",
    } == set(preset_names())  # fmt: skip


def test_no_preset_asks_for_a_model_that_is_gone():
    """A preset is a place to start, so on the day of the release every model in it is served."""
    for name in preset_names():
        assert all(status(tier["model"], TODAY).state != "retired" for tier in preset_tiers(name)), name


def test_a_preset_is_commented():
    """The file begins by saying what it is and which key it needs."""
    for name in preset_names():
        text = preset_toml(name)
        assert text.startswith("# ")
        assert "eed" in text.split("[[tiers]]")[0]


def test_an_unknown_preset_names_the_presets():
    """The error lists what there is."""
    with pytest.raises(ConfigError, match="there is no preset 'gpt'; the presets are anthropic, "):
        preset_toml("gpt")
