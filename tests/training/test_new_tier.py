"""A tier added to a trained bundle from a handful of labels, on simulated logs."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from router.assess import Evidence, Trained
from router.bundle import PolicyBundle, Profile, load
from router.config import load as load_config
from router.errors import BundleError, InputError
from router.estimators import Calibration, DenseModel
from router.plan import Plan
from router.planning import plan_of
from router.policy import (
    Always,
    CascadeRouting,
    CostAware,
    Induction,
    Mixture,
    Noted,
    Rule,
    Run,
    State,
    Stop,
    Thresholds,
    rule_from,
)
from router.tiers import Ladder
from router.trees import Blend, TreeModel
from router.types import Request, as_messages
from tests.kit import router, tier
from tests.training.simulated import SUBJECTS, _outcome
from training.__main__ import app
from training.errors import NotEnoughLabels
from training.fit import fit
from training.long_format import write_records
from training.new_tier import add_tier
from training.records import Query, Records
from training.replay import replay_all
from training.tier_labels import FEWEST, read_answers_of
from training.widening import Place, columns, extended, wider, with_identity

TIERS = {
    "small": tier("small", input=1.0, output=2.0),
    "mid": tier("mid", input=2.0, output=4.0),
    "large": tier("large", input=10.0, output=20.0),
}
LADDER = Ladder(tuple(TIERS.values()))
CHANCES = {"count": (0.9, 0.93, 0.6), "name": (0.3, 0.92, 0.95), "guess": (0.2, 0.35, 0.4), "copy": (0.97, 0.97, 0.98)}
PRICE = 1_500.0
TERMINAL = CliRunner()


def logs(n, *, seed):
    """Simulated answers of three tiers, the middle one nearly as good as the large one at a fifth of its price."""
    rng = random.Random(seed)
    queries = []
    for number in range(n):
        kind = rng.choice(list(CHANCES))
        prompt = f"{kind} the {rng.choice(SUBJECTS)} and the {rng.choice(SUBJECTS)}, case {seed}-{number}"
        request = Request(messages=as_messages(prompt))
        outcomes = tuple(_outcome(rng, chance, prompt) for chance in CHANCES[kind])
        split = ("train", "train", "train", "certify", "test")[number % 5]
        queries.append(Query(f"q{seed}-{number}", request, outcomes, split, request.prompt_hash, task=kind))
    return Records(LADDER.names, tuple(queries))


def without(records, name):
    """The same log as it was before there was the tier ``name``, and its ladder."""
    rank = LADDER.names.index(name)
    ladder = Ladder(tuple(each for each in LADDER.tiers if each.name != name))
    queries = tuple(
        replace(query, outcomes=query.outcomes[:rank] + query.outcomes[rank + 1 :]) for query in records.queries
    )
    return Records(ladder.names, queries), ladder


@pytest.fixture(scope="module")
def champions(tmp_path_factory):
    """A bundle for every pair of the three tiers, by the tier that it lacks."""
    folder = tmp_path_factory.mktemp("champions")
    found = {}
    for name in LADDER.names:
        part, ladder = without(logs(900, seed=1), name)
        bundle = fit(part, ladder, rungs=["prompt"]).bundle.with_rule(CostAware(quality_per_dollar=PRICE))
        bundle.save(folder / f"{name}.tierwise")
        found[name] = load(folder / f"{name}.tierwise")
    return found


def plan(bundle: PolicyBundle, ladder: Ladder) -> Plan:
    return Plan(
        ladder=ladder, assessor=Trained(ladder, bundle.estimators), rule=bundle.rule, best_single=bundle.best_single
    )


def worth(bundle, records, ladder):
    """Quality less the price of cost, per request, of what a bundle does."""
    done = replay_all(records, plan(bundle, ladder))
    return done.quality - PRICE * done.cost / 1e9, done


@pytest.mark.parametrize("count", [15, 30, 120])
def test_a_cheap_good_tier_pays_from_its_first_labels(champions, count):
    """The policy with the new tier is worth more at the champion's own price of cost than the one that ignores it."""
    added = add_tier(champions["mid"], logs(count, seed=2), LADDER, name="mid")
    fresh = logs(1500, seed=3)
    part, ladder = without(fresh, "mid")

    mine, done = worth(added.bundle, fresh, LADDER)
    theirs, before = worth(champions["mid"], part, ladder)

    gain = mine - theirs
    assert gain.mean() > 2 * gain.std() / math.sqrt(len(gain))
    assert done.cost.mean() < before.cost.mean()
    assert done.rank.count(1) > 100
    assert added.labels == count


@pytest.mark.parametrize("name", LADDER.names)
def test_a_tier_comes_in_at_any_price(champions, name, tmp_path):
    """Cheapest, in between or strongest: the bundle saves, loads and routes as it did in memory."""
    added = add_tier(champions[name], logs(40, seed=4), LADDER, name=name)
    version = added.bundle.save(tmp_path / "new.tierwise")
    back = load(tmp_path / "new.tierwise")
    fresh = logs(60, seed=5)
    assert back.version == version
    assert back.tiers == LADDER.names
    assert replay_all(fresh, plan(back, LADDER)).rank == replay_all(fresh, plan(added.bundle, LADDER)).rank


@pytest.mark.parametrize("name", LADDER.names)
def test_what_is_said_of_the_known_tiers_is_the_same(champions, name):
    """Before any answer, after each of theirs and after both, their chances are those of the champion."""
    place = Place(LADDER.names.index(name), 3)
    bundle = add_tier(champions[name], logs(40, seed=4), LADDER, name=name).bundle
    fresh = logs(40, seed=6)
    part, ladder = without(fresh, name)
    old, new = Trained(ladder, champions[name].estimators), Trained(LADDER, bundle.estimators)
    for before, query in zip(part.queries, fresh.queries, strict=True):
        mine, theirs = new.begin(query.request), old.begin(query.request)
        assert known(mine, place) == pytest.approx(theirs.quality)
        for rank in range(2):
            said = before.outcomes[rank].completion
            mine, theirs = new.observe(mine, place.of(rank), said), old.observe(theirs, rank, said)
            assert known(mine, place) == pytest.approx(theirs.quality)
            assert 0 < mine.quality[place.rank] < 1


def known(evidence: Evidence, place: Place):
    """The chances of the tiers that were there before."""
    return [evidence.quality[rank] for rank in place.known]


def test_an_answer_of_the_new_tier_keeps_what_the_others_answers_told(champions):
    """After the small tier's answer and the new one's, the small one's chance is still that of its answer."""
    bundle = add_tier(champions["mid"], logs(40, seed=4), LADDER, name="mid").bundle
    assessor = Trained(LADDER, bundle.estimators)
    for query in logs(20, seed=6).queries:
        first = assessor.observe(assessor.begin(query.request), 0, query.outcomes[0].completion)
        second = assessor.observe(first, 1, query.outcomes[1].completion)
        alone = assessor.observe(assessor.begin(query.request), 1, query.outcomes[1].completion)
        assert second.quality[0] == pytest.approx(first.quality[0])
        assert second.quality[1] == pytest.approx(alone.quality[1])


def test_a_surer_answer_of_the_new_tier_is_trusted_more(champions):
    """With log-probabilities the confidence follows them; without, the prompt is all that it knows."""
    labels = logs(60, seed=7)
    mute = replace(
        labels,
        queries=tuple(
            replace(
                query,
                outcomes=tuple(replace(o, completion=replace(o.completion, logprobs=None)) for o in query.outcomes),
            )
            for query in labels.queries
        ),
    )
    told = add_tier(champions["mid"], labels, LADDER, name="mid")
    untold = add_tier(champions["mid"], mute, LADDER, name="mid")
    query = labels.queries[0]

    def confidence(added, surety):
        values = replace(query.outcomes[1].completion.logprobs, values=(surety,) * 3)
        assessor = Trained(LADDER, added.bundle.estimators)
        begun = assessor.begin(query.request)
        return assessor.observe(begun, 1, replace(query.outcomes[1].completion, logprobs=values)).quality[1]

    assert (told.scorer, untold.scorer) == ("log-probabilities", "prompt")
    assert confidence(told, -0.05) > confidence(told, -2.0) + 0.1
    assert confidence(untold, -0.05) == confidence(untold, -2.0)


def test_calls_of_the_new_tier_are_expected_to_cost_what_they_do(champions):
    """Expected costs of the new tier are those of its calls on average, from thirty of them."""
    bundle = add_tier(champions["mid"], logs(30, seed=8), LADDER, name="mid").bundle
    assessor = Trained(LADDER, bundle.estimators)
    fresh = logs(300, seed=9)
    expected = np.mean([assessor.begin(query.request).cost[1] for query in fresh.queries])
    real = np.mean([TIERS["mid"].cost(query.outcomes[1].completion.usage) for query in fresh.queries])
    assert 0.75 < expected / real < 1.33


def test_nothing_is_claimed_that_was_not_tested(champions):
    """Facts, every profile and each decision's reason say that it is uncertified, and from how many labels."""
    champion = replace(
        champions["mid"],
        profiles={
            **champions["mid"].profiles,
            "other": Profile(Always(), {"certificate": {"certified": True}, "objective": {"share": 0.9}}),
        },
        facts={**champions["mid"].facts, "certificate": {"certified": True}},
    )
    bundle = add_tier(champion, logs(20, seed=2), LADDER, name="mid").bundle
    assert bundle.facts["certificate"]["certified"] is False
    assert "grafted" in bundle.facts["certificate"]["statement"]
    assert "from 20 labelled answers" in bundle.facts["certificate"]["statement"]
    assert bundle.facts["grafted"]["onto"] == champion.version
    assert bundle.facts["grafted"]["labels"] == 20
    assert [each["name"] for each in bundle.facts["provenance"]["tiers"]] == list(LADDER.names)
    assert bundle.profiles["other"].facts["objective"] == {"share": 0.9}
    assert all(profile.facts["certificate"]["certified"] is False for profile in bundle.profiles.values())
    asked, *_ = router(plan(bundle, LADDER), dict.fromkeys(LADDER.names, "yes"))
    told = asked.route("count the cats and the dogs").decision.explain()
    assert "(uncertified: tier 'mid' was grafted from 20 labels)" in told
    assert told.count("uncertified") == 1


def test_too_few_labels_are_refused(champions):
    """Fewer than fifteen prompts, however often each was asked, are not enough; the sentence counts them."""
    few = logs(FEWEST - 1, seed=2)
    twice = replace(few, queries=(*few.queries, *(replace(query, id=f"{query.id}b") for query in few.queries)))
    for records in (few, twice):
        with pytest.raises(NotEnoughLabels, match=r"labelled answers to 14 prompts; .* needs at least 15") as caught:
            add_tier(champions["mid"], records, LADDER, name="mid")
        assert caught.value.needed == FEWEST


@pytest.mark.parametrize("quality", [0.0, 1.0])
def test_labels_of_one_kind_give_a_finite_head(champions, quality):
    """A tier that was always right, or never, so far is not taken for one that always will be."""
    labels = logs(20, seed=2)
    labels = replace(
        labels,
        queries=tuple(
            replace(query, outcomes=tuple(replace(o, quality=quality) for o in query.outcomes))
            for query in labels.queries
        ),
    )
    bundle = add_tier(champions["mid"], labels, LADDER, name="mid").bundle
    assessor = Trained(LADDER, bundle.estimators)
    query = labels.queries[0]
    chance = assessor.observe(assessor.begin(query.request), 1, query.outcomes[1].completion).quality[1]
    assert 0.01 < chance < 0.99
    assert (chance > 0.5) == (quality == 1.0)


def test_rare_labels_count_for_more(champions):
    """Labels that were bought with a small probability move the head as if there were more of them."""
    labels = logs(60, seed=2)
    heavy = replace(
        labels,
        queries=tuple(
            replace(query, outcomes=tuple(replace(o, weight=10.0 if o.quality else 1.0) for o in query.outcomes))
            for query in labels.queries
        ),
    )
    request = labels.queries[0].request
    plain, weighed = (
        Trained(LADDER, add_tier(champions["mid"], each, LADDER, name="mid").bundle.estimators).begin(request)
        for each in (labels, heavy)
    )
    assert weighed.quality[1] > plain.quality[1] + 0.02


def test_another_ladder_or_model_is_refused(champions):
    """The configuration holds the bundle's tiers and models, and the new tier."""
    labels = logs(20, seed=2)
    renamed = Ladder((replace(TIERS["small"], name="tiny"), TIERS["mid"], TIERS["large"]))
    swapped = Ladder((replace(TIERS["small"], model="another"), TIERS["mid"], TIERS["large"]))
    with pytest.raises(InputError, match="the bundle is for the tiers small, large, and the configuration has tiny"):
        add_tier(champions["mid"], labels, renamed, name="mid")
    with pytest.raises(InputError, match="the bundle was trained on 'model-small' as tier 'small'"):
        add_tier(champions["mid"], labels, swapped, name="mid")
    with pytest.raises(InputError):
        add_tier(champions["mid"], labels, LADDER, name="huge")
    silent = replace(labels, queries=tuple(replace(query, inclusion=None) for query in labels.queries))
    with pytest.raises(InputError, match="with which probability"):
        add_tier(champions["mid"], silent, LADDER, name="mid")


@pytest.mark.parametrize("value", [[0.0, -1.0, 2.0], [[0.0, 0.0], [-1.0, 0.5], [2.0, -0.25]]], ids=["own", "shared"])
def test_old_scorers_with_trees_go_on_as_they_were(value):
    """A blend of a linear model and trees says of the known tiers what it said, over the wider input."""
    place = Place(1, 3)
    old, new = columns(2, (0,)), columns(3, (0,))
    size = len(old)
    rng = np.random.default_rng(0)
    tree = TreeModel(
        feature=np.array([1, 0, 0], np.uint32),
        threshold=np.array([0.2, 0.0, 0.0]),
        left=np.array([1, 1, 2], np.uint32),
        right=np.array([2, 1, 2], np.uint32),
        missing_left=np.zeros(3, np.uint8),
        value=np.array(value),
        roots=np.array([0], np.uint32),
        head=np.array([1], np.uint32),
        intercept=np.array([0.1, 0.3]),
    )
    linear = DenseModel(rng.normal(size=size), np.full(size, 2.0), rng.normal(size=(size, 2)), np.array([0.5, -0.5]))
    places = [new.index(("logit", 2, 0, 0) if column == ("logit", 1, 0, 0) else column) for column in old]
    made = wider(Blend(linear, tree), places, len(new), place)
    for _ in range(20):
        row = rng.normal(size=size)
        wide = np.full(len(new), 7.0)
        wide[places] = row
        assert made.logits(wide)[[0, 2]] == pytest.approx(Blend(linear, tree).logits(row))
        assert made.logits(wide)[1] == 0.0


THREE = Thresholds(start=(0.3, 0.5), accept=(0.7, 0.0))
RULES: dict[str, tuple[Rule, int, Rule]] = {
    "always-strong stays with its tier": (Always(), 2, Always(1)),
    "a cheaper tier moves the others up": (Always(0), 0, Always(1)),
    "a price is kept": (CostAware(5.0, keep="last"), 1, CostAware(5.0, keep="last")),
    "induction": (Induction(3.0, {}), 1, CostAware(3.0)),
    "cascade routing": (CascadeRouting(4.0, (0.1, 0.1)), 1, CostAware(4.0)),
    "a threshold in between": (THREE, 1, Thresholds(start=(0.3, 0.3, 0.5), accept=(0.7, 0.7, 0.0))),
    "a threshold below": (THREE, 0, Thresholds(start=(0.3, 0.3, 0.5), accept=(0.7, 0.7, 0.0))),
    "a threshold above": (THREE, 2, Thresholds(start=(0.3, 0.5, 0.3), accept=(0.7, 0.7, 0.0))),
    "a mixture": (Mixture(Always(1), CostAware(2.0), 0.4), 0, Mixture(Always(2), CostAware(2.0), 0.4)),
    "a note is not kept": (Noted(CostAware(2.0), "old"), 0, CostAware(2.0)),
}


@pytest.mark.parametrize(("rule", "rank", "wanted"), RULES.values(), ids=RULES.keys())
def test_rules_are_extended_to_the_new_tier(rule, rank, wanted):
    """Prices stay, thresholds make room, and what always asks one tier asks that one."""
    found = extended(rule, Place(rank, 3))
    if isinstance(found, Always):
        found, wanted = found.rank, wanted.rank
    if isinstance(found, Mixture):
        assert found.first.rank == 2
        found = replace(found, first=wanted.first)
    assert found == wanted


@given(
    chances=st.lists(st.floats(0, 1), min_size=2, max_size=2),
    ran=st.sampled_from([(), (0,), (1,)]),
    price=st.floats(0, 10),
)
@settings(max_examples=60, deadline=None)
def test_a_note_changes_no_step(chances, ran, price):
    """A noted rule takes the same steps; the note stands with the reason of the first call alone."""
    plain, noted = CostAware(price * 1e9), Noted(CostAware(price * 1e9), "mind this")
    state = State(ran, frozenset({0, 1} - set(ran)), tuple(chances), (1.0, 2.0), 0.5)
    step, same = plain.next(state), noted.next(state)
    assert replace(same, reason=step.reason) == step
    assert ("(mind this)" in same.reason) == (not ran)
    assert isinstance(step, Run | Stop)
    assert rule_from(noted.as_dict()) == noted
    assert noted.final(state, 1) == plain.final(state, 1)


def test_a_bundle_whose_note_is_no_text_is_refused(champions, tmp_path):
    """What a bundle holds is checked when it loads, the note and the rule under it too."""
    for rule in (Noted(CostAware(1.0), 5), Noted(Always(7), "fine")):
        champions["mid"].with_rule(rule).save(tmp_path / "bad.tierwise")
        with pytest.raises(BundleError):
            load(tmp_path / "bad.tierwise")


def test_calibration_of_known_tiers_is_untouched():
    """Isotonic maps of any number of knots keep theirs; the new tier's map changes nothing."""
    old = Calibration(np.ones(1), np.zeros(1), np.array([[0.4]]), np.array([[0.6]]))
    new = with_identity(old, Place(0, 2))
    for chance in (0.1, 0.5, 0.9):
        logit = math.log(chance / (1 - chance))
        assert new.apply(np.array([logit, logit])) == pytest.approx([chance, 0.6])


CONFIG = "".join(
    f'[[tiers]]\nname = "{each.name}"\nmodel = "{each.model}"\napi = "fake"\n'
    f"price = {{ input = {price}, output = {2 * price} }}\n"
    for each, price in zip(LADDER.tiers, (1.0, 2.0, 10.0), strict=True)
)


def test_the_file_may_hold_the_new_tiers_answers_alone(tmp_path):
    """A file that holds nothing but the new tier's answers will do; so will one with every tier's."""
    whole = logs(20, seed=2)
    own = tuple(replace(query, outcomes=query.outcomes[1:2]) for query in whole.queries)
    write_records(whole, tmp_path / "whole.parquet")
    write_records(Records(("mid",), own), tmp_path / "own.parquet")
    found = [read_answers_of("mid", tmp_path / f"{name}.parquet", LADDER) for name in ("whole", "own")]
    assert found[0] == whole
    assert found[1].tiers == LADDER.names
    assert [query.qualities[1] for query in found[1].queries] == [query.qualities[1] for query in whole.queries]
    assert all(query.outcomes[0] is None for query in found[1].queries)


def test_a_file_without_the_tier_is_refused(tmp_path):
    """The sentence says which tiers it has; a file that is no such table is refused as well."""
    path = tmp_path / "own.parquet"
    own = tuple(replace(query, outcomes=query.outcomes[1:2]) for query in logs(5, seed=2).queries)
    write_records(Records(("mid",), own), path)
    with pytest.raises(InputError, match="it has no answers of tier 'large'; it has mid"):
        read_answers_of("large", path, LADDER)
    (tmp_path / "other.parquet").write_text("no table", encoding="utf-8")
    for name in ("other", "none"):
        with pytest.raises(InputError, match="pass a Parquet file with --data"):
            read_answers_of("mid", tmp_path / f"{name}.parquet", LADDER)


def test_the_command_takes_the_configuration_that_requests_take(champions, tmp_path, monkeypatch):
    """No preset has a tier to add: without --config it is the folder's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tierwise.toml").write_text(CONFIG, encoding="utf-8")
    write_records(logs(25, seed=2), tmp_path / "few.parquet")
    champions["mid"].save(tmp_path / "policy.tierwise")

    words = ["add-tier", "mid", "--data", "few.parquet", "--bundle", "policy.tierwise", "--out", "wider.tierwise"]
    TERMINAL.invoke(app, words, catch_exceptions=False)

    assert load(tmp_path / "wider.tierwise").tiers == LADDER.names


def test_the_command_writes_a_bundle_that_routes(champions, tmp_path):
    """``tierwise train add-tier`` reads configuration, champion and labels, and says that nothing is certified."""
    config, labels, old, new = (tmp_path / name for name in ("tierwise.toml", "l.parquet", "o.tierwise", "n.tierwise"))
    config.write_text(CONFIG, encoding="utf-8")
    write_records(logs(25, seed=2), labels)
    champions["mid"].save(old)
    words = ["add-tier", "mid", "--config", str(config), "--data", str(labels), "--bundle", str(old), "--out", str(new)]
    told = json.loads(TERMINAL.invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    said = TERMINAL.invoke(app, words, catch_exceptions=False).stdout
    assert load(new).version == told["version"]
    assert (told["labels"], told["scorer"], told["certificate"]["certified"]) == (25, "log-probabilities", False)
    assert "Uncertified: tier 'mid' was grafted" in said
    made = plan_of(load_config(config), bundle=load(new))
    assert replay_all(logs(10, seed=3), made).cost.sum() > 0
