"""A tier takes from the catalogue what its table leaves out; its price comes from whoever knows it best."""

import sys
from datetime import UTC, date, datetime

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices.data_snapshot import get_snapshot

from router.config import load, published
from router.config.published import published_price
from router.errors import UnpricedModel
from router.pricing import Price, Rates, per_million, price_of, self_hosted
from router.tiers import Tier
from router.types import Usage

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PRICED = "price = { input = 1, output = 2 }"
BOX = "hourly_cost = 2.50\ninput_tokens_per_second = 4000\noutput_tokens_per_second = 900\n"


@pytest.fixture
def read(tmp_path):
    def read(text, *, today=TODAY):
        path = tmp_path / "tierwise.toml"
        path.write_text(text)
        return load(path, today=today)

    return read


class TestTiers:
    def test_the_catalogue_fills_in_what_a_tier_leaves_out(self, read):
        """A name and a model are enough for a model that the catalogue knows."""
        haiku = read('[[tiers]]\nname = "cheap"\nmodel = "claude-haiku-5-5"').tiers[0]
        assert (haiku.api, haiku.api_key_env, haiku.base_url) == ("anthropic", "ANTHROPIC_API_KEY", None)
        assert (haiku.context, haiku.max_tokens, haiku.logprobs, haiku.sampling) == (1_000_000, 8192, False, False)
        assert haiku.price.steps[0][0] == 100_000

    def test_a_tier_written_in_full(self, read):
        """Every key of a tier arrives where it belongs."""
        found = read("""
            [[tiers]]
            name = "full"
            model = "mine"
            api = "openai-chat"
            base_url = "https://models.example/v1"
            api_key_env = "MY_KEY"
            context = 32_000
            max_tokens = 512
            logprobs = true
            sampling = false
            timeout = 12.5
            retries = 0
            options = { seed = 7, extra = { deep = [1] } }
            [tiers.price]
            input = 1
            output = 4
            cached_input = 0.1
            cache_write = 1.25
            batch_input = 0.5
            batch_output = 2
            batch_cached_input = 0.05
            steps = [{ above = 1000, input = 2, output = 6 }]
        """).tiers[0]
        assert found == Tier(
            name="full",
            model="mine",
            api="openai-chat",
            base_url="https://models.example/v1",
            api_key_env="MY_KEY",
            context=32_000,
            max_tokens=512,
            logprobs=True,
            sampling=False,
            timeout=12.5,
            retries=0,
            options={"seed": 7, "extra": {"deep": [1]}},
            price=Price(
                rates=per_million(input=1, output=4, cached_input="0.1", cache_write="1.25"),
                steps=((1000, per_million(input=2, output=6, cached_input="0.1", cache_write="1.25")),),
                batch=per_million(input="0.5", output=2, cached_input="0.05", cache_write="1.25"),
                batch_steps=((1000, per_million(input="0.5", output=2, cached_input="0.05", cache_write="1.25")),),
            ),
        )

    def test_a_price_in_the_file_goes_before_the_catalogues(self, read):
        """What the user is billed is what the user says."""
        found = read(f'[[tiers]]\nname = "a"\nmodel = "gpt-5"\n{PRICED}').tiers[0]
        assert found.price == Price(rates=per_million(input=1, output=2))

    def test_a_machine_by_the_hour_goes_before_the_catalogue(self, read):
        """hourly_cost with throughputs prices a token; a key of another vendor is not sent along."""
        found = read(
            f'[[tiers]]\nname = "a"\nmodel = "meta-llama/Llama-4-Scout-17B-16E-Instruct"\n{BOX}utilization = 0.5'
        ).tiers[0]
        assert found.price.rates == self_hosted(
            hourly_cost="2.5", input_tokens_per_second=4000, output_tokens_per_second=900, utilization=0.5
        )
        assert (found.base_url, found.api_key_env) == ("http://localhost:8000/v1", None)

    def test_genai_prices_fills_a_blank(self, read):
        """gpt-5.4 is not in the catalogue, and genai-prices knows it."""
        found = read('[[tiers]]\nname = "a"\nmodel = "gpt-5.4"\napi = "openai-responses"').tiers[0]
        assert found.price == published_price("gpt-5.4", api="openai-responses", base_url=None, day=TODAY)

    def test_genai_prices_are_read_from_the_sheet(self):
        """Base and step are kept apart: the price of a million tokens would be the step's."""
        found = published_price("claude-haiku-5-5", api="anthropic", base_url=None, day=TODAY)
        table = {
            "input": "0.1", "cached_input": "0.01", "cache_write": "0.125", "output": "0.5",
            "batch_input": "0.05", "batch_cached_input": "0.005", "batch_cache_write": "0.0625", "batch_output": "0.25",
            "steps": [
                {
                    "above": 100_000, "input": "0.5", "cached_input": "0.05", "cache_write": "0.625", "output": "2.5",
                    "batch_input": "0.25", "batch_cached_input": "0.025", "batch_cache_write": "0.3125",
                    "batch_output": "1.25",
                }
            ],
        }  # fmt: skip
        assert found == price_of(table)

    def test_another_host_has_its_own_price(self):
        """The same weights cost differently at every host, so the host is asked for."""
        scout, at = "meta-llama/llama-4-scout-17b-16e-instruct", "https://api.groq.com/openai/v1"
        found = published_price(scout, api="openai-chat", base_url=at, day=TODAY)
        assert found is not None
        assert found.rates == per_million(input="0.11", output="0.34")
        nowhere = published_price(scout, api="openai-chat", base_url="http://localhost:9/v1", day=TODAY)
        assert nowhere is None

    @pytest.mark.parametrize(
        ("host", "model"),
        [("https://api.perplexity.ai", "sonar"), ("https://api.openai.com", "whisper-1"), (None, "no-such-model")],
    )
    def test_a_price_that_is_not_by_the_token_is_none(self, host, model):
        """A fee by the request or by the minute cannot be left out, so such a model has to be priced by hand."""
        assert published_price(model, api="openai-chat", base_url=host, day=TODAY) is None

    def test_a_sheet_reckoned_in_binary_is_rounded(self):
        """0.08333333333333334 a million is not kept to its last digit."""
        at = "https://openrouter.ai/api/v1"
        found = published_price("google/gemini-3.5-flash", api="openai-chat", base_url=at, day=TODAY)
        assert found is not None
        assert found.rates.cache_write == 83_333

    def test_every_published_price_can_be_read(self):
        """No model of genai-prices makes the configuration fail, and a long call of each costs what they say."""
        for provider in get_snapshot().providers:
            for model in provider.models:
                table = published.table_of(model, NOON)
                if table is not None:
                    theirs = model.calc_price(
                        TheirUsage(input_tokens=300_001, output_tokens=77), provider, genai_request_timestamp=NOON
                    )
                    ours = price_of(table).cost(Usage(input_tokens=300_001, output_tokens=77))
                    assert ours == pytest.approx(float(theirs.total_price * 10**9), abs=1), model.id

    def test_a_vendors_key_is_not_sent_to_another_host(self, read):
        """With a base_url of one's own the key has to be named, and the borrowed price is warned of."""
        found = read('[[tiers]]\nname = "a"\nmodel = "gpt-4.1"\nbase_url = "http://proxy.example/v1"')
        assert found.tiers[0].api_key_env is None
        assert found.warnings(TODAY) == (
            (
                "tier 'a' is priced as the vendor prices gpt-4.1, though it is served by http://proxy.example/v1; "
                "add a `price` if that host charges otherwise"
            ),
        )

    @pytest.mark.parametrize(
        ("api", "options"),
        [
            ("openai-chat", '{ reasoning_effort = "none" }'),
            ("openai-responses", '{ reasoning = { effort = "none" } }'),
        ],
    )
    def test_gpt_6_has_log_probabilities_at_effort_none(self, read, api, options):
        """The capability follows the options, in either wire format."""
        found = read(f'[[tiers]]\nname = "a"\nmodel = "gpt-6-luna"\napi = "{api}"\noptions = {options}').tiers[0]
        assert (found.logprobs, found.sampling) == (True, True)

    def test_gpt_6_has_none_at_its_usual_effort(self, read):
        """Without the option there are no log-probabilities to count on."""
        found = read('[[tiers]]\nname = "a"\nmodel = "gpt-6-luna"').tiers[0]
        assert (found.logprobs, found.sampling) == (False, False)

    def test_tiers_out_of_price_order_are_allowed_and_noted(self, read):
        """The order written is the order taken; a cheaper tier after a dearer one is worth a look."""
        found = read('[[tiers]]\nname = "a"\nmodel = "gpt-6-sol"\n[[tiers]]\nname = "b"\nmodel = "gpt-6-luna"')
        assert found.tiers.names == ("a", "b")
        assert [line[:41] for line in found.warnings(TODAY)] == ["tier 'b' costs less than 'a' before it; t"]

    def test_a_model_that_ends_soon_is_warned_of(self, read):
        """Within 30 days of its end; earlier, nobody is bothered."""
        found = read('[[tiers]]\nname = "a"\nmodel = "gpt-5"')
        assert found.warnings(date(2026, 11, 10)) == ()
        assert found.warnings(date(2026, 11, 11)) == (
            "tier 'a': gpt-5 will be shut down on 2026-12-11, in 30 days; move to gpt-6.1-terra",
        )

    def test_another_host_may_still_serve_a_retired_model(self, read):
        """A shutdown is the vendor's: a base_url of one's own overrules it."""
        text = f'[[tiers]]\nname = "a"\nmodel = "gpt-4-turbo"\nbase_url = "https://old.example/v1"\n{PRICED}'
        assert read(text).tiers[0].model == "gpt-4-turbo"

    def test_genai_prices_is_optional(self, read, monkeypatch):
        """Without it the catalogue still prices its models, and an unknown model is an error that says so."""
        monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)
        assert read('[[tiers]]\nname = "a"\nmodel = "gpt-5"').tiers[0].price.rates == Rates(
            input=1_250_000, cached_input=125_000, cache_write=1_250_000, output=10_000_000
        )
        with pytest.raises(UnpricedModel, match=r"install tierwise\[prices\]"):
            read('[[tiers]]\nname = "a"\nmodel = "gpt-5.4"\napi = "openai-chat"')
