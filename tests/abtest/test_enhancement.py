"""An answer at once and a better one after it: when there is a second, what each costs, and what is written down."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from router.audits import Audits
from router.bundle import Profile
from router.cache.settings import CacheSettings
from router.config import Config
from router.engine import Router
from router.errors import AllTiersFailed, InputError, ServerFault
from router.ledger import Ledger
from router.policy import Always, CostAware, Thresholds
from router.providers.fake import FakeProvider
from tests.cache import kit as cache
from tests.core.test_bundle import made
from tests.end_to_end.test_faults import routed as routed
from tests.kit import Scripted, ladder, plan, router, said, two_tiers

PROMPT = "What is six times seven?"


def both(routing, prompt=PROMPT, **options):
    return list(routing.enhance(prompt, **options))


def test_a_draft_that_the_rule_doubts_comes_at_once_and_a_stronger_answer_after_it():
    routing, provider, book, _ = router(two_tiers(confidence=0.3), {"small": said("42?"), "large": said("42.")})

    first, second = both(routing)

    assert [(each.text, each.decision.tier) for each in (first, second)] == [("42?", "small"), ("42.", "large")]
    assert second.decision.upgraded_from == first.decision.id
    assert [call.tier.name for call in provider.calls] == ["small", "large"]
    assert [entry[0].id for entry in book.entries] == [first.decision.id, second.decision.id]


def test_together_they_cost_what_the_cascade_costs():
    """Each tier is paid once, and each decision holds its own call alone."""
    replies = {"small": said("42?"), "large": said("42.")}
    routing, _, _, _ = router(two_tiers(confidence=0.3), replies)
    whole, _, _, _ = router(two_tiers(confidence=0.3), replies)

    responses = both(routing)

    assert sum(each.decision.cost for each in responses) == whole.route(PROMPT).decision.cost
    assert [[attempt.tier for attempt in each.decision.attempts] for each in responses] == [["small"], ["large"]]
    assert responses[1].decision.strong_cost == 0  # as an upgrade's: nobody would have asked for it


def test_a_draft_that_will_do_is_the_only_answer():
    routing, provider, book, _ = router(two_tiers(confidence=0.9), {"small": said("42.")})

    (only,) = both(routing)

    assert only.decision.tier == "small"
    assert only.decision.attempts[0].reason == "its confidence reaches the threshold"
    assert (len(provider.calls), len(book.entries)) == (1, 1)


def test_the_draft_says_that_it_missed_its_bar():
    routing, _, _, _ = router(two_tiers(confidence=0.3), {"small": said("42?"), "large": said("42.")})

    draft = both(routing)[0].decision.attempts[0]

    assert (draft.verdict, draft.confidence, draft.threshold) == ("accepted", 0.3, 0.8)
    assert draft.reason.startswith("it is shown at once, before a stronger tier is asked: ")


def test_who_stops_after_the_first_pays_for_no_second():
    routing, provider, book, _ = router(two_tiers(confidence=0.3), {"small": said("42?"), "large": said("42.")})

    for response in routing.enhance(PROMPT):
        assert response.text == "42?"
        break

    assert (len(provider.calls), len(book.entries)) == (1, 1)


def test_where_the_plan_asks_the_strongest_at_once_there_is_one_answer():
    parts = plan(ladder("small", "large"), Always(why="untrained"), Scripted((0.6, 0.9)))
    routing, _, _, _ = router(parts, {"large": said("42.")})
    assert [each.decision.tier for each in both(routing)] == ["large"]


def test_the_second_begins_at_the_tier_that_the_rule_names():
    """Of three tiers the rule skips the middle one, as it would in the cascade."""
    after = {(0,): (0.2, 0.3, 0.9), (2,): (0.2, 0.3, 0.95)}
    parts = plan(
        ladder("small", "medium", "large"),
        Thresholds(start=(0.5, 0.5, 0.5), accept=(0.8, 0.8, 0.8)),
        Scripted((0.6, 0.4, 0.9), after),
    )
    routing, provider, _, _ = router(parts, {"small": said("42?"), "large": said("42.")})

    both(routing)

    assert [call.tier.name for call in provider.calls] == ["small", "large"]


def test_a_first_tier_that_fails_is_passed_over():
    down = ServerFault("it is down", tier="small")
    routing, _, _, _ = router(two_tiers(), {"small": [down] * 9, "large": said("42.")})
    (only,) = both(routing)
    assert [(a.tier, a.verdict) for a in only.decision.attempts] == [("small", "failed"), ("large", "accepted")]


def test_a_second_that_fails_is_an_error_after_the_first_was_given():
    down = ServerFault("it is down", tier="large")
    routing, _, book, _ = router(two_tiers(confidence=0.3), {"small": said("42?"), "large": [down] * 9})
    responses = routing.enhance(PROMPT)

    assert next(responses).text == "42?"
    with pytest.raises(AllTiersFailed):
        next(responses)
    assert [entry[0].error is None for entry in book.entries] == [True, False]


def test_a_ceiling_bounds_both():
    routing, provider, _, _ = router(two_tiers(confidence=0.3), {"small": said("42?")})
    assert len(both(routing, ceiling="small")) == 1
    assert len(provider.calls) == 1


def test_no_audit_asks_the_stronger_tier_besides():
    parts = replace(two_tiers(confidence=0.3), audits=Audits(enabled=True, share=1.0, least=1.0, most=1.0))
    routing, provider, _, _ = router(parts, {"small": said("42?"), "large": said("42.")})
    both(routing)
    routing.close()
    assert [call.tier.name for call in provider.calls] == ["small", "large"]


def test_a_draft_below_its_bar_is_not_kept_in_the_cache():
    """A cached answer is one that was good enough; one that was is given from the cache, and alone."""
    doubted = cache.made(CacheSettings(), plan=two_tiers(confidence=0.3))
    good = cache.made(CacheSettings())

    both(doubted.router)
    both(doubted.router)
    both(good.router)
    (again,) = both(good.router)

    assert doubted.asked == ["small", "large", "small"]  # the upgrade's answer is kept, for upgrades
    assert again.decision.cache is not None
    assert good.asked == ["small"]


def test_rules_that_keep_the_best_answer_enhance_too():
    parts = plan(ladder("small", "large"), CostAware(quality_per_dollar=0.0), Scripted((0.6, 0.9), {(0,): (0.3, 0.9)}))
    routing, provider, _, _ = router(parts, {"small": said("42?"), "large": said("42.")})
    both(routing)
    assert provider.calls[-1].tier.name == "large"


def test_on_an_event_loop_it_is_the_same():
    routing, provider, _, _ = router(two_tiers(confidence=0.3), {"small": said("42?"), "large": said("42.")})

    async def work():
        return [response async for response in routing.aenhance(PROMPT)]

    first, second = asyncio.run(work())

    assert (first.text, second.text) == ("42?", "42.")
    assert second.decision.upgraded_from == first.decision.id
    assert len(provider.calls) == 2


def test_a_bad_request_is_refused_before_anything_is_asked():
    routing, _, _, _ = router(two_tiers(), {})
    with pytest.raises(InputError, match="the prompt is empty"):
        routing.enhance(" ")


def test_over_real_http_each_tier_is_asked_and_billed_once(routed, llmock):
    """Two servers' wire formats, a real ledger: two linked decisions, whose sum is what was spent."""
    llmock.reply("a draft", provider="openai").reply("the answer", provider="anthropic")

    first, second = both(routed)

    assert [first.text, second.text] == ["a draft", "the answer"]
    entries = [entry.decision for entry in routed.ledger.decisions()]
    assert [each.id for each in entries] == [first.decision.id, second.decision.id]
    assert entries[1].upgraded_from == entries[0].id
    assert len(llmock.requests) == 2
    spent = sum(tier.cost(each.attempts[0].usage) for tier, each in zip(routed.plan.ladder.tiers, entries, strict=True))
    assert sum(each.cost for each in entries) == spent > 0


@pytest.fixture
def kept(tmp_path):
    """A router over a real ledger that keeps text, but for the feature `private`."""
    rules = [{"tag": "feature", "value": "private", "keep": "hash"}]
    config = Config.of(ladder("small", "large").tiers, ledger={"path": str(tmp_path / "l.db"), "rules": rules})
    provider = FakeProvider({"small": said("4"), "large": said("four")})
    with Ledger(tmp_path / "l.db", keep=config.ledger.keep) as ledger:
        made = Router(config, plan=two_tiers(confidence=0.9), provider=provider, ledger=ledger)
        made.provider = provider
        yield made


def test_an_upgrade_finds_the_prompt_in_the_ledger(kept):
    first = kept.route(
        [{"role": "user", "content": PROMPT}], system="Be brief.", max_tokens=9, user="u", tags={"t": "1"}
    )

    better = kept.upgrade(first)

    assert better.decision.tier == "large"
    assert better.decision.upgraded_from == first.decision.id
    assert (better.decision.user, better.decision.tags) == ("u", {"t": "1"})
    asked = kept.provider.calls[-1].request
    assert [message.content for message in asked.messages] == ["Be brief.", PROMPT]
    assert asked.max_tokens == 9


def test_an_upgrade_on_an_event_loop_is_the_same(kept):
    first = kept.route(PROMPT)

    async def work():
        return await kept.aupgrade(first), await kept.aupgrade(first, "Another prompt")

    better, other = asyncio.run(work())
    assert [each.decision.upgraded_from for each in (better, other)] == [first.decision.id] * 2
    assert kept.provider.calls[-1].request.messages[0].content == "Another prompt"


def test_where_no_text_was_kept_the_prompt_is_asked_for(kept):
    first = kept.route(PROMPT, tags={"feature": "private"})
    with pytest.raises(InputError, match=r"the ledger has kept no text of decision '.*'; pass the prompt again"):
        kept.upgrade(first)


def test_nothing_is_stronger_than_the_strongest(kept):
    with pytest.raises(InputError, match="'large' is the strongest tier; there is nothing to upgrade to"):
        kept.upgrade(kept.route(PROMPT, floor="large"), PROMPT)


def test_a_floor_above_the_next_tier_holds_for_an_upgrade():
    parts = plan(ladder("s", "m", "l"), Thresholds(start=(0.5,) * 3, accept=(0.1,) * 3), Scripted((0.6, 0.7, 0.9)))
    routing, _, _, _ = router(parts, {"s": said("1"), "m": said("2"), "l": said("3")})
    first = routing.route(PROMPT)
    assert [routing.upgrade(first, PROMPT).text, routing.upgrade(first, PROMPT, floor="l").text] == ["2", "3"]


def test_while_the_router_looks_for_new_bundles_it_enhances_too(tmp_path):
    path = tmp_path / "policy.tierwise"
    doubting = {"default": Profile(Thresholds(start=(0.0, 0.0), accept=(1.0, 1.0)))}
    replace(made(), profiles=doubting).save(path)
    config = Config.of(
        ladder("small", "large").tiers, policy={"bundle": str(path), "watch": 60}, ledger={"enabled": False}
    )
    with Router.from_config(config, provider=FakeProvider({"small": said("42?"), "large": said("42.")})) as routing:
        assert [each.text for each in both(routing)] == ["42?", "42."]
