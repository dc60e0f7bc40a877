"""`[batch]`: what it may say, and what is told of what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.batch.hours import Hours
from router.batch.settings import BatchSettings
from router.config import Config, load
from router.errors import ConfigError
from tests.batch.conftest import ladder_at
from tests.kit import tier

TIERS = ladder_at("https://example.test").tiers


def settings(**table):
    return Config.of(TIERS, batch=table).batch


def test_all_of_it_is_read_from_a_file(tmp_path):
    """Paths start from the file's folder."""
    path = tmp_path / "tierwise.toml"
    path.write_text(
        'preset = "openai"\n[batch]\nwindow = "2m"\nsize = 50\npath = "jobs.db"\npoll = "1m"\nconcurrency = 4\n'
        'off_peak = ["22:00-06:00", "12:00-13:00"]\nzone = "Europe/Berlin"\nembed_window_ms = 5\ngrace = "90s"\n'
        "timeout = 20\n"
    )

    assert load(path).batch == BatchSettings(
        window=120.0,
        size=50,
        path=tmp_path / "jobs.db",
        poll=60.0,
        concurrency=4,
        off_peak=Hours(spans=((1320, 360), (720, 780)), zone="Europe/Berlin"),
        embed_window=0.005,
        grace=90.0,
        timeout=20,
    )


def test_it_is_off_without_its_table():
    """And does not change what a decision records as its configuration."""
    assert Config.of(TIERS).batch is None
    assert Config.of(TIERS).version == Config.of(TIERS, batch={"size": 7}).version


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"windows": 3}, "there is no such key; did you mean `window`?"),
        ({"window": "soon"}, "write a length of time like 30s"),
        ({"window": -1}, "must be at least 0"),
        ({"size": 0}, "must be at least 1, not 0"),
        ({"size": 10**6}, "must be at most 10,000"),
        ({"concurrency": 1000}, "must be at most 256"),
        ({"poll": "2h"}, "must be at most an hour"),
        ({"tiers": ["huge"]}, "'huge' is no tier"),
        ({"off_peak": ["10pm-6am"]}, "has '10pm-6am'; write hours like 22:00-06:00"),
        ({"off_peak": ["22:00-06:00"], "zone": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
        ({"zone": "UTC"}, "needs `off_peak` beside it"),
        ({"off_peak_tiers": ["small"]}, "needs `off_peak` beside it"),
        ({"embed_window_ms": 5000}, "must be at least 0 and at most 1000"),
        ({"timeout": 0}, "must be above 0"),
        ({"path": ""}, "is empty"),
    ],
)
def test_what_does_not_fit_is_told(table, message):
    """In a sentence that names the table."""
    with pytest.raises(ConfigError) as caught:
        settings(**table)

    assert str(caught.value).startswith("[batch] ")
    assert message in str(caught.value)


def test_a_tier_without_a_batch_price_is_not_batched_by_name():
    """What a batch costs there would be a guess."""
    plain = tier("small")
    with pytest.raises(ConfigError, match="there is no batch API for api 'fake'"):
        Config.of((plain,), batch={"tiers": ["small"]})
    unpriced = type(plain)(name="small", api="anthropic", model="m", price=plain.price)
    with pytest.raises(ConfigError, match="add `batch_input` and `batch_output`"):
        Config.of((unpriced,), batch={"tiers": ["small"]})


@pytest.mark.parametrize(
    ("base_url", "batched"),
    [(None, True), ("https://api.openai.com/v1", True), ("http://127.0.0.1:8000/v1", False)],
)
def test_tiers_at_their_vendors_own_address_are_batched_unless_said_otherwise(base_url, batched):
    """A compatible server has no batch API of ours."""
    from router.batch.tiers import is_batched

    (first, *_) = TIERS
    at = type(first)(name="a", api="openai-chat", model="m", price=first.price, base_url=base_url)

    assert is_batched(at, BatchSettings()) is batched
    assert is_batched(at, BatchSettings(tiers=("a",)))
    assert not is_batched(at, BatchSettings(tiers=()))


def test_a_path_is_absolute():
    """However it was written."""
    found = settings(path="~/jobs.db").path
    assert found == Path("~/jobs.db").expanduser()
