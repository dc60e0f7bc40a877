"""All public tasks but the one that is judged: what a router knows that never saw such a prompt."""

from __future__ import annotations

from training.benchmarks.pair_sources import plain, routellm, routerbench, ulab, zellinger
from training.benchmarks.pairs import Pairs, drawn, joined, without
from training.public import Task

MMLU_ROWS = 4000
"""Of MMLU's 14,037, drawn at random: else it would be most of what is learned from."""

PROTOCOL = (
    f"Learned from {MMLU_ROWS:,} questions of RouteLLM's MMLU drawn at random, RouterBench's ARC-Challenge, MBPP and "
    "Winogrande (both the same two models), LLMRouter's tasks (weak: the mean of Gemma 2 9B, Llama 3.1 8B, Mistral 7B "
    "v0.3 and Qwen 2.5 7B; strong: of Nemotron 51B and 49B) and Zellinger and Thomson's (weak: Llama 3.1 8B and GPT-4o "
    "mini; strong: Llama 3.1 70B and 405B, GPT-4o, Qwen 2.5 72B)"
)

_ULAB = (
    "agentverse-logicgrid", "agentverse-mgsm", "arc_challenge", "commongen", "commonsense_qa", "gpqa", "gsm8k",
    "human_eval", "math", "mbpp", "natural_qa", "openbook_qa", "trivia_qa",
)  # fmt: skip
_ULAB_WEAK = ("gemma-2-9b-it", "llama-3.1-8b-instruct", "mistral-7b-instruct-v0.3", "qwen2.5-7b-instruct")
_ULAB_STRONG = ("llama-3.1-nemotron-51b-instruct", "llama-3.3-nemotron-super-49b-v1")
_ZELLINGER = ("gsm8k", "medmcqa", "triviaqa", "truthfulqa")
_ZELLINGER_WEAK = ("llama3.1-8b", "gpt-4o-mini")
_ZELLINGER_STRONG = ("llama3.1-70b", "llama3.1-405b", "gpt-4o", "qwen2.5-72b-instruct")
_ROUTERBENCH = ("arc_challenge", "mbpp", "winogrande")
_ROUTERBENCH_PAIR = (("mistralai/mixtral-8x7b-chat",), ("gpt-4-1106-preview",))

GSM8K = frozenset({"gsm8k", "agentverse-mgsm"})
"""Tasks whose questions are GSM8K's."""


def other_tasks(test: Pairs, *, leave: frozenset[str] = frozenset(), routellms: tuple[Task, ...] = ("mmlu",)) -> Pairs:
    """Every task that is none of ``leave``, and of RouteLLM's own those named, without a question of ``test``.

    Raises:
        InputError: a file is not there.
    """
    weak, strong = _ROUTERBENCH_PAIR
    parts = [
        *(routerbench(task, weak=weak, strong=strong) for task in _ROUTERBENCH),
        *(ulab(task, weak=_ULAB_WEAK, strong=_ULAB_STRONG) for task in _ULAB if task not in leave),
        *(zellinger(task, weak=_ZELLINGER_WEAK, strong=_ZELLINGER_STRONG) for task in _ZELLINGER if task not in leave),
    ]
    for task in routellms:
        own = plain(routellm(task))
        parts.append(own.take(drawn(own, MMLU_ROWS, seed=0)) if task == "mmlu" else own)
    return without(joined(parts), test)
