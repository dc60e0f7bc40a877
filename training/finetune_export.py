"""Training files for fine-tuning a provider's model, from answers that were accepted and labelled good."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from router.decision import Attempt
from router.errors import InputError
from router.ledger import Entry, Ledger
from router.ledger.label import SOURCES
from router.ledger.location import locate
from router.ledger.redact import REDACTED, redact
from router.types import Message

Format = Literal["openai", "anthropic"]
FORMATS = ("openai", "anthropic")

FEWEST = 10
"""Examples below which OpenAI refuses a file."""

_NO_TEXT = "no text of it was kept"
_WHOLE = ("end", "stop_sequence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, and what was left out and why; of each prompt only the best answer is taken.

    ``tokens`` are those that the providers counted for the examples of the training file, ``uncounted`` the examples
    whose were not reported. ``redacted`` examples had something that looked like a key. ``newest`` is when the last
    example was asked, in seconds since the epoch.
    """

    out: str
    validation_out: str | None
    format: str
    least: float
    decisions: int
    train: int
    validation: int
    left_out: Mapping[str, int]
    tokens: int
    uncounted: int
    redacted: int
    newest: float

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)

    def sentences(self) -> tuple[str, ...]:
        """The same in words."""
        there = "" if self.validation_out is None else f" and {self.validation:,} to {self.validation_out}"
        lines = [f"wrote {self.train:,} examples to {self.out}{there}, of {self.decisions:,} decisions"]
        lines += [f"{count:,} left out: {reason}" for reason, count in self.left_out.items()]
        unknown = f", {self.uncounted:,} examples not counted" if self.uncounted else ""
        lines.append(f"about {self.tokens:,} tokens to train on an epoch, as the providers counted them{unknown}")
        if self.redacted:
            lines.append(f"{self.redacted:,} examples had what looks like a key, replaced by {REDACTED}")
        lines.append(
            "only what looks like a key is removed: names, addresses and whatever else people wrote is in the files"
        )
        if self.format == "openai" and self.train < FEWEST:
            lines.append(f"OpenAI asks for {FEWEST} examples at least")
        lines.append("judge a model that was tuned on these on the validation file or on later requests, never on them")
        return tuple(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Example:
    line: str
    quality: float
    created: float
    tokens: int | None
    redacted: bool


def export(
    ledger: Ledger,
    out: Path,
    *,
    format: Format,
    least: float = 0.9,
    validation: float = 0.1,
    since: float | None = None,
    until: float | None = None,
) -> Exported:
    """Write answers with a label of ``least`` or more to ``out``, a JSON object a line as the provider reads it.

    A share ``validation`` of the prompts, by a hash that never changes, goes into a file beside it. The most trusted
    label of an answer counts, of equals the newest. Both files are written whole or not at all.

    Raises:
        InputError: there is nothing to export, above all because the ledger keeps no text; or a number is outside its
            range, or the file cannot be written.
        LedgerError: the ledger cannot be read.
    """
    if not 0 <= least <= 1:
        raise InputError(f"least is a quality from 0 to 1, not {least}")
    if not 0 <= validation < 1:
        raise InputError(f"validation is the share of prompts held back, from 0 to below 1, not {validation}")
    if not out.name or out.is_dir():
        raise InputError(f"{out} is a folder; name a file as --out")
    beside = out.with_name(f"{out.stem}.validation{out.suffix}")
    kept = locate(ledger.url).path
    if kept in (out.absolute(), beside.absolute()):
        raise InputError(f"{kept} is the ledger, which the export would write over; choose another --out")
    qualities = _qualities(ledger)
    best: dict[str, _Example] = {}
    left_out: Counter[str] = Counter()
    decisions = 0
    for entry in ledger.decisions(since, until):
        decisions += 1
        quality = qualities.get((entry.decision.id, entry.decision.tier or ""))
        example = _example(entry, quality, least, format)
        if isinstance(example, str):
            left_out[example] += 1
            continue
        prompt = entry.decision.prompt_hash
        old = best.get(prompt)
        if old is not None:
            left_out["its prompt has another answer"] += 1
        if old is None or (example.quality, example.created) >= (old.quality, old.created):
            best[prompt] = example
    if not best:
        raise InputError(_nothing(decisions, left_out, least))
    held = {prompt for prompt in best if _share_of(prompt) < validation}
    train = [example for prompt, example in best.items() if prompt not in held]
    _write({out: train, beside: [best[prompt] for prompt in best if prompt in held]})
    return Exported(
        out=str(out),
        validation_out=str(beside) if held else None,
        format=format,
        least=least,
        decisions=decisions,
        train=len(train),
        validation=len(held),
        left_out=dict(left_out.most_common()),
        tokens=sum(example.tokens or 0 for example in train),
        uncounted=sum(example.tokens is None for example in train),
        redacted=sum(example.redacted for example in best.values()),
        newest=max(example.created for example in best.values()),
    )


def _qualities(ledger: Ledger) -> dict[tuple[str, str], float]:
    """The most trusted label's quality per answer."""
    best: dict[tuple[str, str], tuple[int, float]] = {}
    for label in ledger.labels():
        key, trust = (label.decision_id, label.tier), SOURCES.index(label.source)
        if key not in best or trust <= best[key][0]:
            best[key] = (trust, label.quality)
    return {key: quality for key, (_, quality) in best.items()}


def _example(entry: Entry, quality: float | None, least: float, format: Format) -> _Example | str:
    """The example that ``entry`` makes, or why it makes none."""
    decision, request = entry.decision, entry.request
    answer = decision.accepted
    if answer is None:
        return "it returned no answer"
    if answer.verdict == "cached":
        return "its answer came from the cache"
    if quality is None:
        return "its answer has no label"
    if quality < least:
        return f"its label is below {least:g}"
    if request is None or answer.text is None:
        return _NO_TEXT
    if request.tools or any(message.tool_calls or message.role == "tool" for message in request.messages):
        return "it uses tools"
    if answer.stop not in _WHOLE or not answer.text.strip():
        return "its answer is not whole"
    lines = _openai if format == "openai" else _anthropic
    plain = lines(request.messages, answer.text)
    if plain is None:
        return "its messages do not begin with the user's"
    line = json.dumps(plain, ensure_ascii=False)
    clean = redact(line)
    return _Example(
        line=clean, quality=quality, created=decision.created, tokens=_tokens(answer), redacted=REDACTED in clean
    )


def _tokens(answer: Attempt) -> int | None:
    return None if answer.usage is None else answer.usage.prompt_tokens + answer.usage.output_tokens


def _openai(messages: Iterable[Message], answer: str) -> dict[str, Any]:
    turns = [{"role": message.role, "content": message.content} for message in messages]
    return {"messages": [*turns, {"role": "assistant", "content": answer}]}


def _anthropic(messages: Iterable[Message], answer: str) -> dict[str, Any] | None:
    """As Amazon Bedrock reads it for Claude: the system prompt apart, user and assistant in turn."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    turns: list[dict[str, str]] = []
    for message in (*messages, Message(role="assistant", content=answer)):
        if message.role == "system":
            continue
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += f"\n\n{message.content}"
        else:
            turns.append({"role": message.role, "content": message.content})
    if turns[0]["role"] != "user":
        return None
    return {"system": system, "messages": turns} if system else {"messages": turns}


def _share_of(prompt_hash: str) -> float:
    """A number in [0, 1) of the prompt's own, and not the one by which mixtures of rules draw."""
    digest = hashlib.sha256(f"fine-tuning\x1f{prompt_hash}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _nothing(decisions: int, left_out: Counter[str], least: float) -> str:
    if left_out[_NO_TEXT]:
        return (
            f"the ledger keeps no text of the {left_out[_NO_TEXT]:,} requests whose answers are good enough, only "
            'hashes, so there is nothing to tune on; set `keep = "text"` under [ledger] for those to come'
        )
    why = "; ".join(f"{count:,}: {reason}" for reason, count in left_out.most_common()) or "there are no decisions"
    return f"none of {decisions:,} decisions has an accepted answer with a label of {least:g} or more ({why})"


def _write(files: Mapping[Path, list[_Example]]) -> None:
    """Write each file beside its place first, so that all are there or none is changed; an empty one is not left."""
    partial = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in files}
    path = next(iter(files))
    try:
        for path, examples in files.items():
            partial[path].write_text("".join(f"{example.line}\n" for example in examples), encoding="utf-8")
        for path, examples in files.items():
            if examples:
                partial[path].replace(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another --out") from None
    finally:
        for each in partial.values():
            each.unlink(missing_ok=True)
