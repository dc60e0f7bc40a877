"""The fields of a log, and the names that columns go by in the logs of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ALIASES: Mapping[str, tuple[str, ...]] = {
    "query_id": ("query_id", "question_id", "qid", "id"),
    "prompt": ("prompt", "messages", "query", "question", "instruction", "input"),
    "system": ("system", "system_prompt"),
    "tier": ("tier", "model", "model_name"),
    "quality": ("quality", "label", "performance", "score", "correct"),
    "source": ("label_source", "source"),
    "judge": ("label_judge", "judge"),
    "weight": ("label_weight", "weight"),
    "response": ("response", "completion", "output"),
    "stop": ("stop", "finish_reason", "stop_reason"),
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "cached_input_tokens": ("cached_input_tokens",),
    "cache_write_tokens": ("cache_write_tokens",),
    "reasoning_tokens": ("reasoning_tokens",),
    "latency": ("latency", "response_time"),
    "latency_ms": ("latency_ms",),
    "tokens": ("tokens",),
    "logprobs": ("logprobs",),
    "top_logprobs": ("top_logprobs",),
    "conf_logprob": ("conf_logprob",),
    "propensity": ("propensity", "inclusion"),
    "task": ("task", "task_name"),
    "split": ("split",),
    "split_key": ("split_key",),
    "conversation": ("conversation_id", "conversation", "thread_id"),
    "session": ("session_id", "session"),
    "tenant": ("tenant_id", "tenant"),
}
"""Our field to the column names that are taken for it, the likeliest first."""

FIELDS = tuple(ALIASES)


def fields_of(names: Iterable[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """Return which column holds each field: the one it is ``renamed`` to, else the first of its aliases that is there.

    A column that a mapping gives to one field is not taken for another.
    """
    there = set(names)
    given = set(renamed.values())
    found = {}
    for field, aliases in ALIASES.items():
        if field in renamed:
            if renamed[field] in there:
                found[field] = renamed[field]
            continue
        name = next((alias for alias in aliases if alias in there and alias not in given), None)
        if name is not None:
            found[field] = name
    return found
