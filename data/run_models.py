"""Ask both local models every prompt of the sample and keep what they say, with log-probabilities and timings.

    python -m data.run_models --small SMOL.gguf --large GEMMA.gguf [--limit 20]

One process a model, one thread each, temperature 0, no prompt cache: each answer depends on its prompt alone.
Answers are appended to a work file in the temporary directory, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from data.generate import SEED, Prompt, generate

MAX_TOKENS = 16
TOP = 5


def work_file(directory: Path, *, tier: str, model: Path) -> Path:
    """Where the answers of ``model`` are collected; its content's hash is in the name."""
    return directory / f"{tier}-{sha256(model)[:12]}.jsonl"


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def server(model: Path) -> Any:
    """Load ``model`` in llama.cpp's in-process server: one thread, one slot, 2,048 tokens of context."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx = 2048
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.endpoint_metrics = False
    params.port = 0
    return xllamacpp.Server(params)


def ask(model: Any, prompt: str) -> dict[str, Any]:
    """One greedy answer, up to the end of the line."""
    started = time.perf_counter()
    reply = model.handle_completions(
        {
            "prompt": prompt,
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "stop": ["\n"],
            "logprobs": TOP,
            "cache_prompt": False,
        }
    )
    latency = time.perf_counter() - started
    if "choices" not in reply:
        raise RuntimeError(f"no answer: {reply}")
    choice = reply["choices"][0]
    content = (choice.get("logprobs") or {}).get("content") or []
    return {
        "response": choice["text"],
        "finish": choice["finish_reason"],
        "input_tokens": reply["usage"]["prompt_tokens"],
        "output_tokens": reply["usage"]["completion_tokens"],
        "tokens": [token["token"] for token in content],
        "logprobs": [token["logprob"] for token in content],
        "top_logprobs": [[top["logprob"] for top in token["top_logprobs"]] for token in content],
        "prompt_n": reply["timings"]["prompt_n"],
        "prompt_ms": reply["timings"]["prompt_ms"],
        "predicted_n": reply["timings"]["predicted_n"],
        "predicted_ms": reply["timings"]["predicted_ms"],
        "latency_ms": latency * 1000,
    }


def run(tier: str, model: Path, directory: Path, prompts: list[Prompt]) -> None:
    """Ask one model whatever it has not answered yet."""
    path = work_file(directory, tier=tier, model=model)
    answered = set(answers(path))
    todo = [prompt for prompt in prompts if prompt.split_key not in answered]
    silence = os.open(os.devnull, os.O_WRONLY)
    report = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    loaded = server(model)
    started = time.monotonic()
    with path.open("a", encoding="utf-8") as file:
        for count, prompt in enumerate(todo, start=1):
            file.write(json.dumps({"split_key": prompt.split_key, **ask(loaded, prompt.prompt)}) + "\n")
            file.flush()
            if count % 200 == 0 or count == len(todo):
                report.write(f"{tier}: {count} of {len(todo)}, {time.monotonic() - started:.0f} s\n")


def answers(path: Path) -> dict[str, dict[str, Any]]:
    """Read a work file's answers by split key; a last line cut short by an interruption is left out."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[answer["split_key"]] = answer
    return found


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Make the options that the run and the packing share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=Path, required=True, help="SmolLM2-135M-Instruct, a GGUF file")
    parser.add_argument("--large", type=Path, required=True, help="Gemma 3 270M base, a GGUF file")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "tierwise-sample")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--limit", type=int, help="prompts a family, for a pilot")
    return parser


def main() -> None:
    """Run both models at once."""
    options = arguments(__doc__).parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    prompts = generate(seed=options.seed, limit=options.limit)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=run, args=(tier, model, options.work, prompts))
        for tier, model in (("small", options.small), ("large", options.large))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise SystemExit("a model failed; run again to go on")


if __name__ == "__main__":
    main()
