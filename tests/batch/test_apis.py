"""Rare answers of the batch APIs, by a client that gives them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace as Its
from typing import Any

import pytest

from router.batch.anthropic_batches import AnthropicBatches
from router.batch.apis import Found
from router.batch.openai_batches import MARK, OpenAIBatches
from router.batch.records import Intent

OPENAI = OpenAIBatches("/v1/chat/completions")
INTENT = Intent(id="abcd", tier="small", size=2, created=1_000_000.0, tried=1_000_000.0)


def openai(batch: Any = None, *, files: dict[str, list[Any]] | None = None, listed: list[Any] | None = None) -> Any:
    """An OpenAI client with one batch, and files of JSON lines."""
    texts = {
        id: "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in each) for id, each in (files or {}).items()
    }
    return Its(
        batches=Its(retrieve=lambda *_, **__: batch, list=lambda **_: iter(listed or [])),
        files=Its(content=lambda file, **_: Its(text=texts[file])),
    )


def batch_of(status: str, **more: Any) -> Any:
    base = {"status": status, "output_file_id": None, "error_file_id": None, "errors": None, "input_file_id": "in"}
    return Its(**(base | more))


def test_a_batch_that_was_cancelled_has_the_answers_that_it_had():
    """The other items are told as cancelled, by a line or by none."""
    done = {"custom_id": "a", "response": {"status_code": 200, "request_id": "r", "body": {"x": "\u2028"}}}
    client = openai(
        batch_of("cancelled", output_file_id="o", error_file_id="e"),
        files={"o": [done], "e": [{"custom_id": "b", "error": {"code": "batch_cancelled"}}]},
    )
    found = OPENAI.results(client, "batch", timeout=1)

    assert found is not None
    assert found.raws == {"a": {"status": 200, "body": {"x": "\u2028"}, "request_id": "r"}, "b": {"ended": "cancelled"}}
    assert found.ended == "cancelled"


@pytest.mark.parametrize(
    ("errors", "status", "message"),
    [
        ([Its(code="token_limit_exceeded", line=None, message="too much")], 429, "too much"),
        ([Its(code="model_not_found", line=None, message="no such model")], 400, "no such model"),
        ([], 400, "its batch failed"),
    ],
)
def test_a_batch_that_failed_as_a_whole_says_why_of_each_item(errors, status, message):
    """A full queue may be tried again, a wrong model may not."""
    client = openai(batch_of("failed", errors=Its(data=errors)), files={"in": [{"custom_id": "a"}, {"custom_id": "b"}]})
    found = OPENAI.results(client, "batch", timeout=1)

    assert found is not None
    assert [(raw["status"], raw["body"]["error"]["message"]) for raw in found.raws.values()] == [(status, message)] * 2
    assert found.again == frozenset()


def test_an_item_with_an_error_of_its_own_kind_failed_at_the_provider():
    """It is sent once more, as after any fault of a server."""
    client = openai(
        batch_of("completed", error_file_id="e"), files={"e": [{"custom_id": "a", "error": {"code": "odd"}}]}
    )
    found = OPENAI.results(client, "batch", timeout=1)

    assert found is not None
    assert found.raws["a"]["status"] == 500


def test_a_batch_is_found_by_its_mark_among_all_others():
    """Also behind some that are older, and not for ever."""
    others = [Its(id="x", created_at=999_999, metadata=None), Its(id="y", created_at=999_999, metadata={MARK: "ef"})]
    old = [Its(id="old", created_at=1, metadata={}) for _ in range(50)]
    mine = Its(id="mine", created_at=1_000_001, metadata={MARK: "abcd"})
    far = [*others, *old, *old, *old, mine]

    assert OPENAI.find(openai(listed=[*others, *old, mine]), INTENT, frozenset(), timeout=1) == Found(id="mine")
    assert OPENAI.find(openai(listed=others), INTENT, frozenset(), timeout=1) == Found()
    assert OPENAI.find(openai(listed=far), INTENT, frozenset(), timeout=1) == Found()


class Lines(list):
    """A stream of lines."""

    def close(self):
        pass


def anthropic(*batches: Any, first: str = "other-0") -> Any:
    """An Anthropic client with these batches, whose results begin with that custom id."""
    results = {each.id: Lines([Its(custom_id=getattr(each, "first", first))]) for each in batches}
    return Its(messages=Its(batches=Its(list=lambda **_: iter(batches), results=lambda batch, **_: results[batch])))


def message_batch(id: str, *, size: int = 2, ended: bool = True, at: float = 1_000_000.0, **more: Any) -> Any:
    counts = Its(processing=0 if ended else size, succeeded=size if ended else 0, errored=0, canceled=0, expired=0)
    return Its(
        id=id,
        created_at=datetime.fromtimestamp(at, UTC),
        request_counts=counts,
        processing_status="ended" if ended else "in_progress",
        **more,
    )


@pytest.mark.parametrize(
    ("batches", "found"),
    [
        ((), Found()),
        ((message_batch("a", first="abcd-0"),), Found(id="a")),
        ((message_batch("a", first="efgh-0"),), Found()),
        ((message_batch("a", size=3, first="abcd-0"),), Found()),
        ((message_batch("known", first="abcd-0"),), Found()),
        ((message_batch("a", ended=False),), Found(sure=False)),
        ((message_batch("a", ended=False), message_batch("b", first="abcd-1")), Found(id="b")),
        ((message_batch("a", ended=False, at=1.0), message_batch("b", first="abcd-1")), Found()),
    ],
)
def test_a_batch_without_a_mark_is_known_by_its_custom_ids(batches, found):
    """While one that may be it is under way, nobody can say."""
    assert AnthropicBatches().find(anthropic(*batches), INTENT, frozenset({"known"}), timeout=1) == found


@pytest.mark.parametrize("kind", ["canceled", "expired"])
def test_an_item_that_was_not_processed_says_why(kind):
    """As it was told."""
    batch = Its(processing_status="ended")
    line = Its(custom_id="a", result=Its(to_dict=lambda **_: {"type": kind}))
    client = Its(messages=Its(batches=Its(retrieve=lambda *_, **__: batch, results=lambda *_, **__: [line])))
    found = AnthropicBatches().results(client, "a", timeout=1)

    assert found is not None
    assert found.raws == {"a": {"ended": kind}}
