"""The public benchmarks by name: where each is, what it shows, and which public files it reads."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from router.errors import InputError
from training.benchmarks.proof import Proof
from training.benchmarks.result import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """``module`` in this package has ``run(*, report, quick)``; ``files`` are the public files that it reads."""

    module: str
    summary: str
    files: tuple[str, ...]


class Runner(Protocol):
    """What every public benchmark's module has under the name ``run``."""

    def __call__(self, *, report: Report = ..., quick: bool = False) -> Proof:
        """Run it; ``quick``: on fewer seeds or rows, in less than a minute."""
        ...


PUBLIC: Mapping[str, Entry] = MappingProxyType(
    {
        "routellm-mmlu": Entry(
            module="routellm_mmlu",
            summary="RouteLLM's MMLU, before any answer: 400, 1,404 and 9,400 labels, and unseen subjects",
            files=("routellm",),
        ),
        "routellm-mmlu-transfer": Entry(
            module="routellm_mmlu_transfer",
            summary="RouteLLM's MMLU with labels of other models on other MMLU questions only",
            files=("routellm", "zellinger_cascades"),
        ),
        "routellm-gsm8k": Entry(
            module="routellm_gsm8k",
            summary="RouteLLM's GSM8K, before any answer: cross-validated, and without a GSM8K label",
            files=("routellm", "ulab_llmrouter", "zellinger_cascades", "routerbench_part"),
        ),
        "routellm-gsm8k-cascade": Entry(
            module="routellm_gsm8k_cascade",
            summary="RouteLLM's GSM8K after reading the weak model's answer, without log-probabilities",
            files=("routellm",),
        ),
        "routellm-mtbench": Entry(
            module="routellm_mtbench",
            summary="RouteLLM's MT-Bench, 72 questions, trained on everything else",
            files=("routellm", "ulab_llmrouter", "zellinger_cascades", "routerbench_part"),
        ),
        "zellinger-cascade": Entry(
            module="zellinger_cascade",
            summary="chains of five Llama models by the authors' protocol: area under the error-cost curve",
            files=("zellinger_cascades",),
        ),
        "zellinger-pool": Entry(
            module="zellinger_pool",
            summary="two three-tier pools: cost of 95, 98 and 99 % of the strongest tier's quality, against peers",
            files=("zellinger_cascades",),
        ),
        "llmrouter-14": Entry(
            module="llmrouter_14",
            summary="14 tasks and 9 models of ulab's LLMRouter, against its kNN, SVM and MLP routers",
            files=("ulab_llmrouter",),
        ),
        "routerarena-robustness": Entry(
            module="routerarena_robustness",
            summary="how often noise in the prompt flips the tier",
            files=("routerarena_robustness", "ulab_llmrouter"),
        ),
        "ablation": Entry(
            module="ablation",
            summary="what each feature group, the gain heads, cost awareness and each rung add",
            files=("routellm", "zellinger_cascades"),
        ),
        "latency": Entry(
            module="latency",
            summary="how long a decision takes, before and after an answer, against the same through scikit-learn",
            files=(),
        ),
    }
)


def runner(name: str) -> Runner:
    """The benchmark of that name, ready to run.

    Raises:
        InputError: there is none of that name, or this version does not have it.
    """
    module = f"{__package__}.{entry(name).module}"
    try:
        run: Runner = importlib.import_module(module).run
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise InputError(f"this version has no benchmark {name!r}") from None
    return run


def entry(name: str) -> Entry:
    """The entry of that name.

    Raises:
        InputError: there is none; the sentence names the nearest.
    """
    from router.config.table import suggestion

    if name not in PUBLIC:
        raise InputError(f"there is no benchmark {name!r}: {suggestion(name, tuple(PUBLIC))}")
    return PUBLIC[name]
