"""Pairs of a weak and a strong tier's labels: how they are drawn, kept apart, and read from the public files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InputError
from tests.training.simulated_pairs import simulated_pairs
from tests.training.simulated_tiers import logs, tiers
from training import public
from training.benchmarks import pair_sources
from training.benchmarks.overlap import Known, apart, key_of, normalised, question
from training.benchmarks.pair_sources import bare
from training.benchmarks.pairs import drawn, joined, pairs_of, read, without
from training.benchmarks.routellm_mmlu import unseen
from training.benchmarks.routellm_mmlu_transfer import labelled

LONG = "a train leaves the station at noon and another one leaves the next station an hour later"


@pytest.fixture
def there():
    """The folder of the public files, where it is there."""
    folder = public.folder()
    if not (folder / "routellm.parquet").is_file():
        pytest.skip(f"{folder} has no public benchmark data; name the folder in TIERWISE_BENCHMARKS")
    return folder


def test_a_question_is_known_again_in_another_form():
    """Case, punctuation and choices do not hide it; neither does a sentence in front of it."""
    known = Known([f"{LONG.upper()}?\nA. one\nB. two\nAnswer:", "What is 2+2?"])

    assert known.has(f"{LONG}\n\nChoices:\nA: two\nB: three")
    assert known.has("What is (2 + 2)")
    assert known.has(f"Think first. {LONG}")
    assert not known.has("What is 2 + 3?")
    assert not known.has(
        "Another question of more than thirteen words, none of which follow each other in the same way"
    )


def test_how_many_questions_are_put_says_nothing_of_any():
    """A template is not a copy, unless nearly all of it is."""
    known = Known([f"{LONG} number {number}" for number in range(10)])

    assert known.has(f"{LONG} number 3")
    assert not known.has(f"{LONG} number 12")
    assert Known([f"{LONG} number 3"]).has(f"{LONG} number 12")


def test_words_alone_are_compared():
    """Not how they are written."""
    assert normalised("  It's  α=2_b ") == "it s α 2 b"
    assert key_of("It's (2) ") == key_of("it s 2") != key_of("it s 3")
    assert question("Q?\n(A) 1\n(B) 2") == "q"


@given(st.integers(1, 59), st.integers(0, 50))
def test_a_draw_takes_whole_questions_and_enough_of_them(size, seed):
    """Twins are drawn together, and no question is drawn in vain."""
    pairs = simulated_pairs(40, twins=20)

    chosen = drawn(pairs, size, seed=seed)

    inside = {key for key, own in zip(pairs.keys, chosen, strict=True) if own}
    outside = {key for key, own in zip(pairs.keys, chosen, strict=True) if not own}
    assert not inside & outside
    assert size <= chosen.sum() <= size + 1
    apart(pairs.take(chosen), pairs.take(~chosen))


def test_a_draw_that_would_leave_nothing_is_refused():
    """There is nothing to judge on then."""
    with pytest.raises(InputError, match="draw fewer"):
        drawn(simulated_pairs(10), 10, seed=0)


def test_rows_on_both_sides_are_refused():
    """By their id, and by their question under another id."""
    pairs = simulated_pairs(10)
    renamed = simulated_pairs(10, prefix="other")

    apart(pairs.take([0, 1, 2]), pairs.take([3, 4]))
    with pytest.raises(InputError, match="1 rows to learn from are also judged, 'row/2'"):
        apart(pairs.take([0, 1, 2]), pairs.take([2, 3]))
    with pytest.raises(InputError, match="'row/2'"):
        apart(pairs.take([0, 1, 2]), renamed.take([2, 3]))


def test_what_is_judged_is_left_out_of_what_is_learned_from():
    """Also where it stands under another id."""
    pairs = simulated_pairs(10)

    kept = without(pairs, simulated_pairs(10, prefix="other").take([0, 9]))

    assert kept.ids == pairs.ids[1:9]
    assert np.array_equal(kept.quality, pairs.quality[1:9])


def test_costs_are_kept_where_all_parts_have_them():
    """A part without costs leaves none."""
    pairs = simulated_pairs(6)
    free = simulated_pairs(4, prefix="free", costs=False)

    assert joined([pairs, pairs]).cost.shape == (12, 2)
    assert joined([pairs, free]).cost is None
    assert len(joined([pairs, free])) == 10


def test_what_all_prompts_share_is_cut_off():
    """Whole words at both ends, and nothing of a single prompt."""
    asked = ["Answer this.\n\nQuestion: What is warm? Say it.", "Answer this.\n\nQuestion: What is cold? Say it."]

    assert bare(asked) == ["warm?", "cold?"]
    assert bare(["the same", "the same"]) == ["the same", "the same"]
    assert bare([]) == []


def test_unseen_subjects_are_not_learned_from():
    """Each group's subjects are in none of its training rows, and every row is judged once."""
    pairs = simulated_pairs(120, groups=12)

    jobs = unseen(pairs, 30, groups=6)

    assert all(not set(job.train.groups) & set(job.test.groups) for job in jobs)
    assert sorted(id for job in jobs for id in job.test.ids) == sorted(pairs.ids)
    assert {len(job.train) for job in jobs} == {30}


def test_two_tiers_are_needed():
    """More are not a pair."""
    with pytest.raises(InputError, match="there are 3 tiers"):
        pairs_of(logs(5, count=3), tiers(3))


def test_pairs_are_the_records_of_two_tiers():
    """Qualities, prices of the logged calls, and a group by the id."""
    records = logs(5, count=2)

    pairs = pairs_of(records, tiers(2), group="about {}".format)

    assert [tuple(row) for row in pairs.quality] == [query.qualities for query in records.queries]
    assert pairs.groups[0] == f"about {records.queries[0].id}"
    assert pairs.cost[0, 1] == tiers(2).tiers[1].cost(records.queries[0].outcomes[1].completion.usage)


def test_prompts_are_read_once_and_stay_with_their_rows():
    """Also when rows are taken and joined; one part that was not read leaves none."""
    pairs = read(simulated_pairs(6))

    assert pairs.take([4]).features == (pairs.features[4],)
    assert joined([pairs.take([1]), pairs]).features == (pairs.features[1], *pairs.features)
    assert joined([pairs, simulated_pairs(2, prefix="new")]).features == ()


def test_routellm_has_its_published_rows_subjects_and_costs(there):
    """14,037 questions of 57 subjects, 1,307 of GSM8K, 72 conversations of MT-Bench's eight categories."""
    mmlu, gsm8k, bench = map(pair_sources.routellm, ("mmlu", "gsm8k", "mt_bench"))

    assert (len(mmlu), len(set(mmlu.groups))) == (14037, 57)
    assert len(gsm8k) == len(set(gsm8k.keys)) == 1307
    assert (len(bench), len(set(bench.groups))) == (72, 8)
    assert 10 * bench.quality.mean(axis=0) == pytest.approx([8.28, 9.21], abs=0.005)
    assert (bench.cost[:, 1] > bench.cost[:, 0]).all()


def test_a_conversation_pays_for_both_of_its_calls(there):
    """The second one carries the first answer."""
    records, _ = public.routellm("mt_bench")
    rows = {(row["query_id"], row["model"]): row for row in public.rows("routellm", task="mt_bench")}
    query = records.queries[0]
    first, second = (rows[f"{query.id}/t{turn}", "gpt-4-1106-preview"] for turn in (1, 2))
    usage = query.outcomes[1].completion.usage

    assert query.request.text == first["prompt"]
    assert query.qualities[1] == (first["quality"] + second["quality"]) / 2
    assert usage.output_tokens == sum(-(-len(row["response"]) // 4) for row in (first, second))
    assert usage.input_tokens > -(-len(second["prompt"]) // 4) + -(-len(first["response"]) // 4)


def test_the_transfer_learns_from_none_of_routellms_questions(there):
    """What both have is dropped, and so are questions on a passage that both have."""
    if not (there / "zellinger_cascades.parquet").is_file():
        pytest.skip(f"{there} has no zellinger_cascades.parquet")
    test = pair_sources.plain(pair_sources.routellm("mmlu"))

    train = labelled(test)

    assert len(train) == 1816 - 141
    assert train.texts[0] == "The cyclic subgroup of Z_24 generated by 18 has order\nA. 4\nB. 8\nC. 12\nD. 6"
    assert set(np.unique(train.quality[:, 0])) == {0, 0.5, 1}
    apart(train, test)
