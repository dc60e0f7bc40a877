"""tierwise.toml is read strictly: what is wrong is said in one sentence with file, table and key."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from router import config as configuration
from router.catalogue import preset_names, preset_toml
from router.config import Config, Defaults, LedgerSettings, PolicySettings, load
from router.errors import ConfigError
from router.ledger import Keep, KeepRule
from router.pricing import Price, per_million
from router.tiers import Tier
from router.types import Message, Request

TODAY = date(2026, 11, 23)
PRICED = "price = { input = 1, output = 2 }"
OWN = f'name = "own"\nmodel = "mine"\napi = "openai-chat"\n{PRICED}\n'


@pytest.fixture
def read(tmp_path):
    def read(text, *, today=TODAY):
        path = tmp_path / "tierwise.toml"
        path.write_text(text)
        return load(path, today=today)

    return read


def tier(**changes):
    kept = {"name": "own", "api": "fake", "model": "mine", "price": Price(rates=per_million(input=1, output=2))}
    return Tier(**(kept | changes))


def request(**changes):
    return Request(**({"messages": (Message(role="user", content="Hello"),)} | changes))


class TestTables:
    def test_everything_but_tiers_is_optional(self, read):
        """A file of tiers alone gives the defaults of every other table."""
        found = read(f"[[tiers]]\n{OWN}")
        assert found.policy == PolicySettings(bundle="default", sha256=None, untrained=None)
        assert found.ledger == LedgerSettings(keep=Keep(default="text"), durability="process", enabled=True)
        assert found.defaults == Defaults()

    def test_paths_start_from_the_file(self, read, tmp_path):
        """A bundle and a ledger are found from where the configuration lies, not from where it is read."""
        found = read(f'[policy]\nbundle = "b/mine"\n[ledger]\npath = "l.db"\n[[tiers]]\n{OWN}')
        assert found.policy.bundle == tmp_path / "b" / "mine"
        assert found.ledger.location() == tmp_path / "l.db"

    def test_the_ledger_lies_with_the_users_data(self, read, monkeypatch, tmp_path):
        """Without a path or url, in the user's data directory."""
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        found = read(f"[[tiers]]\n{OWN}").ledger.location()
        assert found.name == "ledger.db"
        assert found.parent.name == "tierwise"

    def test_ledger_rules(self, read):
        """The first rule that matches a request's tags overrules `keep`."""
        found = read(f"""
            [ledger]
            url = "postgresql+psycopg://ledger@db.example/tierwise"
            keep = "hash"
            durability = "power"
            enabled = false
            rules = [
                {{ tag = "feature", value = "search", keep = "text" }},
                {{ tag = "team", value = "law", keep = "hash" }},
            ]
            [[tiers]]
            {OWN}""").ledger
        assert found.keep.rules[1] == KeepRule(tag="team", value="law", keep="hash")
        assert (found.durability, found.enabled) == ("power", False)
        assert found.keep.kept({"feature": "search", "team": "law"}) == "text"
        assert found.keep.kept({"feature": "mail"}) == "hash"

    def test_defaults_fill_in_a_request(self, read):
        """What the request says stands; what it leaves open comes from the file."""
        found = read(f"""
            [defaults]
            max_tokens = 64
            deadline = 30
            temperature = 0
            stop = "END"
            [defaults.tags]
            feature = "search"
            team = "law"
            [[tiers]]
            {OWN}""").defaults
        filled = found.apply(request(max_tokens=8, tags={"team": "press"}))
        assert filled == request(
            max_tokens=8, deadline=30, temperature=0, stop=("END",), tags={"feature": "search", "team": "press"}
        )

    def test_no_defaults_leave_a_request_as_it_is(self):
        """Nothing to fill in, nothing copied."""
        asked = request()
        assert Defaults().apply(asked) is asked

    @pytest.mark.parametrize("name", preset_names())
    def test_a_preset_by_name_is_its_file(self, read, name):
        """`preset = NAME` and the file of `tierwise init --preset NAME` configure the same router."""
        assert read(f'preset = "{name}"').version == read(preset_toml(name)).version


class TestVersion:
    def test_the_version_is_twelve_hexadecimal_digits(self, read):
        """Short enough to read out, and the same for the same content."""
        found = read(f"[[tiers]]\n{OWN}").version
        assert len(found) == 12
        assert int(found, 16) >= 0
        assert found == read(f"# moved\n[[tiers]]\n{OWN}[ledger]\npath = 'elsewhere.db'").version

    @pytest.mark.parametrize(
        "change",
        [
            "[defaults]\nmax_tokens = 9",
            "[ledger]\nkeep = 'hash'",
            f"[policy]\nsha256 = '{'0' * 64}'",
            f'[[tiers]]\nname = "b"\nmodel = "mine"\napi = "fake"\n{PRICED}',
        ],
    )
    def test_the_version_changes_with_what_matters(self, read, change):
        """What routes, prices or records otherwise is another version."""
        assert read(f"[[tiers]]\n{OWN}{change}").version != read(f"[[tiers]]\n{OWN}").version

    def test_code_and_file_agree(self, read):
        """A configuration built in code has the version of the file that says the same."""
        built = Config.of([tier(api="openai-chat", api_key_env="OPENAI_API_KEY")], defaults={"max_tokens": 9})
        assert built.version == read(f"[[tiers]]\n{OWN}[defaults]\nmax_tokens = 9").version


class TestInCode:
    def test_tables_may_be_settings_or_keys(self):
        """Settings are taken as they are, keys are checked as in a file."""
        built = Config.of([tier()], policy=PolicySettings(sha256="a"), ledger={"enabled": False})
        assert built.policy.sha256 == "a"
        assert not built.ledger.enabled
        assert built.source is None

    def test_keys_are_checked_as_in_a_file(self):
        """A typing error in code is found too."""
        with pytest.raises(ConfigError, match=r"^\[ledger\] `kept`: there is no such key; did you mean `keep`\?$"):
            Config.of([tier()], ledger={"kept": "hash"})

    def test_no_tiers(self):
        """A router without tiers cannot answer."""
        with pytest.raises(ConfigError, match=r"^\[tiers\] there are no tiers; give at least one$"):
            Config.of([])

    @pytest.mark.parametrize("change", [{"name": ""}, {"api": "smoke"}, {"context": 0}, {"timeout": 0}])
    def test_a_tier_that_cannot_be(self, change):
        """An impossible tier is refused where it is made."""
        with pytest.raises(ValueError):
            tier(**change)


class TestFinding:
    @pytest.fixture(autouse=True)
    def _elsewhere(self, monkeypatch, tmp_path):
        monkeypatch.delenv("TIERWISE_CONFIG", raising=False)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "users"))
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)

    def test_the_variable_then_here_then_the_users(self, monkeypatch, tmp_path):
        """$TIERWISE_CONFIG goes before ./tierwise.toml, and that before the user's own."""
        users, here, named = configuration.user_file(), Path("tierwise.toml"), tmp_path / "named.toml"
        for path, name in ((users, "users"), (here, "here"), (named, "named")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"[[tiers]]\n{OWN.replace('own', name)}")
        monkeypatch.setenv("TIERWISE_CONFIG", str(named))
        assert (load().tiers.names, load().source) == (("named",), named)
        monkeypatch.delenv("TIERWISE_CONFIG")
        assert load().tiers.names == ("here",)
        here.unlink()
        assert load().tiers.names == ("users",)

    def test_none_found_says_how_to_start(self):
        """The sentence names the places looked at, the command and the presets."""
        with pytest.raises(ConfigError) as caught:
            load()
        assert str(caught.value).startswith("there is no $TIERWISE_CONFIG, no ./tierwise.toml and no ")
        assert "run `tierwise init --preset NAME`, with NAME one of anthropic, anthropic-4.5, " in str(caught.value)

    def test_a_named_file_that_is_not_there(self, monkeypatch):
        """A wrong path is said to be one, not silently passed over."""
        monkeypatch.setenv("TIERWISE_CONFIG", "no/such.toml")
        with pytest.raises(ConfigError, match=r"^there is no file no/such.toml; run `tierwise init"):
            load()

    def test_a_directory_cannot_be_read(self, tmp_path):
        """Whatever keeps the file from being read is said."""
        with pytest.raises(ConfigError, match="cannot be read"):
            load(tmp_path)


class TestImport:
    def test_importing_costs_next_to_nothing(self):
        """TOML, decimals and price data are loaded when a file is read, not before."""
        heavy = ("tomllib", "genai_prices", "decimal", "difflib", "platformdirs", "sqlalchemy", "pydantic")
        script = f"import sys, router.config; print([name for name in {heavy!r} if name in sys.modules])"
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
        )
        assert done.stdout.strip() == "[]"
