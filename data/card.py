"""Write the data card, README.md, from the sample itself, so that its figures cannot drift.

python -m data.card            write it
python -m data.card --check    fail when it is not what the sample says
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from data import price
from data.price import HERE, PRICES, SAMPLE
from training.records import SPLITS, split_named

CARD = HERE / "README.md"

TEXT = """\
# The sample

{queries:,} auto-graded prompts in {families} task families, over {items:,} distinct questions, each answered by two
small language models on a CPU, with token log-probabilities. It is what the default bundle is trained on and what the
demo and the tests replay. This page is written by `python -m data.card` from the sample itself.

| tier | model | what it is | licence of the weights |
|---|---|---|---|
| small | `{small_model}` | SmolLM2-135M-Instruct, HuggingFaceTB | Apache-2.0 |
| large | `{large_model}` | Gemma 3 270M, base, Google | Gemma Terms of Use |

SHA-256 of the files:

    small  {small_sha256}
    large  {large_sha256}

The prompts, the word lists and the labels were written for this repository and are under Apache-2.0, like the code.
The large tier's responses are outputs of Gemma and come under the Gemma Terms of Use where those reach that far.

## How it was made

`words.py` and `families.py` hold the questions with their accepted answers. `generate.py` (seed {seed}) puts each into
one of several wordings, now and then under a header, behind two to four worked examples. Both models complete the line
at temperature 0, at most {max_tokens} tokens, without a prompt cache, one thread each, by xllamacpp {xllamacpp}.
`training/graders.py` marks an answer 1 when, case and outer punctuation folded, it equals an accepted answer or is the same
number, else 0; there is no judge. SHA-256 over the scripts that decide what is asked and how it is graded:

    {scripts_sha256}

To remake it from the two GGUF files (the prompts come out the same everywhere; an answer may differ where another
CPU's arithmetic tips a near tie, and the times always do):

    python -m data.run_models --small SMOL.gguf --large GEMMA.gguf
    python -m data.pack --small SMOL.gguf --large GEMMA.gguf
    python -m data.card

## What is right

Share of right answers. *Oracle* counts a prompt when either model is right, *only* when the other is wrong.

{families_table}

By level, easiest first:

{levels_table}

Area under the ROC curve of the answer's mean token log-probability, as a sign that the answer is right (an empty answer
counts as the least likely): small {auroc_small:.3f}, large {auroc_large:.3f}.

## Splits

By question, not by wording: all prompts that ask the same thing are in one split, within a family; each family is in
every split. The worked examples are drawn from a family's whole list, so a question of the test split may stand, answered,
among the examples of a prompt to fit on.

{splits_table}

Training reads *fit* and *tune* as `train`, which everything is fitted and tuned on, and *calibrate* as `certify`, which
the certificate alone uses: {train:,}, {certify:,} and {test:,} prompts
([why](../docs/decisions/0010-splits-and-cross-fitting.md)).

`split_key` is the SHA-256 of the family and the question, so that folds and intervals keep a question's wordings together.

## Prices are nominal

Nobody sells these two models by the token. The prices in force are in proportion to **{basis}**, scaled so that the small
tier's input costs 0.05 USD per million tokens. `prices.json` has them with the measurements.

{prices_table}

{price_verdict}

## Columns

One row a prompt and tier: `query_id`, `prompt`, `task`, `level` (1 easy to 5 hard), `item` (what is asked, whatever the
wording), `tier`, `model`, `quality` (0 or 1), `reference` (accepted answers, joined by ` | `),
`exact_case` (whether case counts), `response` (as the model wrote
it), `stop` (`end` or `length`), `input_tokens`, `output_tokens` (the closing line break counts), `cost_usd`, `tokens`,
`logprobs`, `top_logprobs` (of the five likeliest tokens at each place), `prompt_ms`, `predicted_ms`, `latency_ms`, `split`,
`split_key`. The closing line break is not among `tokens`, so {empty} empty answers have none.

## What it is not

- Not evidence about large models, chats or long texts: two tiny models complete single lines.
- Not a benchmark of these two models: the families were chosen, after pilots, and weighted so that each model is right where
  the other is wrong often enough for routing to have something to learn. Wordings that suit one model were kept on purpose.
- Not untouched by its making: the pilots that chose families, wordings and weights asked 545 of these prompts, 129 of them
  now in the test split. Nothing was fitted on them, but how much there is to gain by routing was shaped with them in view.
- Not a cost study: the prices are nominal, and the times were taken with both models running at once on a shared machine.
- Not free of grading errors: an answer that is right but not on the list counts as wrong.

## Pairs for the semantic cache

`cache_pairs.jsonl` has 1,180 pairs of questions on 125 topics, 503 of which ask the same (`same`, kind `paraphrase`); the
others differ in one thing: a number, a unit, an entity or object, an opposite, a negation, an order or role, a time, the
scope, the language, code, a link, a quotation, the form or the kind of answer (`kind`). Written by hand for this repository
(Apache-2.0), with no model and no template; adversarial on purpose, so no picture of traffic. `split` goes by topic: `test`
was written after the gates of the cache were done, `fit` before or in between (docs/decisions/0020-semantic-cache.md).

## Questions for shortening

`retrieval_questions.jsonl` has 132 questions on 22 topics with six passages each, one of which holds the answer, written
by hand for this repository (Apache-2.0); 48 to develop on and 84 to test on (docs/decisions/0023-shortening.md).
"""


def card() -> str:
    """Write the card's text."""
    stored = pq.read_table(SAMPLE)
    facts = {key.decode(): value.decode() for key, value in (stored.schema.metadata or {}).items()}
    frame = stored.to_pandas()
    prices = json.loads(PRICES.read_text(encoding="utf-8"))
    wide = by_query(frame)
    models = frame.groupby("tier")["model"].first()
    return TEXT.format(
        **{
            name: facts[name]
            for name in ("seed", "scripts_sha256", "small_sha256", "large_sha256", "xllamacpp", "max_tokens")
        },
        queries=len(wide),
        families=wide["task"].nunique(),
        items=wide["item"].nunique(),
        small_model=models["small"],
        large_model=models["large"],
        families_table=accuracy(wide, by="task"),
        levels_table=accuracy(wide, by="level"),
        auroc_small=auroc(frame, tier="small"),
        auroc_large=auroc(frame, tier="large"),
        splits_table=splits(wide),
        **{name: int((wide["split"].map(split_named) == name).sum()) for name in SPLITS},
        basis={
            "generated": "the measured time of a generated token",
            "measured": "measured time per token",
            "parameters": "the number of parameters",
        }[prices["basis"]],
        prices_table=price_table(prices),
        price_verdict=verdict(frame, prices),
        empty=int((frame["tokens"].map(len) == 0).sum()),
    )


def by_query(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a prompt, with each tier's quality and the oracle's."""
    index = ["query_id", "task", "level", "item", "split"]
    wide = frame.pivot_table(index=index, columns="tier", values="quality").reset_index()
    wide["oracle"] = wide[["small", "large"]].max(axis=1)
    wide["only small"] = wide["oracle"] - wide["large"]
    wide["only large"] = wide["oracle"] - wide["small"]
    return wide


def auroc(frame: pd.DataFrame, *, tier: str) -> float:
    """How well the mean log-probability of ``tier``'s answers tells right from wrong."""
    rows = frame[frame["tier"] == tier]
    means = rows["logprobs"].map(lambda values: float(values.mean()) if len(values) else -math.inf)
    floor = means[means > -math.inf].min() - 1
    return float(roc_auc_score(rows["quality"], means.clip(lower=floor)))


def accuracy(wide: pd.DataFrame, *, by: str) -> str:
    """A table of the share of right answers by family or level, with the total."""
    columns = ["small", "large", "oracle", "only small", "only large"]
    lines = [f"| {by} | prompts | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for name, rows in [*wide.groupby(by), ("**all**", wide)]:
        shares = " | ".join(f"{rows[column].mean():.3f}" for column in columns)
        lines.append(f"| {name} | {len(rows)} | {shares} |")
    return "\n".join(lines)


def splits(wide: pd.DataFrame) -> str:
    """A table of the splits."""
    lines = ["| split | prompts | questions | share | small | large | oracle |", "|---|---|---|---|---|---|---|"]
    for name in ("fit", "calibrate", "tune", "test"):
        rows = wide[wide["split"] == name]
        shares = " | ".join(f"{rows[column].mean():.3f}" for column in ("small", "large", "oracle"))
        lines.append(f"| {name} | {len(rows)} | {rows['item'].nunique()} | {len(rows) / len(wide):.1%} | {shares} |")
    return "\n".join(lines)


def price_table(prices: Mapping[str, Any]) -> str:
    """A table of what was measured, the prices in force and those of the other basis."""
    lines = [
        "| tier | ms a prompt token | ms an output token | latency, ms | parameters | "
        "by read and generated tokens | by parameters | in force |",
        "|---" * 8 + "|",
    ]
    for tier in ("small", "large"):
        seen = prices["measurements"][tier]
        by_basis = [_pair(prices["by_basis"][basis][tier]) for basis in ("measured", "parameters")]
        lines.append(
            f"| {tier} | {seen['ms_per_prompt_token']} | {seen['ms_per_output_token']} | {seen['latency_ms']} | "
            f"{seen['parameters'] / 1e6:.0f} M | {' | '.join(by_basis)} | {_pair(prices['prices'][tier])} |"
        )
    return "\n".join(lines)


def _pair(price: Mapping[str, float]) -> str:
    return f"{price['input']}, {price['output']}"


def verdict(frame: pd.DataFrame, prices: Mapping[str, Any]) -> str:
    """Say which tier the prices in force make the cheaper one, and which is the quicker."""
    cost = frame.groupby("tier")["cost_usd"].mean() * 1000
    timed = price.cost(frame, prices["by_basis"]["measured"]).groupby(frame["tier"]).mean() * 1000
    slower = max(("small", "large"), key=lambda tier: prices["measurements"][tier]["ms_per_prompt_token"])
    text = (
        f"At the prices in force 1,000 of these requests cost {cost['small']:.5f} USD at the small tier and "
        f"{cost['large']:.5f} at the large one."
    )
    if slower == "small":
        text += (
            "\n\nMeasured time does not put the tiers in the order of their names: the smaller model took *longer* to read "
            "a prompt token.\nIt has 30 thin layers against 18, nearly as many parameters outside the embeddings, and "
            "another quantisation (Q4_1 against Q4_K_M).\nIt is quicker only at writing. "
            "Priced by the measured time of read and of generated tokens alike, 1,000 of these requests would cost "
            f"{timed['small']:.5f} USD at the small tier\nand {timed['large']:.5f} at the large one. So any saving "
            "reckoned on this sample comes from the choice of prices: it is no saving of time on this CPU.\n"
            "`python -m data.price --basis measured` (or `parameters`) reprices the sample, `python -m data.card` "
            "this page."
        )
    return text


def main() -> None:
    """Write or check the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    text = card()
    if parser.parse_args().check:
        if CARD.read_text(encoding="utf-8") != text:
            raise SystemExit("data/README.md is not what the sample says; run `python -m data.card`")
        return
    CARD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
