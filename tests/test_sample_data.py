"""The bundled sample is what its scripts and its card say it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

pd = pytest.importorskip("pandas", reason="the sample's scripts need the extra: pip install 'tierwise[train]'")
pq = pytest.importorskip("pyarrow.parquet", reason="the sample's scripts need the extra: pip install 'tierwise[train]'")
pytest.importorskip("sklearn", reason="the sample's scripts need the extra: pip install 'tierwise[train]'")

from data import card, pack, price  # noqa: E402
from data.families import FAMILIES  # noqa: E402
from data.generate import SHARES, Prompt, generate, split_key  # noqa: E402
from training.graders import JOINER, grade  # noqa: E402


@pytest.fixture(scope="module")
def sample() -> Iterator[pd.DataFrame]:
    return pq.read_table(price.SAMPLE).to_pandas()


@pytest.fixture(scope="module")
def facts() -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in pq.read_schema(price.SAMPLE).metadata.items()}


@pytest.fixture(scope="module")
def prompts(facts) -> dict[str, Prompt]:
    return {prompt.query_id: prompt for prompt in generate(seed=int(facts["seed"]))}


def test_generator_is_deterministic():
    """The same seed makes the same prompts in the same order; another seed makes others."""
    again = generate(seed=7, limit=8)

    assert again == generate(seed=7, limit=8)
    assert {prompt.prompt for prompt in again} != {prompt.prompt for prompt in generate(seed=8, limit=8)}


def test_a_pilot_is_the_head_of_the_whole(prompts, facts):
    """A limited run asks the same prompts as the full one, so a pilot's answers can be kept."""
    for prompt in generate(seed=int(facts["seed"]), limit=3):
        assert prompts[prompt.query_id] == prompt


def test_sample_holds_the_generated_prompts(sample, prompts):
    """Regenerated prompts, levels, items, references and splits equal the stored ones."""
    assert set(prompts) == set(sample["query_id"])
    for row in sample.itertuples():
        prompt = prompts[row.query_id]
        stored = (row.prompt, row.task, row.level, row.item, row.reference, row.split)
        made = (
            prompt.prompt,
            prompt.task,
            prompt.level,
            prompt.item,
            JOINER.join(prompt.accepted),
            prompt.split,
        )
        assert made == stored


def test_sample_names_the_scripts_that_made_it(facts):
    """The hash in the file's metadata is that of the scripts in the tree."""
    assert pack.script_hash() == facts["scripts_sha256"]


def test_graders_give_the_stored_quality(sample, prompts):
    """Grading the stored responses again gives the stored labels, and they are 0 or 1."""
    graded = [
        grade(row.response, accepted=row.reference.split(JOINER), exact_case=prompts[row.query_id].exact_case)
        for row in sample.itertuples()
    ]

    assert graded == sample["quality"].tolist()
    assert set(graded) == {0.0, 1.0}


def test_every_prompt_has_both_tiers(sample):
    """One row a prompt and tier."""
    assert len(sample) >= 2 * 3000
    assert (sample.groupby("query_id")["tier"].agg(sorted).map(tuple) == ("large", "small")).all()
    assert not sample.duplicated(["query_id", "tier"]).any()
    assert not sample.duplicated(["query_id", "tier"]).any()


@pytest.mark.parametrize("column", ["split_key", "item"])
def test_splits_are_disjoint(sample, column):
    """No prompt, and no question in whatever wording, is in two splits."""
    assert sample.groupby(column)["split"].nunique().max() == 1


def test_split_key_is_that_of_the_question(sample):
    """Whatever the wording, so that what is split, folded or drawn by it keeps a question together."""
    questions = sample.groupby(["task", "item"])["split_key"].nunique()
    assert (questions == 1).all()
    assert sample["split_key"].nunique() == len(questions)


def test_the_hash_of_a_prompt_folds_white_space():
    assert split_key("a  b\n") == split_key("a b") != split_key("ab")


def test_each_family_is_in_each_split(sample):
    """Splits are stratified by family, and about as large as they should be."""
    assert set(sample["task"]) == {family.name for family in FAMILIES}
    assert len(FAMILIES) >= 14
    assert (sample.groupby("task")["split"].agg(set) == set(SHARES)).all()
    shares = sample["split"].value_counts(normalize=True)
    for split, share in SHARES.items():
        assert shares[split] == pytest.approx(share / 20, abs=0.02)


def test_the_models_differ_enough_to_route(sample):
    """Neither model is hopeless or perfect, and each is right where the other is not."""
    wide = sample.pivot_table(index="query_id", columns="tier", values="quality")
    best = wide.mean().max()

    assert wide.mean().between(0.35, 0.70).all()
    assert wide.max(axis=1).mean() >= best + 0.08
    assert (wide["small"] > wide["large"]).mean() >= 0.08


def test_logprobs_are_numbers(sample):
    """One finite log-probability a token, none above zero, and the likeliest at each place best first."""
    for row in sample.itertuples():
        assert len(row.tokens) == len(row.logprobs) == len(row.top_logprobs)
        assert np.isfinite(row.logprobs).all()
        assert (row.logprobs <= 0).all()
        for top in row.top_logprobs:
            assert len(top) == 5
            assert np.isfinite(top).all()
            assert (np.diff(top) <= 0).all()


def test_costs_are_tokens_at_the_prices_in_force(sample):
    """cost_usd follows from the token counts and prices.json, which follows from the recorded times."""
    stored = json.loads(price.PRICES.read_text(encoding="utf-8"))

    assert price.table(sample, basis=stored["basis"]) == stored
    assert stored["prices"]["small"]["input"] == pytest.approx(price.SCALE)
    np.testing.assert_allclose(price.cost(sample, stored["prices"]), sample["cost_usd"], rtol=1e-12)
    assert (sample["cost_usd"] > 0).all()


def test_sample_is_small(sample):
    """The committed file stays under 6 MB."""
    assert price.SAMPLE.stat().st_size < 6_000_000


def test_card_is_what_the_sample_says():
    """data/README.md equals what data/card.py makes of the sample."""
    assert card.card() == card.CARD.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("response", "accepted", "quality"),
    [
        (" Paris", ["Paris"], 1.0),
        ("paris.", ["Paris"], 1.0),
        (" the yen", ["yen", "Japanese yen"], 1.0),
        (" Paris, France", ["Paris"], 0.0),
        (" 07", ["7"], 1.0),
        (" 1,024.0", ["1024"], 1.0),
        (" 7 apples", ["7"], 0.0),
        ("", ["7"], 0.0),
        (" nan", ["7"], 0.0),
    ],
)
def test_grade_folds_and_compares_numbers(response, accepted, quality):
    """Case, edges and number formats do not matter; anything else does."""
    assert quality == grade(response, accepted=accepted)


def test_grade_keeps_case_apart_where_asked():
    """A task that asks for capitals is not solved by small letters."""
    assert grade(" CAT", accepted=["CAT"], exact_case=True) == 1.0
    assert grade(" cat", accepted=["CAT"], exact_case=True) == 0.0
