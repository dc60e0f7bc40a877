"""A provider on loopback with OpenAI's and Anthropic's batch APIs, over real HTTP, that counts what it bills.

Its small model is sure of easy questions alone, its large model of all. Nothing here knows of tierwise.
"""

from __future__ import annotations

import email
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

HARD = "hard"
"""In a prompt: the small model is not sure of it."""

Fate = Callable[[str, str, int], str | None]
"""What becomes of an item, by model, prompt and how often it was sent: "expired", "errored", or None for an answer."""


@dataclass
class Batch:
    """One batch: its items by custom id, as (model, prompt, fate); ``looks`` until it has ended."""

    id: str
    kind: str
    items: dict[str, tuple[str, str, str | None]]
    created: float
    looks: int
    metadata: dict[str, str] | None = None
    endpoint: str = ""
    input_file: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)


class Vendor:
    """The provider's state. ``on`` is called with the name of each event, in the thread that serves it.

    ``billed`` counts answers by (model, prompt). ``down`` are statuses to answer the next calls with; ``refuses`` is a
    prompt's word for which a whole batch is refused, ``blames`` one whose line fails its validation; ``garbled`` counts
    the next results that are no results.
    """

    def __init__(self) -> None:
        self.url = ""
        self.billed: Counter[tuple[str, str]] = Counter()
        self.sent: Counter[tuple[str, str]] = Counter()
        self.batches: dict[str, Batch] = {}
        self.files: dict[str, str] = {}
        self.down: list[int] = []
        self.looks = 1
        self.refuses: str | None = None
        self.blames: str | None = None
        self.garbled = 0
        self.fate: Fate = lambda _, __, ___: None
        self.on: Callable[[str], None] = lambda _: None
        self._ids = count(1)
        self._lock = threading.Lock()

    @property
    def twice(self) -> int:
        """How many answers were billed that had been billed before."""
        return sum(times - 1 for times in self.billed.values())

    def add(self, kind: str, bodies: dict[str, Any], **more: Any) -> Batch:
        """Take a batch in and bill it."""
        with self._lock:
            items = {}
            for custom, body in bodies.items():
                model, prompt = body["model"], prompt_of(body)
                self.sent[model, prompt] += 1
                fate = self.fate(model, prompt, self.sent[model, prompt])
                if fate is None:
                    self.billed[model, prompt] += 1
                items[custom] = (model, prompt, fate)
            id = f"{'batch' if kind == 'openai' else 'msgbatch'}_{next(self._ids)}"
            batch = Batch(id, kind, items, time.time(), self.looks, **more)
            self.batches[id] = batch
        return batch

    def file(self, content: str) -> str:
        """Keep a file; its id."""
        with self._lock:
            id = f"file-{next(self._ids)}"
            self.files[id] = content
        return id

    def direct(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer at once, and bill it."""
        with self._lock:
            self.sent[body["model"], prompt_of(body)] += 1
            self.billed[body["model"], prompt_of(body)] += 1
        return chat(body["model"], prompt_of(body))


def prompt_of(body: dict[str, Any]) -> str:
    """The last thing that was said."""
    said = (body.get("messages") or body.get("input"))[-1]["content"]
    return said if isinstance(said, str) else "".join(part.get("text", "") for part in said)


def answer(model: str, prompt: str) -> str:
    """What the models answer."""
    sure = "small" not in model or HARD not in prompt
    return f"{'sure' if sure else 'perhaps'}: {prompt}"


def chat(model: str, prompt: str) -> dict[str, Any]:
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer(model, prompt)}}
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
    }


def response(model: str, prompt: str) -> dict[str, Any]:
    """An answer of the responses API."""
    content = [{"type": "output_text", "text": answer(model, prompt), "annotations": []}]
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": model,
        "output": [{"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": content}],
        "usage": {"input_tokens": 20, "output_tokens": 10, "total_tokens": 30},
    }


def message(model: str, prompt: str) -> dict[str, Any]:
    """A message of Anthropic's."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": answer(model, prompt)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 20, "output_tokens": 10},
    }


def _openai(vendor: Vendor, batch: Batch) -> dict[str, Any]:
    ended = batch.looks <= 0
    good = [custom for custom, (_, __, fate) in batch.items.items() if fate is None]
    bad = {custom: fate for custom, (_, __, fate) in batch.items.items() if fate is not None}
    told: dict[str, Any] = {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "input_file_id": batch.input_file,
        "completion_window": "24h",
        "created_at": int(batch.created),
        "metadata": batch.metadata,
        "request_counts": {"total": len(batch.items), "completed": len(good), "failed": len(bad)},
        "status": "in_progress",
    }
    if batch.errors:
        return told | {"status": "failed", "errors": {"object": "list", "data": batch.errors}}
    if not ended:
        return told
    expired = "expired" in bad.values()
    told["status"] = "expired" if expired else "completed"
    lines = []
    for custom in reversed(good):  # in no order that was promised
        model, prompt, _ = batch.items[custom]
        body = (response if batch.endpoint == "/v1/responses" else chat)(model, prompt)
        told_of = {"status_code": 200, "request_id": "req-1", "body": body}
        lines.append(json.dumps({"id": "r", "custom_id": custom, "response": told_of, "error": None}))
    if lines:
        told["output_file_id"] = vendor.file("\n".join(lines) + "\n")
    lines = []
    for custom, fate in bad.items():
        if fate == "expired":
            lines.append(json.dumps({"custom_id": custom, "response": None, "error": {"code": "batch_expired"}}))
        else:
            body = {"error": {"message": "the model failed", "type": "server_error"}}
            lines.append(json.dumps({"custom_id": custom, "response": {"status_code": 500, "body": body}}))
    if lines:
        told["error_file_id"] = vendor.file("\n".join(lines) + "\n")
    return told


def _anthropic(vendor: Vendor, batch: Batch) -> dict[str, Any]:
    ended = batch.looks <= 0
    fates = Counter(fate for _, __, fate in batch.items.values())
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    if ended:
        counts |= {"succeeded": fates[None], "errored": fates["errored"], "expired": fates["expired"]}
    else:
        counts["processing"] = len(batch.items)
    created = datetime.fromtimestamp(batch.created, UTC).isoformat()
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": counts,
        "created_at": created,
        "expires_at": created,
        "results_url": f"{vendor.url}/v1/messages/batches/{batch.id}/results" if ended else None,
    }


def _results(batch: Batch) -> str:
    lines = []
    for custom, (model, prompt, fate) in batch.items.items():
        result: dict[str, Any] = {"type": "succeeded", "message": message(model, prompt)}
        if fate == "expired":
            result = {"type": "expired"}
        elif fate == "errored":
            error = {"type": "api_error", "message": "the model failed"}
            result = {"type": "errored", "error": {"type": "error", "error": error, "request_id": None}}
        lines.append(json.dumps({"custom_id": custom, "result": result}))
    return "\n".join(lines) + "\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    vendor: Vendor

    def do_GET(self) -> None:
        vendor, parts = self.vendor, urlsplit(self.path)
        path = parts.path.split("/")[2:]
        if vendor.down:
            self._say({"error": {"message": "down"}}, vendor.down.pop(0))
        elif path[0] == "files":
            vendor.on("results")
            self._raw(self._whole(vendor.files[path[1]]))
        elif path[-1] == "batches":
            kind = "openai" if path[0] == "batches" else "anthropic"
            vendor.on("listed")
            found = [batch for batch in reversed(vendor.batches.values()) if batch.kind == kind]
            for batch in found:
                batch.looks -= 1  # time passes, whichever way one looks
            show = _openai if kind == "openai" else _anthropic
            after = parse_qs(parts.query).get("after") or parse_qs(parts.query).get("after_id")
            data = [] if after else [show(vendor, batch) for batch in found]
            self._say({"object": "list", "data": data, "has_more": False, "first_id": None, "last_id": None})
        elif path[-1] == "results":
            vendor.on("results")
            self._raw(self._whole(_results(vendor.batches[path[2]])))
        else:
            batch = vendor.batches[path[-1]]
            batch.looks -= 1
            vendor.on("looked")
            self._say((_openai if batch.kind == "openai" else _anthropic)(vendor, batch))

    def do_POST(self) -> None:
        vendor, path = self.vendor, urlsplit(self.path).path
        content = self.rfile.read(int(self.headers["content-length"]))
        if vendor.down:
            self._say({"error": {"message": "down"}}, vendor.down.pop(0))
        elif path == "/v1/files":
            self._say({"id": vendor.file(_uploaded(self.headers["content-type"], content)), "object": "file"})
        elif path == "/v1/chat/completions":
            vendor.on("direct")
            self._say(vendor.direct(json.loads(content)))
        elif path in ("/v1/batches", "/v1/messages/batches"):
            self._create(json.loads(content), "openai" if path == "/v1/batches" else "anthropic")
        else:
            self._say({"error": {"message": f"no {path}"}}, 404)

    def _create(self, body: dict[str, Any], kind: str) -> None:
        vendor = self.vendor
        vendor.on("received")
        more: dict[str, Any] = {}
        if kind == "openai":
            lines = [json.loads(line) for line in vendor.files[body["input_file_id"]].splitlines()]
            bodies = {line["custom_id"]: line["body"] for line in lines}
            more = {"metadata": body.get("metadata"), "endpoint": body["endpoint"], "input_file": body["input_file_id"]}
        else:
            bodies = {each["custom_id"]: each["params"] for each in body["requests"]}
        if vendor.refuses and any(vendor.refuses in prompt_of(each) for each in bodies.values()):
            self._say({"type": "error", "error": {"type": "invalid_request_error", "message": "no such thing"}}, 400)
            return
        blamed = [
            place for place, each in enumerate(bodies.values(), 1) if vendor.blames and vendor.blames in prompt_of(each)
        ]
        if blamed:
            errors = [{"code": "invalid", "line": place, "message": "not this", "param": None} for place in blamed]
            with_fate, vendor.fate = vendor.fate, lambda _, __, ___: "errored"
            batch = vendor.add(kind, bodies, errors=errors, **more)
            vendor.fate = with_fate
        else:
            batch = vendor.add(kind, bodies, **more)
        vendor.on("registered")
        self._say((_openai if kind == "openai" else _anthropic)(vendor, batch))

    def _whole(self, text: str) -> str:
        if not self.vendor.garbled:
            return text
        self.vendor.garbled -= 1
        return '{"custom": 1}\n'

    def _say(self, plain: Any, status: int = 200) -> None:
        self._raw(json.dumps(plain), status, "application/json")

    def _raw(self, text: str, status: int = 200, kind: str = "application/jsonl") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _uploaded(kind: str, content: bytes) -> str:
    parts = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content)
    for part in parts.get_payload():  # type: ignore[union-attr]
        if part.get_param("name", header="content-disposition") == "file":  # type: ignore[union-attr]
            return part.get_payload(decode=True).decode()  # type: ignore[union-attr]
    raise ValueError("no file was uploaded")


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that was killed does not read on


@contextmanager
def serving() -> Iterator[Vendor]:
    """A vendor that serves until the block ends."""
    vendor = Vendor()
    server = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"vendor": vendor}))
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
