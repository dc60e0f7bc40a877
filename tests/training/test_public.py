"""The public benchmarks: what they are billed, what they may be used for, and what happens without them."""

from __future__ import annotations

import math

import pytest

from router import config
from router.errors import InputError
from router.pricing import usd
from training import public
from training.records import SPLITS, apart, read


@pytest.fixture
def there():
    """The folder of the public files, where it is there."""
    folder = public.folder()
    if not (folder / "zellinger_cascades.parquet").is_file():
        pytest.skip(f"{folder} has no public benchmark data; name the folder in TIERWISE_BENCHMARKS")
    return folder


def test_without_the_files_it_is_one_sentence(tmp_path, monkeypatch):
    """It says which variable names the folder."""
    monkeypatch.setenv("TIERWISE_BENCHMARKS", str(tmp_path))

    with pytest.raises(InputError, match=r"zellinger_cascades.parquet: .* not there; say in TIERWISE_BENCHMARKS"):
        public.zellinger("llama3")
    with pytest.raises(InputError, match=r"routellm.parquet"):
        public.load("routellm-mmlu")


@pytest.mark.parametrize(
    "ask", [lambda: public.zellinger("opus"), lambda: public.routellm("xsum"), lambda: public.load("x")]
)
def test_an_unknown_name_is_one_sentence(ask):
    """It lists the known ones."""
    with pytest.raises(InputError, match=r"none of|there is no public data"):
        ask()


def test_zellinger_has_every_query_at_every_tier_and_says_that_it_is_for_evaluation_only(there):
    """5,233 queries of four tasks with three models, none of them in a split of its own yet."""
    records, ladder = public.zellinger("llama3")

    assert ladder.names == ("llama3.1-8b", "llama3.1-70b", "llama3.1-405b")
    assert len(records.labelled()) == len(records) == 5233
    assert {query.task for query in records.queries} == {"mmlu", "medmcqa", "triviaqa", "truthfulqa"}
    assert {query.split for query in records.queries} == {"train"}
    assert records.facts["use"] == "evaluate only"


def test_price_times_tokens_is_the_logged_cost_to_half_a_token(there):
    """Also where the logged cost includes a call that the logged tokens do not."""
    from pyarrow import parquet

    records, ladder = public.zellinger("gpt4o")
    rows = parquet.read_table(there / "zellinger_cascades.parquet").to_pylist()
    logged = {(row["query_id"], row["model"]): row["cost_usd"] for row in rows}

    for tier, rank in zip(ladder.tiers, range(3), strict=True):
        half = usd(tier.price.rates.input) / 1000 / 2 * 1.01
        worst = max(
            abs(usd(tier.cost(query.outcomes[rank].completion.usage)) - logged[query.id, tier.model])
            for query in records.queries
        )
        assert worst <= half


def test_confidences_are_log_probabilities_that_were_clipped(there):
    """Each answer has one value, and none is infinite."""
    records, _ = public.zellinger("llama3")
    values = [outcome.completion.logprobs.values for query in records.queries for outcome in query.outcomes]

    assert {len(each) for each in values} == {1}
    assert min(values) >= (-30.0,)
    assert max(values) <= (0.0,)


@pytest.mark.parametrize(
    ("task", "queries", "weak", "strong"), [("gsm8k", 1307, 0.6373, 0.8577), ("mmlu", 14037, 0.6809, 0.8059)]
)
def test_routellm_has_the_published_prompts_and_accuracies(there, task, queries, weak, strong):
    """Contaminated prompts are left out; the tokens are estimated, and the facts say so."""
    records, ladder = public.routellm(task)
    quality = [math.fsum(query.qualities[rank] for query in records.queries) / len(records) for rank in range(2)]

    assert len(records.labelled()) == queries
    assert quality == pytest.approx([weak, strong], abs=5e-5)
    assert ladder[1].model == "gpt-4-1106-preview"
    assert "estimated" in records.facts["tokens"]


def test_a_written_benchmark_is_read_back_with_its_configuration(there, tmp_path):
    """Split 60/20/20 with nothing in two splits, and its licence still with it."""
    labels, toml = public.write("routellm-gsm8k", tmp_path / "new", seed=3)
    records, ladder = public.routellm("gsm8k")
    tiers = config.load(toml).tiers

    found = read(labels, tiers)

    assert tiers == ladder
    assert found == public.resplit(records, 3)
    apart(found)
    shares = [len(found.split(name)) / len(found) for name in SPLITS]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.04)


def test_a_place_that_cannot_be_written_is_one_sentence(there, tmp_path):
    """It names the place."""
    (tmp_path / "file").write_text("")

    with pytest.raises(InputError, match="cannot be written"):
        public.write("routellm-gsm8k", tmp_path / "file")
