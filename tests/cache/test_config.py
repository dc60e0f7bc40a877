"""Reading `[cache]`: what each key means, and what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.cache.settings import AgeRule, CacheSettings
from router.config import Config, load
from router.errors import ConfigError
from router.planning import levers_of
from tests.kit import tier

TIERS = '[[tiers]]\nname = "own"\nmodel = "mine"\napi = "openai-chat"\nprice = { input = 1, output = 2 }\n'


def read(folder: Path, text: str) -> Config:
    path = folder / "tierwise.toml"
    path.write_text(TIERS + text)
    return load(path)


def test_without_the_table_there_is_no_cache(tmp_path: Path) -> None:
    assert read(tmp_path, "").cache is None
    assert levers_of(read(tmp_path, ""))["cache"] is None


def test_an_empty_table_switches_the_cache_in_memory_on(tmp_path: Path) -> None:
    assert read(tmp_path, "[cache]\n").cache == CacheSettings()


def test_every_key_is_read(tmp_path: Path) -> None:
    text = """
[cache]
store = "redis://user@localhost:6379/1"
password_env = "CACHE_PASSWORD"
namespace = "shop"
scope = "tier"
per = ["tenant", "feature"]
ttl = "2h"
sampled = true
tool_calls = true
timeout = 0.2
lease = "90s"
wait = 5
[[cache.rules]]
tag = "feature"
value = "prices"
ttl = 0
[cache.freshness]
news = "10m"
archive = "30d"
"""
    assert read(tmp_path, text).cache == CacheSettings(
        store="redis",
        url="redis://user@localhost:6379/1",
        password_env="CACHE_PASSWORD",
        namespace="shop",
        scope="tier",
        per=("tenant", "feature"),
        ttl=7200.0,
        rules=(AgeRule(tag="feature", value="prices", ttl=0.0),),
        freshness={"news": 600.0, "archive": 2_592_000.0},
        sampled=True,
        tool_calls=True,
        timeout=0.2,
        lease=90.0,
        wait=5.0,
    )


@pytest.mark.parametrize("store", ["cache.db", "sqlite:///cache.db"])
def test_a_file_is_found_from_the_configuration(tmp_path: Path, store: str) -> None:
    found = read(tmp_path, f'[cache]\nstore = "{store}"\nmax_bytes = "2GB"\nmax_entries = 5\n').cache
    assert found == CacheSettings(store="sqlite", path=tmp_path / "cache.db", max_bytes=2_000_000_000, max_entries=5)


def test_a_file_elsewhere_and_a_memcached_server(tmp_path: Path) -> None:
    found = read(tmp_path, '[cache]\nstore = "sqlite:////var/cache.db"\n').cache
    assert found is not None
    assert found.path == Path("/var/cache.db")
    found = read(tmp_path, '[cache]\nstore = "memcached://cache:11211"\n').cache
    assert found is not None
    assert (found.store, found.url) == ("memcached", "memcached://cache:11211")


@pytest.mark.parametrize(
    ("store", "url"),
    [
        ("redis://cache", "redis://cache:6379/0"),
        ("rediss://ann@cache/2", "rediss://ann@cache:6379/2"),
        ("redis://[::1]:7000/", "redis://[::1]:7000/0"),
        ("memcached://cache", "memcached://cache:11211"),
    ],
)
def test_what_a_servers_address_leaves_out_is_filled_in(tmp_path: Path, store: str, url: str) -> None:
    """Budgets and limits are read by the same."""
    found = read(tmp_path, f'[cache]\nstore = "{store}"\n').cache
    assert found is not None
    assert found.url == url


def test_a_configuration_in_code_takes_the_same_keys() -> None:
    config = Config.of([tier("small")], cache={"ttl": "1h", "per": []})
    assert config.cache == CacheSettings(ttl=3600.0, per=())


def test_the_same_configuration_elsewhere_makes_the_same_keys(tmp_path: Path) -> None:
    """Where a file lies does not change what an answer is good for; how long it is good does."""
    texts = ['store = "a.db"', 'store = "b.db"', 'store = "b.db"\nttl = "1h"']
    versions = [read(tmp_path, f"[cache]\n{text}\n").version for text in texts]
    assert versions[0] == versions[1] != versions[2]


def test_the_ledgers_rules_for_text_reach_the_cache(tmp_path: Path) -> None:
    config = read(tmp_path, '[cache]\nstore = "c.db"\n[ledger]\nkeep = "hash"\n')
    cache = levers_of(config)["cache"]
    assert cache is not None
    assert not cache.writes({})
    memory = levers_of(read(tmp_path, '[cache]\n[ledger]\nkeep = "hash"\n'))["cache"]
    assert memory is not None
    assert memory.writes({})


BAD = [
    ("[cache]\nsore = 1", "[cache] `sore`", "there is no such key; did you mean `store`?"),
    ("[cache]\npassword = 'x'", "[cache] `password`", "secrets do not belong in a file"),
    (
        "[cache]\nstore = 'redis://:pw@h:1/0'",
        "[cache] `store`",
        "holds a password, and secrets do not belong in a file",
    ),
    ("[cache]\nstore = 'mysql://h'", "[cache] `store`", "must be memory, a path, sqlite:///PATH, redis://HOST:PORT/DB"),
    ("[cache]\nstore = 'redis://'", "[cache] `store`", "must be written like redis://HOST:PORT/DB"),
    ("[cache]\nstore = 'redis://h:99999/0'", "[cache] `store`", "is no URL"),
    (
        "[cache]\nstore = 'redis://h/a'",
        "[cache] `store`",
        "ends in /a, and only Redis has databases, which are numbers",
    ),
    ("[cache]\nstore = 'memcached://h/1'", "[cache] `store`", "ends in /1, and only Redis has databases"),
    ("[cache]\nstore = 'sqlite:///'", "[cache] `store`", "names no file"),
    ("[cache]\nstore = ''", "[cache] `store`", "is empty"),
    ("[cache]\npassword_env = 'A'", "[cache] `password_env`", "is given, and the store 'memory' has no password"),
    ("[cache]\nnamespace = 'a b'", "[cache] `namespace`", "is made of 1 to 64 letters, digits and _ . : -"),
    ("[cache]\nscope = 'all'", "[cache] `scope`", "is 'all'; it may be policy, tier"),
    ("[cache]\nper = ['']", "[cache] `per`", "must be a list of texts, none of them empty"),
    ("[cache]\nttl = 'soon'", "[cache] `ttl`", "is 'soon'; write a length of time like 30s, 10m, 24h, 7d or 2w"),
    ("[cache]\nttl = 0", "[cache] `ttl`", "must be above 0 and at most ten years, not 0"),
    ("[cache]\nttl = -5", "[cache] `ttl`", "must be at least 0, not -5"),
    ("[cache]\nttl = '9999w'", "[cache] `ttl`", "must be above 0 and at most ten years, not '9999w'"),
    ("[cache]\nttl = inf", "[cache] `ttl`", "must be at least 0, not inf"),
    ("[cache]\nttl = true", "[cache] `ttl`", "must be a number, not true"),
    ("[cache]\ntimeout = 0", "[cache] `timeout`", "must be above 0 and at most 60, not 0"),
    ("[cache]\nmax_entries = 0", "[cache] `max_entries`", "must be at least 1, not 0"),
    ("[cache]\nmax_bytes = 'lots'", "[cache] `max_bytes`", "is 'lots'; write a size like 64MB or 2GB"),
    ("[cache]\nmax_bytes = '0MB'", "[cache] `max_bytes`", "is '0MB'; write a size"),
    ("[cache]\nmax_bytes = 5", "[cache] `max_bytes`", "must be at least 1024, not 5"),
    (
        "[cache]\nstore = 'redis://h:1/0'\nmax_entries = 5",
        "[cache] `max_entries`",
        "bounds the stores in memory and in a file; a server has its own bound",
    ),
    ("[[cache.rules]]\ntag = 'a'\nvalue = 'b'", "[cache.rules[0]] `ttl`", "is missing"),
    ("[[cache.rules]]\nttl = 1\nvalue = 'b'", "[cache.rules[0]] `tag`", "is missing"),
    ("[cache.freshness]\nlive = '1m'", "[cache.freshness] `live`", "always means an answer that is made now"),
    ("[cache.freshness]\nnews = 0", "[cache.freshness] `news`", "must be above 0 and at most ten years, not 0"),
]


@pytest.mark.parametrize(("text", "where", "sentence"), BAD, ids=[each[0][8:40] for each in BAD])
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, where: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text + "\n")
    assert f"{where}: {sentence}" in str(caught.value)
    assert "pw" not in str(caught.value)
