from __future__ import annotations

from pathlib import Path

import pytest

from router.ledger import Entry, Keep, KeepRule, Ledger
from tests.ledger.samples import PROMPT, ask, attempt, decision

MEDICAL = KeepRule(tag="feature", value="medical", keep="hash")


def stored(path: Path) -> bytes:
    """Every byte on disk, of the file and of its log."""
    return b"".join(each.read_bytes() for each in path.parent.iterdir())


def only(ledger: Ledger) -> Entry:
    (entry,) = ledger.decisions()
    return entry


def test_text_is_kept_unless_said_otherwise(ledger: Ledger) -> None:
    ledger.append(decision(), ask())
    entry = only(ledger)
    assert entry.request is not None
    assert entry.request.messages == ask().messages
    assert entry.decision == decision()


def test_hash_keeps_the_numbers_and_the_tags_and_no_text(path: Path) -> None:
    quoting = f"invalid input: {PROMPT}"
    made = decision(
        attempts=(attempt(verdict="failed", reason=quoting, text=None), attempt("large")),
        error=quoting,
        tags={"a": "b"},
    )
    with Ledger(path, keep=Keep(default="hash")) as ledger:
        ledger.append(made, ask())
        entry = only(ledger)
        assert PROMPT.encode() not in stored(path)
        assert b"Jupiter" not in stored(path)
    assert entry.request is None
    assert [each.text for each in entry.decision.attempts] == [None, None]
    assert [each.reason for each in entry.decision.attempts] == ["not kept", "confident enough"]
    assert entry.decision.error == "not kept"
    assert entry.decision.tags == {"a": "b"}
    assert entry.decision.prompt_hash == made.prompt_hash
    assert entry.decision.cost == made.cost


def test_the_first_rule_that_matches_wins(path: Path) -> None:
    keep = Keep(rules=(KeepRule(tag="team", value="trial", keep="text"), MEDICAL))
    assert keep.kept({"feature": "medical"}) == "hash"
    assert keep.kept({"feature": "medical", "team": "trial"}) == "text"
    assert keep.kept({"feature": "search"}) == "text"
    assert keep.kept({}) == "text"


def test_a_rule_matches_the_tags_of_the_request_too(path: Path) -> None:
    with Ledger(path, keep=Keep(rules=(MEDICAL,))) as ledger:
        ledger.append(decision(tags={}), ask(tags={"feature": "medical"}))
        assert only(ledger).request is None
        assert PROMPT.encode() not in stored(path)


@pytest.mark.parametrize("make", [lambda: Keep(default="all"), lambda: KeepRule(tag="a", value="b", keep="none")])
def test_another_word_is_refused(make: object) -> None:
    with pytest.raises(ValueError, match='"text" or "hash"'):
        make()  # type: ignore[operator]


def test_keys_reach_the_disk_nowhere(path: Path) -> None:
    key = "sk-ant-api03-abcdefghijklmnop"
    with Ledger(path) as ledger:
        made = decision(
            reason=key,
            error=key,
            user=key,
            session=key,
            tags={"token": key, key: "x"},
            attempts=(attempt(reason=f"401: {key}", text=f"your key is {key}", request_id=key),),
        )
        ledger.append(made, ask(f"my key is {key}\n{key}", stop=(key,), user=key, tags={"other": key}))
        assert key.encode() not in stored(path)
        entry = only(ledger)
    assert entry.decision.attempts[0].text == "your key is [redacted]"
    assert entry.request is not None
    assert entry.request.text == "my key is [redacted]\n[redacted]"
