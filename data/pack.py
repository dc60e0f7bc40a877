"""Grade the collected answers and pack them into sample.parquet, with prices.json beside it.

python -m data.pack --small SMOL.gguf --large GEMMA.gguf
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data import price
from data.generate import Prompt, generate
from data.run_models import MAX_TOKENS, answers, arguments, sha256, work_file
from training.graders import JOINER, grade

NAMES = {"small": "SmolLM2-135M-Instruct.Q4_1.gguf", "large": "gemma-3-270m-q4_k_m.gguf"}
SCRIPTS = ("data/words.py", "data/families.py", "data/generate.py", "training/graders.py")

SCHEMA = pa.schema(
    [
        ("query_id", pa.string()),
        ("prompt", pa.string()),
        ("task", pa.string()),
        ("level", pa.int8()),
        ("item", pa.string()),
        ("tier", pa.string()),
        ("model", pa.string()),
        ("quality", pa.float64()),
        ("reference", pa.string()),
        ("exact_case", pa.bool_()),
        ("response", pa.string()),
        ("stop", pa.string()),
        ("input_tokens", pa.int32()),
        ("output_tokens", pa.int32()),
        ("cost_usd", pa.float64()),
        ("tokens", pa.list_(pa.string())),
        ("logprobs", pa.list_(pa.float32())),
        ("top_logprobs", pa.list_(pa.list_(pa.float32()))),
        ("prompt_ms", pa.float32()),
        ("predicted_ms", pa.float32()),
        ("latency_ms", pa.float32()),
        ("split", pa.string()),
        ("split_key", pa.string()),
    ]
)


def script_hash(root: Path = Path(__file__).parent.parent) -> str:
    """SHA-256 over the files that decide what is asked and how it is graded."""
    digest = hashlib.sha256()
    for name in SCRIPTS:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def question_key(prompt: Prompt) -> str:
    """SHA-256 of what is asked, whatever the wording: what the splits, the folds and the intervals go by."""
    return hashlib.sha256(f"{prompt.task}\x1f{prompt.item}".encode()).hexdigest()


def row(prompt: Prompt, answer: dict[str, Any], *, tier: str) -> dict[str, Any]:
    """One tier's graded answer to one prompt."""
    return {
        "query_id": prompt.query_id,
        "prompt": prompt.prompt,
        "task": prompt.task,
        "level": prompt.level,
        "item": prompt.item,
        "tier": tier,
        "model": NAMES[tier],
        "quality": grade(answer["response"], accepted=prompt.accepted, exact_case=prompt.exact_case),
        "reference": JOINER.join(prompt.accepted),
        "exact_case": prompt.exact_case,
        "response": answer["response"],
        "stop": "length" if answer["finish"] == "length" else "end",
        "split": prompt.split,
        "split_key": question_key(prompt),
        **{
            name: answer[name]
            for name in (
                "input_tokens",
                "output_tokens",
                "tokens",
                "logprobs",
                "top_logprobs",
                "prompt_ms",
                "predicted_ms",
                "latency_ms",
            )
        },
    }


def main() -> None:
    """Pack the sample."""
    options = arguments(__doc__).parse_args()
    prompts = generate(seed=options.seed, limit=options.limit)
    models = {"small": options.small, "large": options.large}
    collected = {tier: answers(work_file(options.work, tier=tier, model=path)) for tier, path in models.items()}
    missing = sum(prompt.split_key not in found for prompt in prompts for found in collected.values())
    if missing:
        raise SystemExit(f"{missing} answers are missing; run `python -m data.run_models` first")
    frame = pd.DataFrame(
        row(prompt, found[prompt.split_key], tier=tier) for prompt in prompts for tier, found in collected.items()
    )
    prices = price.table(frame, basis="generated")
    frame["cost_usd"] = price.cost(frame, prices["prices"])
    facts = {
        "seed": str(options.seed),
        "scripts_sha256": script_hash(),
        "small_sha256": sha256(options.small),
        "large_sha256": sha256(options.large),
        "xllamacpp": importlib.metadata.version("xllamacpp"),
        "max_tokens": str(MAX_TOKENS),
    }
    packed = pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False).replace_schema_metadata(facts)
    pq.write_table(packed, price.SAMPLE, compression="zstd", compression_level=19)
    price.write(price.PRICES, prices)
    print(f"{len(frame)} rows, {price.SAMPLE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
