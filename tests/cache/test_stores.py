"""What every store of answers does, and does alike: in memory, in a file, in Redis, in Memcached."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator

import pytest

from router.cache.settings import CacheSettings
from router.errors import CacheError
from router.stores.answers import Answers, Claim, Stock, answers_in
from router.stores.answers_memcached import MemcachedAnswers
from router.stores.clears import MOST, Clears, read_clears
from tests.cache.conftest import Make
from tests.kit import Clock
from tests.servers import Server

KEY = "a" * 64
OTHER = "b" * 64


@pytest.fixture
def answers(make: Make) -> Iterator[Answers]:
    opened = answers_in(make(), clock=time.monotonic, wall=time.time)
    yield opened
    opened.close()


def leased(answers: Answers, token: str, seen: bytes | None = None) -> Claim:
    return answers.claim(KEY, seen=seen, token=token, seconds=60)


def test_what_was_put_is_there_until_it_is_cleared(answers: Answers) -> None:
    assert answers.get(KEY) is None
    answers.put(KEY, b"\x00one\r\n", ttl=60, token=None)
    assert answers.get(KEY) == b"\x00one\r\n"
    answers.put(KEY, b"two", ttl=60, token=None)
    assert answers.get(KEY) == b"two"
    answers.clear(None, None)
    assert answers.get(KEY) is None
    answers.put(KEY, b"three", ttl=60, token=None)
    assert answers.get(KEY) == b"three"


def labelled(tags: dict[str, str]) -> bytes:
    return json.dumps({"created": 1.5, "tags": tags}).encode()


def test_clearing_by_tag_forgets_those_entries_and_no_others(answers: Answers) -> None:
    one, both = labelled({"a": "1"}), labelled({"a": "1", "b": "x=[y] \u00e9"})
    for key, blob in (("1", one), ("2", both), ("3", b"damaged")):
        answers.put(key, blob, ttl=60, token=None)
    answers.clear("b", "x=[y] \u00e9")
    answers.clear("a", "2")
    answers.clear("c", "1")
    assert [answers.get(key) for key in "123"] == [one, None, b"damaged"]
    answers.put("2", both, ttl=60, token=None)
    answers.clear("a", "1")
    assert [answers.get(key) for key in "123"] == [None, None, b"damaged"]
    assert answers.claim("1", seen=None, token="t", seconds=60) == Claim(granted=True)


def test_a_store_tells_how_much_it_holds(answers: Answers) -> None:
    for key in "12":
        answers.put(key, labelled({}), ttl=60, token=None)
    stock = answers.stock()
    if stock.shared:  # all that is on the server
        assert stock.entries >= 2
        assert (stock.oldest, stock.newest) == (None, None)
    else:
        size = 2 * len(labelled({}))
        assert stock == Stock(entries=2, bytes=size, oldest=1.5, newest=1.5)


@pytest.mark.parametrize("make", ["memory", "sqlite", "redis"], indirect=True)
def test_clearing_goes_through_every_entry_and_no_lease(make: Make) -> None:
    answers = answers_in(make(), clock=time.monotonic, wall=time.time)
    for number in range(1100):
        answers.put(f"{number:064x}", labelled({"odd": str(number % 2)}), ttl=60, token=None)
    leased(answers, "t1")
    assert answers.clear("odd", "1") == 550
    assert answers.stock().entries == 550
    assert answers.clear(None, None) == 550
    assert leased(answers, "t2") == Claim(busy=True)
    answers.close()


def test_one_claim_is_granted_and_the_next_is_told_that_somebody_is_busy(answers: Answers) -> None:
    assert leased(answers, "t1") == Claim(granted=True)
    assert leased(answers, "t2") == Claim(busy=True)


def test_putting_the_entry_ends_the_lease(answers: Answers) -> None:
    leased(answers, "t1")
    answers.put(KEY, b"one", ttl=60, token="t1")
    assert leased(answers, "t2") == Claim(value=b"one")
    assert leased(answers, "t2", seen=b"one") == Claim(granted=True)


def test_an_entry_that_came_after_the_look_is_handed_over_in_place_of_a_lease(answers: Answers) -> None:
    answers.put(KEY, b"one", ttl=60, token=None)
    assert leased(answers, "t1") == Claim(value=b"one")
    assert leased(answers, "t1", seen=b"none") == Claim(value=b"one")
    assert leased(answers, "t1", seen=b"one") == Claim(granted=True)


def test_a_lease_that_is_given_back_goes_to_the_next(answers: Answers) -> None:
    leased(answers, "t1")
    answers.release(KEY, token="t1", passing=0)
    assert leased(answers, "t2") == Claim(granted=True)


def test_nobody_ends_the_lease_of_another(answers: Answers) -> None:
    leased(answers, "t1")
    answers.release(KEY, token="t2", passing=5)
    answers.put(KEY, b"one", ttl=60, token="t2")
    assert leased(answers, "t3", seen=b"one") == Claim(busy=True)


def test_while_a_key_is_open_nobody_waits_and_nobody_leads(answers: Answers) -> None:
    leased(answers, "t1")
    answers.release(KEY, token="t1", passing=60)
    assert leased(answers, "t2") == Claim()


@pytest.mark.parametrize("make", ["redis", "memcached"], indirect=True)
def test_namespaces_share_nothing(make: Make) -> None:
    here, there = (answers_in(make(namespace=name), clock=time.monotonic, wall=time.time) for name in ("he:re", "*"))
    here.put(KEY, b"one", ttl=60, token=None)
    assert there.get(KEY) is None
    there.clear(None, None)
    assert here.get(KEY) == b"one"
    here.close()
    there.close()


def _put(settings: CacheSettings, answers: Answers, done: Callable[[bool], None]) -> None:
    seen = answers.get(KEY)
    answers.put(OTHER, b"from the child", ttl=60, token=None)
    done(seen == (None if settings.store == "memory" else b"one"))


def test_a_forked_process_uses_connections_of_its_own(make: Make) -> None:
    """And memory of its own; the parent's goes on undisturbed."""
    settings = make()
    answers = answers_in(settings, clock=time.monotonic, wall=time.time)
    answers.put(KEY, b"one", ttl=60, token=None)
    receive, send = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(target=_put, args=(settings, answers, send.send))
    child.start()
    assert receive.poll(20)
    assert receive.recv() is True
    child.join(20)
    assert child.exitcode == 0
    assert answers.get(KEY) == b"one"
    assert answers.get(OTHER) == (None if settings.store == "memory" else b"from the child")
    answers.close()


@pytest.mark.parametrize("make", ["memory", "sqlite"], indirect=True)
def test_entries_and_leases_run_out(make: Make) -> None:
    """By our clock in memory and in a file; what the servers were told is asked of them below."""
    settings = make()
    clock = Clock()
    answers = answers_in(settings, clock=clock, wall=clock)
    answers.put(OTHER, b"one", ttl=10, token=None)
    answers.claim(KEY, seen=None, token="t1", seconds=5)
    clock.now += 4.9
    assert leased(answers, "t2") == Claim(busy=True)
    clock.now += 0.2
    assert leased(answers, "t2") == Claim(granted=True)
    assert answers.get(OTHER) == b"one"
    clock.now += 5
    assert answers.get(OTHER) is None
    assert answers.stock().entries == 0
    answers.close()


def test_redis_is_told_when_entries_and_leases_run_out(redis: Server) -> None:
    from redis import Redis

    settings = CacheSettings(store="redis", url=redis.url, namespace="times", timeout=5)
    answers = answers_in(settings, clock=time.monotonic, wall=time.time)
    answers.put(KEY, b"one", ttl=10.5, token=None)
    answers.claim(OTHER, seen=None, token="t1", seconds=5)
    client = Redis.from_url(redis.url)
    left = {str(name): client.pttl(name) for name in client.scan_iter("times:*")}
    assert sorted(round(each, -3) for each in left.values()) == [5000, 10000]
    answers.release(OTHER, token="t1", passing=2)
    assert 1000 < int(client.pttl(f"times:{{{OTHER}}}:lease")) <= 2000
    client.close()
    answers.close()


def test_memcached_is_told_when_entries_and_leases_run_out(memcached: Server) -> None:
    """In whole seconds; a month or more as a date."""
    clock = Clock()
    answers = MemcachedAnswers(memcached.url, namespace="times", timeout=5, clock=clock)
    assert [answers._expire(seconds) for seconds in (0.2, 4.2, 60.0)] == [1, 5, 60]
    assert answers._expire(40 * 86_400) == clock.now + 40 * 86_400
    now = MemcachedAnswers(memcached.url, namespace="times", timeout=5, clock=time.time)
    now.put(KEY, b"one", ttl=40 * 86_400, token=None)
    assert now.get(KEY) == b"one"
    answers.put(KEY, b"one", ttl=40 * 86_400, token=None)  # a date that has passed
    assert now.get(KEY) is None
    answers.close()
    now.close()


def test_a_memcached_that_lost_the_record_of_what_was_cleared_has_lost_its_entries(own_memcached: Server) -> None:
    """Rather than hand out one that was cleared."""
    from pymemcache.client.base import Client

    answers = MemcachedAnswers(own_memcached.url, namespace="n", timeout=5, clock=time.time)
    answers.put(KEY, b"one", ttl=60, token=None)
    client = Client(("127.0.0.1", own_memcached.port), default_noreply=False)
    client.delete("n:cleared")
    assert answers.get(KEY) is None
    answers.put(OTHER, b"two", ttl=60, token=None)
    assert [answers.get(key) for key in (KEY, OTHER)] == [None, b"two"]
    client.set("n:cleared", b"damaged")
    assert answers.get(OTHER) is None
    client.close()
    answers.close()


def test_when_too_many_tags_were_cleared_everything_is() -> None:
    clears = Clears(epoch="e")
    kept = clears.mark + labelled({"a": "other"})
    for number in range(MOST):
        clears = clears.with_one("a", str(number))
    assert clears.current(kept) is not None
    clears = clears.with_one("a", "one more")
    assert (clears.current(kept), clears.tags) == (None, {})
    assert read_clears(clears.dump()) == clears


@pytest.mark.parametrize("make", ["memory", "sqlite"], indirect=True)
@pytest.mark.parametrize("bound", [{"max_entries": 10}, {"max_bytes": 1000}])
def test_a_store_of_our_own_holds_no_more_than_it_may(make: Make, bound: dict[str, int]) -> None:
    """And what came last is there."""
    settings = make(**bound)
    answers = answers_in(settings, clock=time.monotonic, wall=time.time)
    for number in range(50):
        answers.put(f"{number:064x}", b"x" * 100, ttl=60, token=None)
    assert answers.stock().entries == 10
    assert answers.get(f"{49:064x}") == b"x" * 100
    assert answers.get(f"{0:064x}") is None
    answers.close()


def test_memory_gives_up_what_was_not_used_for_longest() -> None:
    settings = CacheSettings(max_entries=2)
    answers = answers_in(settings, clock=Clock(), wall=Clock())
    answers.put("1", b"one", ttl=60, token=None)
    answers.put("2", b"two", ttl=60, token=None)
    assert answers.get("1") == b"one"
    answers.put("3", b"three", ttl=60, token=None)
    assert [answers.get(key) for key in "123"] == [b"one", None, b"three"]


@pytest.mark.parametrize("kind", ["memory", "memcached"])
def test_an_answer_that_is_too_large_is_refused_and_the_lease_ended(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("memcached").url if kind == "memcached" else None
    settings = CacheSettings(store=kind, url=url, namespace="large", max_bytes=100_000, timeout=5)  # type: ignore[arg-type]
    answers = answers_in(settings, clock=time.monotonic, wall=time.time)
    leased(answers, "t1")
    with pytest.raises(CacheError, match=r"2,000,000 bytes|too large"):
        answers.put(KEY, b"x" * 2_000_000, ttl=60, token="t1")
    assert leased(answers, "t2") == Claim(granted=True)
    answers.close()


@pytest.mark.parametrize("make", ["sqlite"], indirect=True)
def test_a_file_for_the_cache_is_its_owners_alone(make: Make) -> None:
    settings = make()
    answers = answers_in(settings, clock=time.monotonic, wall=time.time)
    answers.put(KEY, b"one", ttl=60, token=None)
    assert settings.path is not None
    modes = {path.name: path.stat().st_mode & 0o777 for path in settings.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    answers.close()
