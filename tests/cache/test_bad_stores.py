"""A store that is down, lost, slow, full or damaged: the request is served, and its decision says so."""

from __future__ import annotations

import json
import sqlite3
import time
from functools import partial
from pathlib import Path

import pytest

from router.cache.ops import FetchStep
from router.cache.settings import CacheSettings
from router.decision import Response
from router.ledger.redact import redact
from router.stores.caching import Caching
from router.stores.hold_off import HOLD_OFF
from tests.cache.kit import Made, made
from tests.kit import Clock
from tests.servers import Server, free_port, redis_server

PROMPT = "What is 2 + 2?"
WENT_ON = "The cache was not used: "


def served(cache: Made) -> Response:
    answer = cache.router.route(PROMPT)
    assert answer.text == "4"
    return answer


def noted(cache: Made) -> str:
    (note,) = served(cache).decision.notes
    assert note.startswith(WENT_ON)
    return note.removeprefix(WENT_ON)


def at(server: Server, **changes: object) -> CacheSettings:
    return CacheSettings(store=server.scheme, url=server.url, **{"timeout": 5.0, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["redis", "memcached"])
def test_a_server_that_is_down_at_start_is_done_without(scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{free_port()}"
    cache = made(CacheSettings(store=scheme, url=url))  # type: ignore[arg-type]
    assert noted(cache) == f"{url} cannot be reached (Connection refused)."
    assert noted(cache) == f"{url} cannot be reached (Connection refused)."
    assert len(cache.asked) == 2
    cache.router.close()


@pytest.fixture(params=["own_redis", "own_memcached"])
def own(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


def test_a_server_that_is_lost_in_the_middle_is_done_without(own: Server) -> None:
    """The answer that was paid for is returned; what could not be handed in is told."""

    def answer(_: object) -> str:
        if own.process is not None and not lost:
            lost.append(True)
            own.stop()
        return "4"

    lost: list[bool] = []
    cache = made(at(own), {"small": answer})
    assert own.url in noted(cache)
    assert own.url in noted(cache)
    assert len(cache.asked) == 2
    cache.router.close()


def test_a_server_that_is_back_is_used_again(own: Server) -> None:
    clock = Clock()
    caching = Caching(at(own), clock=clock)
    fetch = partial(caching.shell[FetchStep], FetchStep("k", 60))
    assert fetch().lease is not None
    own.stop()
    assert own.url in fetch().note
    own.start()
    clock.now += HOLD_OFF
    assert fetch().lease is not None
    caching.close()


def test_a_server_that_is_slow_costs_a_request_its_timeout_once(own: Server) -> None:
    cache = made(at(own, timeout=0.1))
    own.freeze()
    began = time.monotonic()
    assert noted(cache) == f"{own.url} gave no answer within 0.1 s."
    for _ in range(5):
        assert noted(cache) == f"{own.url} gave no answer within 0.1 s."
    assert time.monotonic() - began < 5 * 0.1 + 1
    own.thaw()
    cache.router.close()


def test_a_store_that_was_down_is_tried_again_after_a_while() -> None:
    clock = Clock()
    port = free_port()
    caching = Caching(CacheSettings(store="redis", url=f"redis://127.0.0.1:{port}/0"), clock=clock)

    def fetched() -> float:
        assert caching.shell[FetchStep](FetchStep("k", 60)).note is not None
        until = caching._hold_off.until
        assert until is not None
        return until

    first = fetched()
    assert first == clock.now + HOLD_OFF
    clock.now += HOLD_OFF / 2
    assert fetched() == first
    clock.now += HOLD_OFF
    assert fetched() == clock.now + HOLD_OFF
    caching.close()


def test_a_redis_that_is_full_still_hands_out_what_it_has(tmp_path: Path) -> None:
    server = redis_server(tmp_path, "--maxmemory-policy", "noeviction")
    server.start()
    try:
        cache = made(at(server))
        served(cache)
        from redis import Redis

        client = Redis(port=server.port)
        client.config_set("maxmemory", "1mb")
        assert served(cache).decision.cache is not None
        (note,) = cache.router.route("other").decision.notes
        assert note == f"{WENT_ON}{server.url} is full: it has reached its `maxmemory`."
        client.close()
        cache.router.close()
    finally:
        server.stop()


def test_a_redis_that_wants_another_password_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the right one opens it; neither is told to anybody."""
    server = redis_server(tmp_path, "--requirepass", "right-and-secret")
    server.ping, server.pong = b"PING\r\n", b"-NOAUTH"
    server.start()
    try:
        monkeypatch.setenv("CACHE_PASSWORD", "wrong-and-secret")
        cache = made(at(server, password_env="CACHE_PASSWORD"))
        note = noted(cache)
        assert note == f"{server.url} refused the password, or wants one; see `password_env`."
        cache.router.close()
        for without in ({"password_env": "NOT_SET_ANYWHERE"}, {}):
            cache = made(at(server, **without))
            assert noted(cache) == f"{server.url} refused the password, or wants one; see `password_env`."
            cache.router.close()
        monkeypatch.setenv("CACHE_PASSWORD", "right-and-secret")
        cache = made(at(server, password_env="CACHE_PASSWORD"))
        assert served(cache).decision.notes == ()
        assert served(cache).decision.cache is not None
        cache.router.close()
    finally:
        server.stop()


def _entry(path: Path) -> tuple[str, bytes]:
    with sqlite3.connect(path) as connection:
        found: tuple[str, bytes] = connection.execute("SELECT key, value FROM entries").fetchone()
    connection.close()
    return found


def _overwrite(path: Path, value: bytes) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entries SET value = ?", (value,))
    connection.close()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda _: b"\x80\x02nothing", "it is damaged"),
        (lambda blob: blob[:-20], "it is damaged"),
        (lambda _: b"[]", "it is damaged"),
        (lambda _: b"[" * 100_000, "it is damaged"),
        (lambda blob: json.dumps({**json.loads(blob), "v": 0}).encode(), "another version of tierwise wrote it"),
        (lambda blob: json.dumps({**json.loads(blob), "answer": []}).encode(), "it holds no answer"),
        (lambda blob: blob.replace(b'"small"', b"17"), "its tier is not what it should be"),
        (lambda blob: blob.replace(b'"end"', b'"no"'), "its answer ended in no known way"),
        (
            lambda blob: json.dumps({**json.loads(blob), "calls": [["1"]]}).encode(),
            "a tool call of it is not what it should be",
        ),
    ],
)
def test_an_entry_that_cannot_be_read_is_a_miss_that_is_told_and_overwritten(
    tmp_path: Path, damage: object, why: str
) -> None:
    path = tmp_path / "cache.db"
    cache = made(CacheSettings(store="sqlite", path=path, timeout=5.0))
    served(cache)
    _overwrite(path, damage(_entry(path)[1]))  # type: ignore[operator]
    note = f"The cached answer could not be used, since {why}; a new one takes its place."
    assert served(cache).decision.notes == (note,)
    again = served(cache).decision
    assert (again.notes, again.cache is not None) == ((), True)
    assert len(cache.asked) == 2
    cache.router.close()


def test_a_corrupt_value_in_redis_is_a_miss_that_is_told_and_overwritten(own_redis: Server) -> None:
    from redis import Redis

    cache = made(at(own_redis))
    served(cache)
    client = Redis(port=own_redis.port)
    (name,) = client.keys("tierwise:*")
    client.set(name, b"\xff\x00garbage")
    assert served(cache).decision.notes[0].startswith("The cached answer could not be used, since it is damaged")
    assert served(cache).decision.cache is not None
    client.delete(name)
    client.hset(name, "a", "1")  # somebody else's, of another kind
    assert "WRONGTYPE" in served(cache).decision.notes[0]
    client.close()
    cache.router.close()


def test_a_file_that_is_no_cache_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes, and many more of them " * 100)
    cache = made(CacheSettings(store="sqlite", path=path))
    assert noted(cache) == f"the file {path} is damaged or no SQLite file; delete it, or name another."
    assert path.read_text().startswith("my notes")
    cache.router.close()


def test_a_database_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    cache = made(CacheSettings(store="sqlite", path=path, timeout=5.0))
    assert noted(cache) == f"the file {path} is no cache of this version of tierwise; delete it, or name another."
    cache.router.close()


def test_a_file_in_a_directory_that_does_not_exist_is_done_without(tmp_path: Path) -> None:
    path = tmp_path / "none" / "cache.db"
    cache = made(CacheSettings(store="sqlite", path=path))
    assert noted(cache) == f"the file {path} cannot be made (No such file or directory)."
    cache.router.close()


def test_a_file_that_somebody_else_is_writing_is_waited_for_no_longer_than_the_timeout(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    cache = made(CacheSettings(store="sqlite", path=path, timeout=0.2))
    cache.router.route("something else")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert noted(cache) == f"the file {path} was in use for longer than 0.2 s."
    writer.execute("COMMIT")
    writer.close()
    assert served(cache).decision.notes == ()
    cache.router.close()


def test_no_note_tells_a_secret(own_redis: Server) -> None:
    cache = made(at(own_redis))
    own_redis.stop()
    note = noted(cache)
    assert redact(note) == note
    cache.router.close()
