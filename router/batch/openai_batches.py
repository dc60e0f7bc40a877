"""OpenAI's batch API: a file of requests, a batch that names it, a file of answers and one of errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from router.batch.apis import SKEW, Found, Item, Results
from router.batch.records import Intent

MARK = "tierwise_intent"
"""The key of the batch's metadata by which it is found again."""

_UNDER_WAY = ("validating", "in_progress", "finalizing", "cancelling")
_FULL = "token_limit_exceeded"
_PAGE = 100


class OpenAIBatches:
    """Batches of one endpoint: ``/v1/chat/completions`` or ``/v1/responses``."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def create(self, client: Any, intent: str, items: Mapping[str, Item], *, timeout: float) -> str:
        """Upload the requests, and create a batch of them."""
        lines = [
            json.dumps({"custom_id": custom, "method": "POST", "url": self._endpoint, "body": item.body}, default=dict)
            for custom, item in items.items()
        ]
        content = ("\n".join(lines) + "\n").encode()
        uploaded = client.files.create(file=(f"{intent}.jsonl", content), purpose="batch", timeout=timeout)
        batch = client.batches.create(
            input_file_id=uploaded.id,
            endpoint=self._endpoint,
            completion_window="24h",
            metadata={MARK: intent},
            timeout=timeout,
        )
        return str(batch.id)

    def find(self, client: Any, intent: Intent, known: frozenset[str], *, timeout: float) -> Found:  # noqa: ARG002 - marked
        """Look through the batches that may be it: they come newest first, which nobody promises for every one."""
        older = 0
        for batch in client.batches.list(limit=_PAGE, timeout=timeout):
            if (batch.metadata or {}).get(MARK) == intent.id:
                return Found(id=str(batch.id))
            older += batch.created_at < intent.created - SKEW
            if older > _PAGE:
                break
        return Found()

    def results(self, client: Any, batch: str, *, timeout: float) -> Results | None:
        """What the batch came to."""
        found = client.batches.retrieve(batch, timeout=timeout)
        if found.status in _UNDER_WAY:
            return None
        if found.status == "failed":
            return _refused(client, found, timeout)
        raws: dict[str, dict[str, Any]] = {}
        for file in (found.error_file_id, found.output_file_id):
            if file:
                raws |= dict(map(_raw, _lines(client, file, timeout)))
        return Results(raws=raws, ended=str(found.status))


def _lines(client: Any, file: str, timeout: float) -> Iterable[Any]:
    text = client.files.content(file, timeout=timeout).text
    # Not splitlines(): an answer may hold other characters that end a line, which JSON does not escape.
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def _raw(line: Any) -> tuple[str, dict[str, Any]]:
    """One line of a file of answers or of errors."""
    custom, error, response = str(line["custom_id"]), line.get("error"), line.get("response")
    if response:
        return custom, {
            "status": response.get("status_code", 200),
            "body": response.get("body"),
            "request_id": response.get("request_id"),
        }
    code = str((error or {}).get("code"))
    if code in ("batch_expired", "batch_cancelled"):
        return custom, {"ended": code.removeprefix("batch_")}
    return custom, {"status": 500, "body": {"error": error or {}}}


def _refused(client: Any, batch: Any, timeout: float) -> Results:
    """A batch that was refused as a whole, so that nothing was billed; the lines to blame are told, if any are."""
    errors = list(batch.errors.data or ()) if batch.errors is not None else []
    customs = [str(line["custom_id"]) for line in _lines(client, batch.input_file_id, timeout)]
    blamed = {
        customs[error.line - 1]: {"status": 400, "body": {"error": {"code": error.code, "message": error.message}}}
        for error in errors
        if error.line is not None and 0 < error.line <= len(customs)
    }
    if blamed:
        return Results(raws=blamed, again=frozenset(customs) - set(blamed), ended="failed")
    error = {"code": errors[0].code, "message": errors[0].message} if errors else {"message": "its batch failed"}
    status = 429 if error.get("code") == _FULL else 400
    return Results(raws={custom: {"status": status, "body": {"error": error}} for custom in customs}, ended="failed")
