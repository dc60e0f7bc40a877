"""What is wrong in a tierwise.toml is said in one sentence, with file, table and key."""

from datetime import date

import pytest

from router.config import load
from router.errors import ConfigError, UnpricedModel

PRICED = "price = { input = 1, output = 2 }"
OWN = f'name = "own"\nmodel = "mine"\napi = "openai-chat"\n{PRICED}\n'
BOX = "hourly_cost = 2.50\ninput_tokens_per_second = 4000\noutput_tokens_per_second = 900\n"


@pytest.fixture
def read(tmp_path):
    def read(text, *, today=date(2026, 11, 23)):
        path = tmp_path / "tierwise.toml"
        path.write_text(text)
        return load(path, today=today)

    return read


def bad(text, where, sentence):
    return pytest.param(text, where, sentence, id=f"{where} {sentence}"[:60])


T = f"[[tiers]]\n{OWN}"
KEY = "put the key in an environment variable and name that variable with `api_key_env`"
BAD = [
    bad("tiers = [", "", "is not TOML"),
    bad("", "", "has no [[tiers]] and no `preset`; run `tierwise init --preset NAME`"),
    bad("preset = 'gpt'", "`preset`", "is 'gpt'; it may be anthropic, anthropic-4.5"),
    bad(f"preset = 'openai'\n{T}", "`preset`", "is given beside [[tiers]]; keep one of them"),
    bad(f"{T}[ledgr]\n", "`ledgr`", "there is no such key; did you mean `ledger`?"),
    bad(f"tires = 1\n{T}", "`tires`", "there is no such key; did you mean `tiers`?"),
    bad(f"zzz = 1\n{T}", "`zzz`", "there is no such key; it may be preset, tiers, policy, ledger, defaults"),
    bad(f"{T}max_token = 5", "[tiers.own] `max_token`", "there is no such key; did you mean `max_tokens`?"),
    bad(f"{T}{T}", "[tiers]", "two tiers are called 'own'; give each its own name"),
    bad("tiers = 5", "`tiers`", "must be a list, not a whole number 5"),
    bad("tiers = [5]", "`tiers`", "must be a list of tables"),
    bad("[[tiers]]\nmodel = 'gpt-5'", "[tiers[0]] `name`", "is missing"),
    bad("[[tiers]]\nname = ' '", "[tiers[0]] `name`", "is empty"),
    bad("[[tiers]]\nname = 'a'", "[tiers.a] `model`", "is missing"),
    bad("[[tiers]]\nname = 'a'\nmodel = 'gpt-6-lunar'", "[tiers.a] `api`",
        "is missing, and model 'gpt-6-lunar' is not in the catalogue (did you mean `gpt-6-luna`?); add one of"),
    bad(T.replace("openai-chat", "openai_chat"), "[tiers.own] `api`", "is 'openai_chat'; did you mean `openai-chat`?"),
    bad(f"{T}timeout = 0", "[tiers.own] `timeout`", "must be above 0, not 0"),
    bad(f"{T}timeout = nan", "[tiers.own] `timeout`", "must be above 0, not nan"),
    bad(f"{T}timeout = '5'", "[tiers.own] `timeout`", "must be a number, not text '5'"),
    bad(f"{T}retries = -1", "[tiers.own] `retries`", "must be at least 0, not -1"),
    bad(f"{T}retries = 1.5", "[tiers.own] `retries`", "must be a whole number, not a number 1.5"),
    bad(f"{T}retries = true", "[tiers.own] `retries`", "must be a whole number, not true"),
    bad(f"{T}logprobs = 1", "[tiers.own] `logprobs`", "must be true or false, not a whole number 1"),
    bad(f"{T}options = 1", "[tiers.own] `options`", "must be a table, not a whole number 1"),
    bad(f"{T}base_url = 'localhost:8000'", "[tiers.own] `base_url`", "must be a URL that starts with http://"),
    bad(f"{T}base_url = 'http://[x'", "[tiers.own] `base_url`", "must be a URL that starts with http://"),
    bad(f"{T}base_url = 'http://me:pw@host/v1'", "[tiers.own] `base_url`", "holds a user or a password"),
    bad(f"{T}api_key = 'x'", "[tiers.own] `api_key`", f"secrets do not belong in a file; {KEY}"),
    bad(f"{T}api_key_env = 'sk-abcdefghijkl'", "[tiers.own] `api_key_env`",
        f"holds what looks like a key and not a variable's name; {KEY}"),
    bad(f"{T}api_key_env = 'a1B2c3D4e5F6a1B2c3D4e5F6'", "[tiers.own] `api_key_env`", "holds what looks like a key"),
    bad(f"{T}api_key_env = 'MY-KEY'", "[tiers.own] `api_key_env`", "must be the name of an environment variable"),
    bad(f"{T}options = {{ headers = {{ Authorization = 'x' }} }}", "[tiers.own] `options.headers.Authorization`",
        "secrets do not belong in a file"),
    bad(f"{T}options = {{ a = ['sk-abcdefghijkl'] }}", "[tiers.own] `options.a`", "holds what looks like a key"),
    bad(T.replace("output = 2", "outptu = 2"), "[tiers.own.price] `outptu`", "did you mean `output`?"),
    bad(T.replace("output = 2", "output = -2"), "[tiers.own.price] `output`", "must be at least 0, not -2"),
    bad(T.replace("output = 2", "output = '2'"), "[tiers.own.price] `output`", "must be a number, not text '2'"),
    bad(T.replace(", output = 2", ""), "[tiers.own.price]", "a price needs output"),
    bad(T.replace("output = 2", "output = 2, steps = [{ above = 0 }]"), "[tiers.own.price.steps[0]] `above`",
        "must be at least 1, not 0"),
    bad(T.replace("output = 2", "output = 2, steps = [{ over = 9 }]"), "[tiers.own.price.steps[0]] `over`",
        "there is no such key; did you mean `above`?"),
    bad(T.replace("output = 2", "output = 2, steps = [{ above = 9 }, { above = 5 }]"), "[tiers.own.price]",
        "price steps must rise by prompt tokens, not [9, 5]"),
    bad(f"{T}{BOX}", "[tiers.own] `hourly_cost`", "is given beside `price`; keep one of them"),
    bad(T.replace(PRICED, BOX.replace("900", "0")), "[tiers.own] `output_tokens_per_second`", "must be above 0, not 0"),
    bad(T.replace(PRICED, "hourly_cost = 1"), "[tiers.own] `input_tokens_per_second`", "is missing; `hourly_cost`"),
    bad(T.replace(PRICED, "utilization = 1"), "[tiers.own] `utilization`", "needs `hourly_cost` beside it, in USD"),
    bad(T.replace(PRICED, f"{BOX}utilization = 1.5"), "[tiers.own] `utilization`", "must be above 0 and at most 1"),
    bad("[[tiers]]\nname = 'a'\nmodel = 'gpt-4-turbo'", "[tiers.a] `model`",
        "gpt-4-turbo was shut down on 2026-10-23; use gpt-6.1-terra"),
    bad("[[tiers]]\nname = 'a'\nmodel = 'gpt-4o'\nmax_tokens = 20000", "[tiers.a] `max_tokens`",
        "is 20,000; gpt-4o answers with at most 16,384 tokens"),
    bad("[[tiers]]\nname = 'a'\nmodel = 'claude-haiku-5-5'\nlogprobs = true", "[tiers.a] `logprobs`",
        "is true, and claude-haiku-5-5 never returns log-probabilities"),
    bad("[[tiers]]\nname = 'a'\nmodel = 'gpt-6-sol'\nsampling = true", "[tiers.a] `sampling`",
        'only at reasoning effort "none": add options = { reasoning = { effort = "none" } }'),
    bad(f"{T}[policy]\nbundel = 'x'", "[policy] `bundel`", "there is no such key; did you mean `bundle`?"),
    bad(f"{T}[policy]\nuntrained = 'cheap'", "[policy] `untrained`", "is 'cheap'; it may be strong"),
    bad(f"{T}[policy]\nsha256 = 'abc'", "[policy] `sha256`", "must be a SHA-256 as 64 lower-case"),
    bad(f"{T}[ledger]\nkeep = 'txt'", "[ledger] `keep`", "is 'txt'; did you mean `text`?"),
    bad(f"{T}[ledger]\npath = 'a'\nurl = 'sqlite://'", "[ledger] `url`", "is given beside `path`"),
    bad(f"{T}[ledger]\nurl = 'mysql://h/d'", "[ledger] `url`", "must start with sqlite:// or postgresql"),
    bad(f"{T}[ledger]\nurl = 'sqlite://[x'", "[ledger] `url`", "is no URL"),
    bad(f"{T}[ledger]\nurl = 'postgresql+psycopg://u:hunter2@h/d'", "[ledger] `url`",
        "holds a password, and secrets do not belong in a file"),
    bad(f"{T}[ledger]\nrules = [{{ tag = 'a', value = 'b' }}]", "[ledger.rules[0]] `keep`", "is missing"),
    bad(f"{T}[ledger]\nrules = [{{ tga = 'a' }}]", "[ledger.rules[0]] `tga`", "did you mean `tag`?"),
    bad(f"{T}[ledger]\nenabled = 'no'", "[ledger] `enabled`", "must be true or false, not text 'no'"),
    bad(f"{T}[defaults]\ntemperature = 3", "[defaults] `temperature`", "must be at least 0 and at most 2, not 3"),
    bad(f"{T}[defaults]\ndeadline = 0", "[defaults] `deadline`", "must be above 0, not 0"),
    bad(f"{T}[defaults]\nstop = ['']", "[defaults] `stop`", "must be a list of texts, none of them empty"),
    bad(f"{T}[defaults.tags]\na = 1", "[defaults.tags]", "tags are text to text"),
    bad(f"{T}[defaults]\ntags = 'a'", "[defaults] `tags`", "must be a table, not text 'a'"),
]  # fmt: skip


class TestBadInput:
    @pytest.mark.parametrize(("text", "where", "sentence"), BAD)
    def test_one_sentence_with_file_table_and_key(self, read, tmp_path, text, where, sentence):
        """The message begins with the file, then the table and the key, and says what to do."""
        with pytest.raises(ConfigError) as caught:
            read(text)
        message = str(caught.value)
        assert message.startswith(f"{tmp_path / 'tierwise.toml'}: {where}"), message
        assert sentence in message
        assert "\n" not in message

    def test_a_pasted_key_is_not_repeated(self, read):
        """The error may end in a log, so the secret is not in it, wherever it was pasted."""
        for line in ("api_key_env = 'sk-verysecretvalue'", "timeout = 'sk-verysecretvalue'"):
            with pytest.raises(ConfigError) as caught:
                read(f"[[tiers]]\n{OWN}{line}")
            assert "verysecret" not in str(caught.value)

    def test_an_unpriced_model_names_the_tier_and_the_fix(self, read):
        """An unknown price is never taken for zero, at one's own server either."""
        for url in ("http://localhost:8000/v1", "https://models.example/v1"):
            with pytest.raises(UnpricedModel) as caught:
                read(f'[[tiers]]\nname = "own"\nmodel = "mine"\napi = "openai-chat"\nbase_url = "{url}"')
            assert "tier 'own' has no price for model 'mine'; add `price = { input = ..." in str(caught.value)

    def test_llama_4_without_hourly_cost_is_unpriced(self, read):
        """The catalogue knows the model, and not what the machine costs."""
        with pytest.raises(UnpricedModel, match="Llama-4-Scout"):
            read('[[tiers]]\nname = "own"\nmodel = "meta-llama/Llama-4-Scout-17B-16E-Instruct"')

    def test_a_retired_model_is_named_with_its_successor(self, read):
        """From the day of the shutdown on, and not before."""
        text = '[[tiers]]\nname = "a"\nmodel = "claude-sonnet-4-5"'
        assert read(text, today=date(2026, 11, 29)).tiers[0].model == "claude-sonnet-4-5"
        with pytest.raises(ConfigError, match="was shut down on 2026-11-30; use claude-sonnet-5-5"):
            read(text, today=date(2026, 11, 30))
