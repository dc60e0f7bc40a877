"""`[budgets]` and `[limits]` as they are written, and what is wrong with them in one sentence."""

from __future__ import annotations

import pytest

from router.config import Config, load
from router.errors import ConfigError
from tests.kit import ladder

TOML = """
preset = "local"

[budgets]
store = "redis://cache.example:6380/2"
password_env = "REDIS_PASSWORD"
on_failure = "open"
ttl = 120
namespace = "shop"

[budgets.notify]
webhook_env = "SLACK"
call = "ops.alerts:page"

[[budgets.scope]]
name = "everything"
limit = 500
window = "month"
zone = "Europe/Berlin"
alerts = [0.5, 0.8, 1.0]
steps = [{ at = 0.8, ceiling = "smol" }, { at = 0.97, cache_only = true }]

[[budgets.scope]]
name = "search"
tag = "feature"
value = "search"
per = "user"
limit = 0.000000001
window = "rolling 7d"

[limits]
store = "redis://localhost/1"

[[limits.scope]]
name = "user"
per = "user"
requests_per_minute = 60
tokens_per_minute = 90_000
requests_per_day = 1000
tokens_per_day = 1_000_000
concurrency = 4
queue = 20
burst = 10
"""


def test_the_tables_are_read_as_they_are_written(tmp_path):
    path = tmp_path / "tierwise.toml"
    names = load("preset:local").tiers.names
    path.write_text(TOML.replace("smol", names[0]))
    config = load(path)
    budgets, limits = config.budgets, config.limits
    assert (budgets.url, budgets.on_failure, budgets.ttl) == ("redis://cache.example:6380/2", "open", 120)
    everything, search = budgets.scopes
    assert (everything.limit, everything.window.zone, everything.alerts) == (
        500 * 10**9,
        "Europe/Berlin",
        (0.5, 0.8, 1),
    )
    assert [(step.at, step.ceiling, step.cache_only) for step in everything.steps] == [
        (0.8, names[0], False),
        (0.97, None, True),
    ]
    assert (search.limit, search.tag, search.per, search.window.seconds) == (1, "feature", "user", 604_800)
    assert budgets.tiers == names
    assert (limits.url, limits.scopes[0].concurrency, limits.scopes[0].burst) == ("redis://localhost:6379/1", 4, 10)


def test_a_path_starts_from_the_configurations_folder(tmp_path):
    path = tmp_path / "tierwise.toml"
    scope = '[[budgets.scope]]\nname = "a"\nlimit = 1\nwindow = "day"'
    path.write_text(f'preset = "local"\n[budgets]\nstore = "budgets.db"\n{scope}')
    assert load(path).budgets.url == f"sqlite:///{tmp_path / 'budgets.db'}"
    path.write_text(f'preset = "local"\n[budgets]\nstore = "sqlite:////data/b.db"\n{scope}')
    assert load(path).budgets.url == "sqlite:////data/b.db"


def test_where_a_store_lies_does_not_change_the_configurations_version():
    scope = {"name": "a", "limit": 1, "window": "day"}
    versions = {
        Config.of(ladder("small", "large").tiers, budgets={"store": store, "scope": [scope]}).version
        for store in ("memory", "a.db", "redis://localhost")
    }
    assert len(versions) == 1


def budgets(**changes):
    scope = {"name": "a", "limit": 1.0, "window": "day"} | changes.pop("scope", {})
    table = {"store": "memory", "scope": [scope]} | changes
    return Config.of(ladder("small", "large").tiers, budgets={k: v for k, v in table.items() if v is not None})


def limits(**changes):
    scope = {"name": "a", "concurrency": 1} | changes.pop("scope", {})
    scope = {k: v for k, v in scope.items() if v is not None}
    return Config.of(ladder("small", "large").tiers, limits={"scope": [scope]} | changes)


BAD_BUDGETS = [
    ({"store": None}, "`store`: is missing"),
    ({"store": "postgresql://x/y"}, "`store`: must be memory, a path, sqlite:///PATH or redis://HOST:PORT/DB"),
    ({"store": "sqlite:///"}, "`store`: names no file"),
    ({"store": "memcached://host"}, "`store`: must be memory, a path, sqlite:///PATH or redis://HOST:PORT/DB"),
    ({"store": "redis://user:hunter2@host"}, "put it into an environment variable"),
    ({"store": "redis://host:notaport"}, "`store`: is no URL; write it like redis://HOST:PORT/DB"),
    ({"store": "redis://host/db?x=1"}, "`store`: must be written like redis://HOST:PORT/DB"),
    ({"on_failure": "shrug"}, "`on_failure`: is 'shrug'; it may be closed, open"),
    ({"ttl": 0}, "`ttl`: must be at least 1"),
    ({"scope": {"limit": 0}}, "`limit`: must be above 0, not 0"),
    ({"scope": {"limit": -5}}, "`limit`: must be above 0, not -5"),
    ({"scope": {"limit": float("inf")}}, "`limit`: must be above 0, not inf"),
    ({"scope": {"limit": 1e-10}}, "`limit`: must be from a nano-dollar to 9,007,199 USD, not 1e-10"),
    ({"scope": {"limit": 10_000_000}}, "`limit`: must be from a nano-dollar to 9,007,199 USD, not 10000000"),
    ({"scope": {"limit": "5"}}, "`limit`: must be a number, not text '5'"),
    ({"scope": {"window": "week"}}, '`window`: is \'week\'; it is "hour", "day", "month", or like "rolling 7d"'),
    ({"scope": {"zone": "Mars/Olympus"}}, "`zone`: 'Mars/Olympus' is no time zone"),
    ({"scope": {"window": "rolling 7d", "zone": "UTC"}}, "`zone`: is for windows of a day or a month alone"),
    ({"scope": {"tag": "feature"}}, "`tag`: and `value` go together"),
    ({"scope": {"alerts": [0.8, 0.5]}}, "`alerts`: must rise, not [0.8, 0.5]"),
    ({"scope": {"alerts": [80]}}, "`alerts`: must be shares of the limit, above 0 and at most 1, not 80"),
    ({"scope": {"steps": [{"at": 0.8}]}}, "`at`: changes nothing; give it a `profile`, a `ceiling` or"),
    ({"scope": {"steps": [{"at": 0.8, "ceiling": "larg"}]}}, "`ceiling`: 'larg' is no tier; did you mean `large`?"),
    ({"scope": {"steps": [{"at": 1.5, "ceiling": "small"}]}}, "`at`: must be above 0 and at most 1, not 1.5"),
    ({"scope": {"limt": 1}}, "`limt`: there is no such key; did you mean `limit`?"),
    ({"notify": {"webhook": "ftp://x"}}, "`webhook`: must be an address that begins with https:// or http://"),
    ({"notify": {"webhook": "https://h/T0/B1/aZ09aZ09aZ09aZ09aZ09aZ09"}}, "`webhook`: holds what looks like a key"),
    ({"notify": {"call": "no colon"}}, "`call`: must be written module:function"),
    ({"password_env": "REDIS_PASSWORD"}, "`password_env`: is given, and the store 'memory' has no password"),
    ({"namespace": "{x}"}, "`namespace`: is made of 1 to 64 letters, digits and _ . : -"),
    ({"password_env": "sk-aaaaaaaaaaaaaaaa"}, "holds what looks like a key and not a variable's name"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD_BUDGETS)
def test_a_mistake_in_budgets_is_one_sentence(changes, sentence):
    with pytest.raises(ConfigError) as wrong:
        budgets(**changes)
    assert sentence in str(wrong.value)
    assert "budgets" in str(wrong.value)
    assert "hunter2" not in str(wrong.value)


def test_two_scopes_of_one_name_are_refused():
    scope = {"name": "a", "limit": 1, "window": "day"}
    with pytest.raises(ConfigError, match="has two of the name 'a'"):
        Config.of(ladder("small").tiers, budgets={"store": "memory", "scope": [scope, scope]})


def test_budgets_without_a_scope_are_refused():
    with pytest.raises(ConfigError, match=r"say whose requests share how much with \[\[budgets.scope\]\]"):
        Config.of(ladder("small").tiers, budgets={"store": "memory"})


BAD_LIMITS = [
    ({"store": "limits.db"}, "`store`: must be memory or redis://HOST:PORT/DB"),
    ({"scope": {"concurrency": None}}, "limits nothing; give one of requests_per_minute"),
    ({"scope": {"concurrency": 0}}, "`concurrency`: must be at least 1, not 0"),
    ({"scope": {"requests_per_minute": -1}}, "`requests_per_minute`: must be at least 1, not -1"),
    ({"scope": {"tokens_per_minute": 10**15}}, "`tokens_per_minute`: must be at most 1,000,000,000,000"),
    ({"scope": {"requests_per_minute": 1.5}}, "`requests_per_minute`: must be a whole number, not a number 1.5"),
    ({"scope": {"tier": "smal"}}, "`tier`: 'smal' is no tier; did you mean `small`?"),
    ({"scope": {"priorities": ["hgh"]}}, "`priorities`: 'hgh' is no priority; did you mean `high`?"),
    ({"scope": {"queue": -1}}, "`queue`: must be at least 0, not -1"),
    ({"patience": -1}, "`patience`: must be at least 0"),
    ({"scope": {"burst": 0}}, "`burst`: must be above 0"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD_LIMITS)
def test_a_mistake_in_limits_is_one_sentence(changes, sentence):
    with pytest.raises(ConfigError) as wrong:
        limits(**changes)
    assert sentence in str(wrong.value)
