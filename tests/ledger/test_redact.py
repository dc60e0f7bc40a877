from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ledger.redact import redact

KEYS = [
    "sk-abcdefghijklmnop1234567890",
    "sk-proj-AbCd_efgh-1234567890abcdef",
    "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUv_wx-yz0123456789AA",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "hf_abcdefghijklmnopqrstuvwxyz012345",
    "gsk_abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "xai-abcdefghijklmnopqrstuvwxyz",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_replaced_wherever_it_stands(key: str) -> None:
    assert redact(key) == "[redacted]"
    assert redact(f"use {key}, please") == "use [redacted], please"
    assert redact(f'{{"api_key":"{key}"}}') == '{"api_key":"[redacted]"}'
    assert redact(f"KEY={key}\n") == "KEY=[redacted]\n"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("before", ["\n", "\t", "é", "“"])
def test_a_key_behind_an_escape_is_replaced_in_json_within_json(key: str, before: str) -> None:
    """Tool arguments are JSON text inside the request's JSON, so a line break before a key is two letters."""
    nested = json.dumps({"arguments": json.dumps({"body": f"{before}{key}"})})
    assert key not in redact(nested)
    assert json.loads(json.loads(redact(nested))["arguments"]) == {"body": f"{before}[redacted]"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_goes_and_its_scheme_stays(scheme: str) -> None:
    assert redact(f"Authorization: {scheme} eyJhbGciOi.J9.abc-_==") == f"Authorization: {scheme} [redacted]"


@pytest.mark.parametrize(
    "text",
    [
        "a risk-assessment-of-the-whole-company",
        "task-1234567890123456789",
        "sk-short",
        "the bearer of this letter",
        "bearer bonds",
        "AKIA is a prefix",
        "hf_hub",
        "",
    ],
)
def test_plain_text_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(), st.sampled_from(KEYS), st.text())
def test_no_key_survives_after_a_space(before: str, key: str, after: str) -> None:
    assert key not in redact(f"{before} {key} {after}")


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)
