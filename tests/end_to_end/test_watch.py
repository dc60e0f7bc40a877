"""A running service takes up a bundle that was replaced, and an alarm that was raised, between requests."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace

import pytest

from router.alarms import alarm_path, raise_alarm
from router.bundle import Profile
from router.config import Config
from router.engine import Router
from router.errors import BundleError
from router.in_force import InForce
from router.policy import Always, Thresholds
from router.providers.fake import FakeProvider
from tests.core.test_bundle import made
from tests.kit import Clock, ladder, said

TIERS = ladder("small", "large").tiers
EVERY = 5.0


def written(path, rank, **facts):
    """Put a bundle that always asks tier ``rank`` at ``path``, as promotion does: whole, in place of the old one."""
    return replace(made(), profiles={"default": Profile(Always(rank=rank))}, facts=facts).save(path)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "policy.tierwise"
    written(path, 0)
    return path


def served(saved, *, replies=None, **policy):
    """A router that watches ``saved`` on a clock of its own."""
    clock = Clock()
    settings = {"bundle": str(saved), "watch": EVERY, **policy}
    config = Config.of(TIERS, policy=settings, ledger={"enabled": False})
    provider = FakeProvider(replies or {"small": said("small"), "large": said("large")})
    return Router(config, plan=InForce.read(config, clock=clock), provider=provider, clock=clock), clock


def test_a_new_bundle_is_taken_up_by_the_first_request_after_the_interval(saved):
    """Not before: the file is looked at once an interval at most."""
    router, clock = served(saved)
    version = written(saved, 1)

    before = router.route("2 + 2?")
    clock.now += EVERY
    after = router.route("2 + 2?")

    assert (before.text, after.text) == ("small", "large")
    assert after.decision.policy_version == version[:16]


@pytest.mark.parametrize("ask", ["route", "aroute", "stream", "astream", "decide", "route_many"])
def test_every_way_of_asking_looks(saved, ask):
    """Synchronous, asynchronous, streamed, in a batch, or only deciding."""
    router, clock = served(saved)
    written(saved, 1)
    clock.now += EVERY

    async def last():
        return [item async for item in router.astream("2 + 2?")][-1].decision

    def streamed():
        list(stream := router.stream("2 + 2?"))
        return stream.response.decision

    decision = {
        "route": lambda: router.route("2 + 2?").decision,
        "aroute": lambda: asyncio.run(router.aroute("2 + 2?")).decision,
        "stream": streamed,
        "astream": lambda: asyncio.run(last()),
        "decide": lambda: router.decide("2 + 2?"),
        "route_many": lambda: next(iter(router.route_many(["2 + 2?"]))).decision,
    }[ask]()

    assert decision.start == "large"


def test_without_watch_nothing_is_looked_at(saved):
    """The default is off: only reload() reads files."""
    router, clock = served(saved, watch=0)
    written(saved, 1)
    clock.now += 1e6

    assert router.decide("2 + 2?").start == "small"
    router.reload()
    assert router.decide("2 + 2?").start == "large"


def test_a_request_under_way_finishes_with_the_plan_that_it_began_with(saved):
    """The bundle is replaced and taken up by another request while the first tier is answering."""
    both = Thresholds(start=(0.0, 0.0), accept=(1.0, 0.0))
    replace(made(), profiles={"default": Profile(both)}).save(saved)
    begun = []

    def slow(_):
        if not begun:
            begun.append(True)
            written(saved, 1)
            clock.now += EVERY
            begun.append(router.route("another").decision)
        return said("small")

    router, clock = served(saved, replies={"small": slow, "large": said("large")})
    version = router.plan.policy_version

    decision = router.route("2 + 2?").decision

    assert begun[1].policy_version != version
    assert (decision.policy_version, [each.tier for each in decision.attempts]) == (version, ["small", "large"])


def test_a_bundle_that_cannot_be_used_keeps_the_old_plan_and_warns_once(saved, caplog):
    """Truncated, for other tiers, or gone: requests go on, one warning for each file, and a good one is taken up."""
    router, clock = served(saved)

    def asked():
        clock.now += EVERY
        return router.route("2 + 2?").text

    saved.write_bytes(saved.read_bytes()[:100])
    first = [asked(), asked()]
    saved.unlink()
    second = [asked(), asked()]
    written(saved, 1)

    assert [*first, *second] == ["small"] * 4
    assert [message.split(":")[0] for message in caplog.messages] == [
        "the new policy is not used, and the old one stays"
    ] * 2
    assert asked() == "large"


def test_an_alarm_is_heard_while_running_and_its_end_too(saved):
    """The alarm file appears and goes away beside the bundle."""
    router, clock = served(saved, fallback="strong")

    raise_alarm(saved, "drift", created=1.0)
    clock.now += EVERY
    during = router.route("2 + 2?")
    alarm_path(saved).unlink()
    clock.now += EVERY
    after = router.route("2 + 2?")

    assert (during.text, after.text) == ("large", "small")
    assert during.decision.policy_version.endswith("+fallback")
    assert "drift" in during.decision.reason


def test_an_alarm_is_heard_beside_a_broken_bundle(saved):
    """The old plan cannot be replaced, and is still fallen back from."""
    router, clock = served(saved, fallback="strong")
    saved.write_bytes(b"broken")
    raise_alarm(saved, "drift", created=1.0)
    clock.now += EVERY

    assert router.route("2 + 2?").text == "large"


def test_a_promoted_bundle_ends_the_fallback_of_the_one_before(saved):
    """The alarm names the old version, so nobody has to clear it."""
    version = written(saved, 0)
    raise_alarm(saved, "drift", created=1.0, policy_version=version)
    router, clock = served(saved, fallback="strong")
    fallen = router.route("2 + 2?").text

    written(saved, 0, retrained=True)
    clock.now += EVERY

    assert (fallen, router.route("2 + 2?").text) == ("large", "small")
    assert alarm_path(saved).exists()


def test_many_threads_see_either_bundle_whole_and_the_new_one_in_the_end(saved):
    """No request fails, none mixes two plans, and the file is read by one of them at a time."""
    router, clock = served(saved)
    versions = {0: router.plan.policy_version}
    seen, stop = [], threading.Event()

    def work():
        while not stop.is_set():
            decision = router.route("2 + 2?").decision
            seen.append((decision.policy_version, decision.tier))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(1, 9):
        versions[turn] = written(saved, turn % 2, turn=turn)[:16]
        clock.now += EVERY
        router.decide("2 + 2?")
        clock.now += EVERY  # another thread may have been looking just then
        router.decide("2 + 2?")
    stop.set()
    for thread in threads:
        thread.join()
    clock.now += EVERY
    last = router.route("2 + 2?").decision

    tiers = {version: ("small", "large")[turn % 2] for turn, version in versions.items()}
    assert all(tier == tiers[version] for version, tier in seen)
    assert last.policy_version == versions[8]


def test_many_tasks_see_either_bundle_whole(saved):
    """On an event loop the bundle is read in a thread, and the other requests go on with the old plan."""
    router, clock = served(saved)
    old, new = router.plan.policy_version, written(saved, 1)[:16]
    clock.now += EVERY

    async def go():
        found = await asyncio.gather(*(router.aroute(f"2 + {n}?") for n in range(20)))
        return [*found, await router.aroute("2 + 2?")]

    found = [(each.decision.policy_version, each.text) for each in asyncio.run(go())]

    assert set(found) <= {(old, "small"), (new, "large")}
    assert found[-1] == (new, "large")


def test_a_file_of_the_same_time_is_told_by_its_identity(saved):
    """A replacement within the clock's grain is another file all the same."""
    router, clock = served(saved)
    stat = saved.stat()
    other = saved.with_name("other")
    written(other, 1)
    os.utime(other, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    other.replace(saved)
    clock.now += EVERY

    assert router.decide("2 + 2?").start == "large"


def test_a_service_may_start_before_its_first_bundle_and_takes_that_up_and_keeps_it(tmp_path):
    """`untrained = "strong"`: the strongest tier is asked until there is one; a file that goes away changes nothing."""
    path = tmp_path / "serve" / "policy.tierwise"
    router, clock = served(path, untrained="strong")

    def asked():
        clock.now += EVERY
        decision = router.route("2 + 2?").decision
        return decision.tier, decision.policy_version

    before = asked()
    path.parent.mkdir()
    version = written(path, 0)
    after = asked()
    path.unlink()

    assert before == ("large", "untrained")
    assert after == asked() == ("small", version[:16])


def test_without_it_a_bundle_that_is_not_there_is_an_error(tmp_path):
    """A path with a slip of the pen must not pass for an untrained router."""
    with pytest.raises(BundleError, match="there is no such bundle"):
        served(tmp_path / "policy.tierwise")
