"""Token log-probabilities as servers send them, cut to the tokens of the visible answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.providers.fields import field, items
from router.types import Logprobs

FLOOR = -100.0
"""What stands for minus infinity: a probability of about 10**-43, and still a number to compute with."""

ALTERNATIVES = 5
"""How many of the likeliest tokens are asked for at each place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One generated token; ``value`` is None where the server's number is missing or NaN."""

    text: str
    bytes: bytes
    value: float | None
    top: tuple[float, ...] = ()


def listed(content: Iterable[Any]) -> list[Token]:
    """Tokens in the form of chat completions, responses and llama.cpp: one object a token."""
    return [
        Token(
            text=str(field(item, "token") or ""),
            bytes=_bytes(item),
            value=_finite(field(item, "logprob")),
            top=_ranked(field(other, "logprob") for other in items(item, "top_logprobs")),
        )
        for item in content
    ]


def columns(block: Any) -> list[Token]:
    """Tokens in the form of OpenAI's and vLLM's completions: parallel lists."""
    values, tops = items(block, "token_logprobs"), items(block, "top_logprobs")
    return [
        Token(
            text=str(token),
            bytes=str(token).encode("utf-8", "replace"),
            value=_finite(values[place] if place < len(values) else None),
            top=_ranked(tops[place].values() if place < len(tops) and isinstance(tops[place], Mapping) else ()),
        )
        for place, token in enumerate(items(block, "tokens"))
    ]


def of_answer(tokens: Sequence[Token], *, generated: str, shown: str) -> Logprobs | None:
    """The log-probabilities of the tokens of ``shown``, which ``generated`` begins with.

    Servers differ in whether the end-of-text token, a stop string or hidden reasoning is listed, and even one
    server differs between a stream and a whole answer, so everything outside the answer is dropped. None when
    a token of the answer has no finite log-probability, or there is no such token.
    """
    stream = b"".join(token.bytes for token in tokens)
    start = stream.rfind(generated.encode("utf-8", "replace"))
    end = len(stream) if start < 0 else start + len(shown.encode("utf-8", "replace"))
    kept, place = [], 0
    for token in tokens:
        if token.bytes and place < end and place + len(token.bytes) > start:
            kept.append(token)
        place += len(token.bytes)
    values = [token.value for token in kept if token.value is not None]
    if not kept or len(values) != len(kept):
        return None
    return Logprobs(
        tokens=tuple(token.text for token in kept),
        values=tuple(values),
        top=tuple(token.top for token in kept) if any(token.top for token in kept) else (),
    )


def _bytes(item: Any) -> bytes:
    """The token's own bytes, which is how a server writes half a character; else its text's."""
    given = field(item, "bytes")
    if isinstance(given, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in given):
        return bytes(given)
    return str(field(item, "token") or "").encode("utf-8", "replace")


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value == math.inf:
        return None
    return min(max(float(value), FLOOR), 0.0)


def _ranked(values: Iterable[Any]) -> tuple[float, ...]:
    return tuple(sorted((value for value in map(_finite, values) if value is not None), reverse=True))
