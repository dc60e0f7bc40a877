"""What a provider's answer says of its tokens: from parsed answers, from JSON and from streams as their bytes pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from router.providers.fields import field as field_of
from router.providers.fields import word
from router.providers.usage import anthropic_usage, openai_usage, responses_usage
from router.types import Usage

_READERS: Mapping[str, Callable[..., Usage | None]] = {
    "/chat/completions": openai_usage,
    "/completions": openai_usage,
    "/embeddings": openai_usage,
    "/responses": responses_usage,
    "/v1/messages": anthropic_usage,
}
"""The ends of the addresses whose calls are billed by tokens, with what reads their usage."""

_REPORT = re.compile(rb'"usage"\s*:\s*\{')
_END = re.compile(rb'\s*(?:\[DONE\]|\{"type":\s*"(?:message_stop|response\.(?:completed|incomplete|failed))")')
_FAULT = re.compile(rb'\s*\{"(?:error"|type":\s*"error")')

LARGEST = 16 * 2**20
"""Of an answer with more bytes nothing is kept, and its usage is unknown."""

_REPORTS = 4
"""Reports of usage that are kept of a stream, its last among them: some servers send one with each token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an answer told; ``usage`` is None when it told none."""

    model: str | None = None
    usage: Usage | None = None
    request_id: str | None = None


def reader_of(url: str) -> Callable[..., Usage | None] | None:
    """What reads the usage of calls to ``url``; None where calls are not billed by tokens."""
    path = url.partition("?")[0]
    return next((read for end, read in _READERS.items() if path.endswith(end)), None)


def told(read: Callable[..., Usage | None], answers: list[Any]) -> Told:
    """What an answer told, of which ``answers`` are the parts that may tell something, parsed or as JSON."""
    # A stream wraps what it has to say: Anthropic's in its first event, OpenAI's responses in the last.
    inner = [field_of(each, "response") or field_of(each, "message") or each for each in answers]
    models = [model for each in inner if (model := word(each, "model"))]
    ids = [id for each in inner if (id := word(each, "_request_id"))]
    reports = [report for each in inner if (report := field_of(each, "usage")) is not None]
    if read is anthropic_usage:
        usage = read(*reports)
    else:
        usage = next((found for report in reversed(reports) if (found := read(report)) is not None), None)
    return Told(model=models[0] if models else None, usage=usage, request_id=ids[0] if ids else None)


@dataclass(slots=True, kw_only=True)
class Gleaner:
    """Sees the bytes of an answer pass, and keeps what tells tokens and the model.

    ``ended``: a stream has said all it will of tokens. ``broken``: it has told of an error.
    """

    is_stream: bool
    ended: bool = False
    broken: bool = False
    _kept: list[bytes] = field(default_factory=list)
    _rest: bytes = b""
    _size: int = 0
    _named: bool = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        if self.is_stream:
            *lines, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n")
            for line in lines:
                self._line(line)
            if len(self._rest) > LARGEST:
                self._rest = b""
        else:
            self._size += len(piece)
            self._kept = [*self._kept, piece] if self._size <= LARGEST else []

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        if _REPORT.search(line) or (not self._named and b'"model"' in line):
            self._named = True
            self._kept[_REPORTS - 1 :] = [line[5:]]
        self.ended = self.ended or _END.match(line, 5) is not None
        self.broken = self.broken or _FAULT.match(line, 5) is not None

    def told(self, read: Callable[..., Usage | None]) -> Told:
        """What the bytes that passed told."""
        texts = self._kept if self.is_stream else [b"".join(self._kept)]
        return told(read, [parsed for text in texts if isinstance(parsed := _parsed(text), dict)])


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
