"""Schemas that constrained decoding takes, and how the others are asked for."""

from __future__ import annotations

import json

import pytest

from router.providers.anthropic import JSON_SCHEMA, AnthropicMessages
from router.providers.openai_chat import OpenAIChat
from router.providers.openai_responses import OpenAIResponses
from router.providers.schemas import is_closed, is_strict
from router.types import ResponseFormat
from tests.providers.examples import CAPITAL_SCHEMA, ask, tier

TEXT = {"type": "string"}


def closed(**properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


OPEN = {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}
OPTIONAL = {**closed(a=TEXT, b=TEXT), "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "strict", "is_shut"),
    [
        (CAPITAL_SCHEMA, True, True),
        (closed(), True, True),
        (closed(a={"type": "array", "items": closed(b=TEXT)}), True, True),
        (closed(a={"anyOf": [closed(b=TEXT), {"type": "null"}]}), True, True),
        ({**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": closed(c=TEXT)}}, True, True),
        (closed(a={"enum": [{"type": "object"}]}), True, True),
        (closed(properties={"type": ["string", "null"]}), True, True),
        (OPTIONAL, False, True),
        (closed(a=OPTIONAL), False, True),
        ({"anyOf": [closed(a=TEXT)]}, False, True),
        ({"type": "array", "items": TEXT}, False, True),
        (closed(a={"allOf": [TEXT]}), False, True),
        (OPEN, False, False),
        ({**OPEN, "additionalProperties": TEXT}, False, False),
        ({"type": "object"}, False, False),
        (closed(a={"type": "array", "items": OPEN}), False, False),
        (closed(a={"type": ["object", "null"]}), False, False),
        ({**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": OPEN}}, False, False),
        (closed(a={"anyOf": [OPEN, TEXT]}), False, False),
    ],
)
def test_what_strict_decoding_takes(schema, strict, is_shut):
    """OpenAI wants every object closed and every property required; Anthropic, closed."""
    assert (is_strict(schema), is_closed(schema)) == (strict, is_shut)


@pytest.mark.parametrize(("schema", "strict"), [(CAPITAL_SCHEMA, True), (OPTIONAL, False), (OPEN, False)])
def test_a_schema_is_sent_strict_only_where_it_may_be(schema, strict):
    """A rejected request goes to no other tier, so it must not be refused for our own flag."""
    request = ask(response_format=ResponseFormat(schema=schema))
    chat = OpenAIChat().encode(tier(), request)["response_format"]["json_schema"]
    responses = OpenAIResponses().encode(tier("openai-responses"), request)["text"]["format"]
    assert (chat["schema"], chat["strict"]) == (responses["schema"], responses["strict"]) == (schema, strict)


def test_claude_is_told_of_a_schema_that_its_api_refuses():
    """There is no flag to send it unenforced."""
    request = ask(system="Be brief.", response_format=ResponseFormat(schema=OPEN))
    encoded = AnthropicMessages().encode(tier("anthropic"), request)
    assert "output_config" not in encoded
    assert encoded["system"][0]["text"] == f"Be brief.\n\n{JSON_SCHEMA}\n{json.dumps(OPEN)}"
    encoded = AnthropicMessages().encode(tier("anthropic"), ask(response_format=ResponseFormat(schema=OPTIONAL)))
    assert encoded["output_config"]["format"]["schema"] == OPTIONAL
    assert "system" not in encoded
