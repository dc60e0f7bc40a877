"""Audits: how likely one is, when there is none, and that it changes nothing about the answer."""

from __future__ import annotations

import asyncio
import math
import os
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.audits import Audits, audit_rate, chosen
from router.background import BACKLOG, Background
from router.cascade import cascade
from router.config import Config
from router.drivers import replay
from router.engine import Router
from router.errors import ConfigError, RejectedRequest, ServerFault
from router.policy import CostAware, Thresholds
from router.providers.fake import FakeProvider
from tests.kit import BIRTH, Book, Clock, Scripted, ask, ladder, plan, said, two_tiers

ALWAYS = Audits(enabled=True, least=1.0, most=1.0, share=1.0)


def router(parts, *, audits=ALWAYS, book=None, **replies):
    """A router that audits, over the tiers of ``parts``."""
    provider = FakeProvider({"small": said("4"), "large": said("four"), **replies})
    book, clock = book or Book(), Clock()
    config = Config.of(parts.ladder.tiers, audits=audits)
    parts = replace(parts, audits=audits)
    return Router(config, plan=parts, provider=provider, ledger=book, clock=clock, sleep=clock.sleep), provider, book


def test_the_rate_by_hand():
    """clip(least + (most - least) exp(A / width), least, most): the most at the threshold, the least far from it."""
    rate = {advantage: audit_rate(advantage, least=0.01, most=0.1, width=0.05) for advantage in (0.0, -0.05, -9.0, 0.5)}

    assert rate[0.0] == pytest.approx(0.1)
    assert rate[-0.05] == pytest.approx(0.01 + 0.09 / math.e)
    assert rate[-9.0] == pytest.approx(0.01)
    assert rate[0.5] == pytest.approx(0.1)


@given(
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    width=st.floats(1e-6, 10),
    near=st.floats(-1e3, 0),
    far=st.floats(-1e3, 0),
)
def test_the_rate_stays_within_its_bounds_and_never_falls_towards_the_threshold(ends, width, near, far):
    """Whatever the settings."""
    near, far = max(near, far), min(near, far)
    rates = [audit_rate(each, least=ends[0], most=ends[1], width=width) for each in (near, far)]

    assert ends[0] <= rates[1] <= rates[0] <= ends[1]


def test_where_nothing_is_known_of_the_answer_the_rate_is_the_least():
    """A NaN confidence is far from any threshold, as far as one can tell."""
    assert Audits(least=0.02).rate(math.nan, 0.5) == 0.02


def test_the_draw_belongs_to_the_decision_and_comes_as_often_as_it_should():
    """The same id draws the same; of many about the rate; at 0 never and at 1 always."""
    ids = [f"{place:032x}" for place in range(4000)]
    drawn = [chosen(each, 0.1) for each in ids]

    assert drawn == [chosen(each, 0.1) for each in ids]
    assert 0.08 < sum(drawn) / len(ids) < 0.12
    assert not any(chosen(each, 0.0) for each in ids)
    assert all(chosen(each, 1.0) for each in ids)


def test_an_audit_is_a_decision_of_its_own_that_says_what_it_is_of():
    """Its propensity is the probability that the first decision recorded; it is judged as an escalation would be."""
    made, provider, book = router(two_tiers(confidence=0.9))

    response = made.route("2 + 2?", tags={"feature": "search"}, user="u1", deadline=5.0)
    made.close()

    (first, _), (audit, request) = book.entries
    attempt = audit.attempts[0]
    assert (response.text, response.decision) == ("4", first)
    assert (first.audit, first.audit_of, first.cost) == (1.0, None, 16_000)
    assert (audit.audit_of, audit.propensity, audit.audit, audit.cost) == (first.id, 1.0, 0.0, 160_000)
    assert (audit.tier, len(audit.attempts), attempt.tier, attempt.verdict) == (None, 1, "large", "audited")
    assert (attempt.text, attempt.confidence, attempt.threshold, attempt.propensity) == ("four", 0.95, None, 1.0)
    assert attempt.signals["log_chars"] == math.log1p(4)
    assert (audit.tags, audit.user, audit.profile, audit.strong_cost) == (first.tags, "u1", "default", 0)
    assert (request.text, request.deadline) == ("2 + 2?", None)
    assert provider.calls[-1].timeout == made.plan.ladder[1].timeout
    assert audit.id != first.id


def test_the_first_decision_records_the_probability_whether_or_not_it_came_to_an_audit():
    """Off-policy evaluation needs it either way."""
    audits = Audits(enabled=True, least=0.0, most=1e-9, share=1.0)
    made, provider, book = router(two_tiers(confidence=0.85), audits=audits)

    made.route("2 + 2?")
    made.close()

    assert book.last.audit == pytest.approx(1e-9 * math.exp(-1))
    assert len(provider.calls) == len(book.entries) == 1


@pytest.mark.parametrize(
    ("confidence", "options"),
    [
        pytest.param(0.3, {}, id="the strongest tier answered"),
        pytest.param(0.9, {"ceiling": "small"}, id="nothing stronger may be asked"),
        pytest.param(0.9, {"floor": "large"}, id="it began at the strongest"),
    ],
)
def test_there_is_no_audit_where_no_stronger_tier_could_have_been_asked(confidence, options):
    """A ceiling binds audits too: the request may be for nobody else's eyes."""
    made, _, book = router(two_tiers(confidence=confidence))

    made.route("2 + 2?", **options)
    made.close()

    assert [decision.audit for decision, _ in book.entries] == [0.0]


def test_there_is_no_audit_of_an_answer_that_a_stronger_one_was_seen_beside():
    """The stronger answer was outvoted, so what it would have been is known."""
    after = {(0,): (0.5, 0.9), (0, 1): (0.7, 0.3)}
    parts = plan(ladder("small", "large"), CostAware(quality_per_dollar=0.0), Scripted((0.95, 0.9), after))
    made, _, book = router(parts)

    made.route("2 + 2?")
    made.close()

    assert [(decision.tier, decision.audit) for decision, _ in book.entries] == [("small", 0.0)]


def test_of_three_tiers_the_next_one_is_asked():
    """Not the strongest."""
    after = {(0,): (0.9, 0.9, 0.9), (0, 1): (0.9, 0.95, 0.9)}
    names = ladder("small", "medium", "large")
    parts = plan(names, Thresholds(start=(0.5,) * 3, accept=(0.8,) * 3), Scripted((0.6, 0.9, 0.9), after))
    made, _, book = router(parts, medium=said("IV"))

    made.route("2 + 2?")
    made.close()

    assert book.last.attempts[0].tier == "medium"


def test_an_audit_that_fails_is_written_down_as_failed():
    """It was part of the draw; what it was billed counts, and nobody is told but the ledger."""
    made, _, book = router(two_tiers(confidence=0.9), large=RejectedRequest("no", tier="large"))

    assert made.route("2 + 2?").text == "4"
    made.close()

    assert [attempt.verdict for attempt in book.last.attempts] == ["failed"]
    assert book.last.audit_of == book.entries[0][0].id
    assert book.last.error == "RejectedRequest: no"


def test_an_audit_is_retried_as_any_call_is():
    """Passing faults are waited out in the background."""
    made, _, book = router(two_tiers(confidence=0.9), large=[ServerFault("down", tier="large"), said("four")])

    made.route("2 + 2?")
    made.close()

    assert (book.last.attempts[0].verdict, book.last.attempts[0].calls) == ("audited", 2)


def test_an_audit_that_cannot_be_written_down_is_warned_of_and_no_more(caplog):
    """The request was served and is in the ledger."""

    class Half(Book):
        def append(self, decision, request):
            self.fails = decision.audit_of is not None
            super().append(decision, request)

    made, _, book = router(two_tiers(confidence=0.9), book=Half())

    assert made.route("2 + 2?").text == "4"
    made.close()

    assert len(book.entries) == 1
    assert caplog.messages == ["work in the background failed (LedgerError: the disk is full)"]


def test_an_audit_that_cannot_be_judged_is_written_down_with_its_cost():
    """It was paid for."""

    class Broken(Scripted):
        def observe(self, evidence, rank, completion):
            if evidence.answers:
                raise RecursionError("too deep")
            return super().observe(evidence, rank, completion)

    parts = two_tiers(confidence=0.9)
    parts = replace(parts, assessor=Broken(parts.assessor.before, parts.assessor.after))
    made, _, book = router(parts)

    made.route("2 + 2?")
    made.close()

    assert (book.last.cost, book.last.attempts[0].verdict) == (160_000, "audited")
    assert book.last.attempts[0].confidence is None


def test_the_answer_is_returned_before_its_audit_is_over():
    """The stronger tier answers only once the caller has the answer."""
    returned = threading.Event()

    def late(_):
        assert returned.wait(30)
        return said("four")

    made, _, book = router(two_tiers(confidence=0.9), large=late)

    response = made.route("2 + 2?")
    before = len(book.entries)
    returned.set()
    made.close()

    assert (response.text, before, len(book.entries)) == ("4", 1, 2)


def test_on_an_event_loop_an_audit_is_a_task_that_aclose_awaits():
    """aroute and astream return first."""
    made, provider, book = router(two_tiers(confidence=0.9))

    async def go():
        go_on = asyncio.Event()

        async def late(send):
            if send.tier.name == "large":
                await go_on.wait()
            return provider.complete(send)

        provider.acomplete = late
        async with made:
            text = (await made.aroute("2 + 2?")).text
            streamed, _ = [item async for item in made.astream("2 + 2?")]
            before = len(book.entries)
            go_on.set()
        return text, streamed, before

    assert asyncio.run(go()) == ("4", "4", 2)
    assert sorted(decision.audit_of is not None for decision, _ in book.entries) == [False, False, True, True]


def test_a_loop_that_ends_before_its_audits_cancels_them_and_leaves_nothing_behind():
    """Without aclose the task is cancelled with its loop; the request itself is safe."""
    made, provider, book = router(two_tiers(confidence=0.9))

    async def hang(send):
        if send.tier.name == "large":
            await asyncio.Event().wait()
        return provider.complete(send)

    provider.acomplete = hang
    text = asyncio.run(made.aroute("2 + 2?")).text
    made.close()

    assert text == "4"
    assert book.entries[0][0].audit_of is None
    assert not made._outside._background._work.open


def test_streams_and_batches_are_audited_like_any_other():
    """Every way of asking goes through the same core."""
    made, _, book = router(two_tiers(confidence=0.9))

    assert "".join(made.stream("2 + 2?")) == "4"
    assert [each.text for each in made.route_many(["2 + 2?", "3 + 3?"])] == ["4", "4"]
    made.close()

    assert sum(decision.audit_of is not None for decision, _ in book.entries) == 3


def test_audits_pause_while_their_share_of_the_spend_is_used_up_and_say_so():
    """A decision whose audit there was no money for records probability 0, not one that was never drawn from."""
    audits = replace(ALWAYS, share=0.25)
    made, _, book = router(two_tiers(confidence=0.9), audits=audits)

    for _ in range(31):
        made.route("2 + 2?")
        made._outside._background.drain()
    made.close()

    rates = [decision.audit for decision, _ in book.entries if decision.audit_of is None]
    spent = sum(decision.cost for decision, _ in book.entries if decision.audit_of is not None)
    # One costs 160,000 and a request 16,000: after the first it takes 30 requests until a quarter is not exceeded.
    assert rates == [1.0] + [0.0] * 29 + [1.0]
    assert spent == 2 * 160_000


def test_audits_under_way_count_with_what_they_are_expected_to_cost():
    """Many at once cannot overdraw the share before the first is billed."""
    returned = threading.Event()

    def late(_):
        assert returned.wait(30)
        return said("four")

    parts = two_tiers(confidence=0.9)
    parts = replace(parts, assessor=replace(parts.assessor, cost=(16_000.0, 160_000.0)))
    made, _, _ = router(parts, audits=replace(ALWAYS, share=0.25), large=late)

    rates = [made.route("2 + 2?").decision.audit for _ in range(5)]
    returned.set()
    made.close()

    assert rates == [1.0, 0.0, 0.0, 0.0, 0.0]


def test_audits_pause_while_too_many_are_waiting():
    """Then the probability is 0 too: nothing is drawn and then dropped."""
    returned = threading.Event()

    def late(_):
        assert returned.wait(30)
        return said("four")

    made, _, book = router(two_tiers(confidence=0.9), large=late)

    rates = [made.route("2 + 2?").decision.audit for _ in range(BACKLOG + 3)]
    returned.set()
    made.close()

    assert rates == [1.0] * BACKLOG + [0.0] * 3
    assert len(book.entries) == 2 * BACKLOG + 3


def test_after_close_the_next_request_is_audited_again():
    """Threads are started when they are needed."""
    made, _, book = router(two_tiers(confidence=0.9))
    for _ in range(2):
        made.route("2 + 2?")
        made.close()

    assert [decision.audit_of is None for decision, _ in book.entries] == [True, False, True, False]


def test_audits_are_off_by_default():
    """A router that nobody told to audit asks nobody a second time."""
    made, provider, book = router(two_tiers(confidence=0.9), audits=Audits())
    made.plan = replace(made.plan, audits=None)

    made.route("2 + 2?")
    made.close()

    assert not Audits().enabled
    assert (len(provider.calls), book.last.audit) == (1, 0.0)


def test_a_replay_audits_nothing():
    """Nobody is asked twice for a logged answer, and its probability is 0."""
    parts = replace(two_tiers(confidence=0.9), audits=ALWAYS)

    response = replay(cascade(ask(), parts, BIRTH), {"small": said("4")})

    assert (response.text, response.decision.audit) == ("4", 0.0)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"least": 0.5}, "`least`: is 0.5, above `most`, which is 0.1"),
        ({"share": 0}, "`share`: must be above 0 and at most 1"),
        ({"width": 0.0}, "`width`: must be above 0"),
        ({"enabled": "yes"}, "`enabled`: must be true or false"),
        ({"rate": 0.1}, "`rate`: there is no such key"),
    ],
)
def test_a_mistake_in_the_table_is_one_sentence(table, words):
    """With table and key."""
    with pytest.raises(ConfigError, match=rf"\[audits\] {words}"):
        Config.of(ladder("small").tiers, audits=table)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_what_waits_when_a_process_forks_is_done_by_the_parent_alone():
    """Else an audit would be paid for and written down twice."""
    work, go = Background(), threading.Event()
    reader, writer = os.pipe()
    for number in range(4):
        work.submit(lambda number=number: (go.wait(10), os.write(writer, f"{number}".encode())))

    child = os.fork()
    if child == 0:
        go.set()
        fresh = not work.is_full
        work.submit(lambda: os.write(writer, b"c" if fresh else b"full"))
        work.drain()
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 100) == b"c"
    go.set()
    work.drain()

    assert sorted(os.read(reader, 100)) == sorted(b"0123")
    os.close(reader)
    os.close(writer)
