"""One tier's answer to one prompt, as a log has it, checked field by field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from router.errors import InputError
from router.ledger.label import SOURCES
from router.types import Completion, Logprobs, Request, Stop, Usage, as_messages
from training.ingest import values
from training.ingest.options import Options
from training.ingest.rejects import RefusedError
from training.records import Outcome, split_named

CHARACTERS_PER_TOKEN = 4
"""By which tokens are estimated, where that is asked for."""

LEAST_LOGPROB = -30.0
"""Where a logged confidence is clipped: some logs have minus infinity."""

_GROUPS = ("conversation", "session", "tenant")
_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One tier's answer and its label.

    ``place`` is where it stands in the log. ``query_id`` is "" where the log names none. ``inclusion`` is the
    probability with which the outcome was observed, None where the log does not say. ``groups`` are keys, such as a
    conversation's, whose bearers belong in one split. ``estimated``: its tokens were.
    """

    place: int | str
    query_id: str
    request: Request
    tier: str
    outcome: Outcome
    inclusion: float | None = None
    split: str | None = None
    split_key: str = ""
    groups: tuple[str, ...] = ()
    task: str = ""
    estimated: bool = False


class Checker:
    """Makes observations of rows, field by field."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._limit = options.field_limit

    def observe(self, place: int, row: Mapping[str, Any], tier: str) -> Observation:
        """Return what a row says, given by our fields' names.

        Raises:
            RefusedError: a field cannot be taken.
        """
        request = self._request(row)
        answer = self._text(row, "response")
        usage = self._usage(row)
        estimated = usage is None
        if usage is None:
            usage = estimate(request, answer)
        return Observation(
            place=place,
            query_id=values.name(row.get("query_id"), "query_id", limit=self._limit),
            request=request,
            tier=tier,
            outcome=self._outcome(row, answer, usage),
            inclusion=values.chance(row.get("propensity"), "propensity"),
            split=self._split(row),
            split_key=values.name(row.get("split_key"), "split_key", limit=self._limit),
            groups=tuple(f"{kind}:{key}" for kind in _GROUPS if (key := self._name(row, kind))),
            task=self._name(row, "task"),
            estimated=estimated,
        )

    def _request(self, row: Mapping[str, Any]) -> Request:
        prompt = row.get("prompt")
        if isinstance(prompt, str):
            self._text(row, "prompt")
            turns = _turns(prompt)
            prompt = prompt if turns is None else turns
        if isinstance(prompt, list):
            for message in prompt:
                if isinstance(message, Mapping):
                    values.text(message.get("content"), "prompt", limit=self._limit)
        elif values.absent(prompt):
            raise RefusedError("prompt", "it is missing")
        try:
            return Request(messages=as_messages(prompt, system=self._text(row, "system") or None))
        except InputError:
            empty = not isinstance(prompt, str) or not prompt.strip()
            reason = "it is empty or no list of messages" if empty else "it is no prompt"
            raise RefusedError("prompt", reason, prompt) from None

    def _usage(self, row: Mapping[str, Any]) -> Usage | None:
        counts = {field: values.count(row.get(field), field) for field in _COUNTS}
        for field in ("input_tokens", "output_tokens"):
            if counts[field] is None:
                if self._options.tokens == "estimate":
                    return None
                raise RefusedError(field, "it is missing, and a cost is never guessed unasked (--estimate-tokens)")
        return Usage(**{field: found or 0 for field, found in counts.items()})

    def _outcome(self, row: Mapping[str, Any], answer: str, usage: Usage) -> Outcome:
        mapping = self._options.mapping
        source, judge = self._name(row, "source").lower(), self._name(row, "judge")
        if source and source not in SOURCES:
            raise RefusedError("source", f"it is none of {', '.join(SOURCES)}", source)
        weight = values.number(row.get("weight"), "weight", {})
        if weight <= 0:
            raise RefusedError("weight", "it is not above 0", weight)
        seconds = values.number(row.get("latency"), "latency", {}) / mapping.latency_divide
        if math.isnan(seconds):
            seconds = values.number(row.get("latency_ms"), "latency_ms", {}) / 1000
        if seconds < 0:
            raise RefusedError("latency", "it is negative", seconds)
        return Outcome(
            completion=Completion(
                text=answer,
                usage=usage,
                stop=cast("Stop", values.stop(row.get("stop"))),
                logprobs=self._logprobs(row),
                latency=0.0 if math.isnan(seconds) else seconds,
            ),
            quality=values.quality(row.get("quality"), divide=mapping.quality_divide, words=mapping.quality_words),
            source=source,
            weight=1.0 if math.isnan(weight) else weight,
            judge=judge or None,
        )

    def _logprobs(self, row: Mapping[str, Any]) -> Logprobs | None:
        found = values.listing(row.get("logprobs"), "logprobs", limit=self._limit)
        if not found:
            return _surety(row.get("conf_logprob"))
        tokens = values.listing(row.get("tokens"), "tokens", limit=self._limit) or [""] * len(found)
        if len(tokens) != len(found):
            raise RefusedError("tokens", "they are not as many as the log-probabilities", len(tokens))
        top = values.listing(row.get("top_logprobs"), "top_logprobs", limit=self._limit) or []
        if not all(isinstance(likeliest, list) for likeliest in top) or len(top) not in (0, len(found)):
            raise RefusedError("top_logprobs", "it is not a list for each token")
        return Logprobs(
            tokens=tuple(values.text(token, "tokens", limit=self._limit) for token in tokens),
            values=tuple(_logprob(value, "logprobs") for value in found),
            top=tuple(tuple(_logprob(value, "top_logprobs") for value in likeliest) for likeliest in top),
        )

    def _split(self, row: Mapping[str, Any]) -> str | None:
        word = self._name(row, "split")
        if self._options.splits == "anew" or not word:
            return None
        try:
            return split_named(word)
        except InputError:
            raise RefusedError("split", "it is no known split", word) from None

    def _text(self, row: Mapping[str, Any], field: str) -> str:
        return values.text(row.get(field), field, limit=self._limit)

    def _name(self, row: Mapping[str, Any], field: str) -> str:
        return values.name(row.get(field), field, limit=self._limit)


def estimate(request: Request, answer: str) -> Usage:
    """Return tokens by the length of the text, at least one each."""
    prompt = sum(len(message.content) for message in request.messages)
    return Usage(
        input_tokens=max(1, math.ceil(prompt / CHARACTERS_PER_TOKEN)),
        output_tokens=max(1, math.ceil(len(answer) / CHARACTERS_PER_TOKEN)),
    )


def _turns(prompt: str) -> list[Any] | None:
    """Messages that stand as JSON in a text column; None where the text is just text."""
    if not prompt.lstrip().startswith("[{"):
        return None
    try:
        found = values.listing(prompt, "prompt", limit=len(prompt) * 4)
    except RefusedError:
        return None
    messages = all(isinstance(turn, Mapping) and {"role", "content"} <= set(turn) for turn in found or ())
    return found if messages else None


def _surety(value: object) -> Logprobs | None:
    """One logged log-probability for the whole answer, as that of a single token."""
    if values.absent(value):
        return None
    least = isinstance(value, int | float) and math.isinf(value) and value < 0
    found = LEAST_LOGPROB if least or str(value).strip().lower() == "-inf" else _logprob(value, "conf_logprob")
    return Logprobs(tokens=("",), values=(max(found, LEAST_LOGPROB),))


def _logprob(value: object, field: str) -> float:
    if isinstance(value, float) and value == -math.inf:
        return LEAST_LOGPROB
    found = values.number(value, field, {})
    if math.isnan(found):
        raise RefusedError(field, "a log-probability in it is missing")
    # Servers round: a certain token may come out a little above 0.
    if found > 1e-3:
        raise RefusedError(field, "a log-probability in it is above 0", value)
    return min(found, 0.0)
