"""Plain completions, as plain dictionaries."""

from __future__ import annotations

import pytest

from router.errors import MalformedAnswer, UnsupportedRequest
from router.providers.openai_completions import OpenAICompletions
from router.types import ResponseFormat, Tool
from tests.providers.examples import CAPITAL_SCHEMA, ask, completion_body, tier

CODEC = OpenAICompletions()
BASE = tier("openai-completions", logprobs=True)


def test_the_prompt_is_the_text_and_nothing_more():
    """No role names, no template; messages are paragraphs."""
    assert CODEC.encode(BASE, ask("Q: 1\nA:"))["prompt"] == "Q: 1\nA:"
    assert CODEC.encode(BASE, ask("Q: 1\nA:", system="Sums."))["prompt"] == "Sums.\n\nQ: 1\nA:"


def test_limits_and_options():
    """What a base model takes."""
    encoded = CODEC.encode(
        tier("openai-completions", logprobs=True, options={"seed": 1}), ask(stop=("\n",), temperature=0.0)
    )
    assert encoded == {
        "model": "m-1",
        "prompt": "6*7?",
        "max_tokens": 16,
        "temperature": 0.0,
        "stop": ["\n"],
        "logprobs": 5,
        "extra_body": {"seed": 1},
    }


def test_a_schema_goes_out_in_both_servers_words():
    """llama.cpp reads json_schema, vLLM response_format."""
    encoded = CODEC.encode(BASE, ask(response_format=ResponseFormat(schema=CAPITAL_SCHEMA)))
    assert encoded["extra_body"]["json_schema"] == CAPITAL_SCHEMA
    assert encoded["extra_body"]["response_format"]["json_schema"]["schema"] == CAPITAL_SCHEMA
    plain = CODEC.encode(BASE, ask(response_format=ResponseFormat()))
    assert plain["extra_body"]["json_schema"] == {"type": "object"}


def test_tools_are_unsupported():
    """A base model calls nothing."""
    with pytest.raises(UnsupportedRequest):
        CODEC.encode(BASE, ask(tools=(Tool(name="add"),)))


def test_logprobs_in_openais_old_form():
    """Parallel lists; vLLM sends them too."""
    columns = {
        "tokens": [" 4", "2"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{" 4": -0.1, " 5": -3.0}, {"1": -2.0, "2": -0.2}],
        "text_offset": [0, 2],
    }
    answer = CODEC.decode(BASE, ask(), completion_body(" 42", logprobs=columns))
    assert answer.logprobs.tokens == (" 4", "2")
    assert answer.logprobs.values == (-0.1, -0.2)
    assert answer.logprobs.top == ((-0.1, -3.0), (-0.2, -2.0))


def test_logprobs_in_llama_cpps_form():
    """One object a token, and the end-of-text token at the end, which is no part of the answer."""
    content = [
        {"token": " 42", "bytes": [32, 52, 50], "logprob": -0.5, "top_logprobs": [{"token": " 42", "logprob": -0.5}]},
        {"token": "", "bytes": [], "logprob": -0.01, "top_logprobs": []},
    ]
    answer = CODEC.decode(BASE, ask(), completion_body(" 42", logprobs={"content": content}))
    assert (answer.logprobs.tokens, answer.logprobs.values) == ((" 42",), (-0.5,))


@pytest.mark.parametrize(("reason", "stop"), [("stop", "end"), ("length", "length"), ("content_filter", "refusal")])
def test_finish_reasons(reason, stop):
    """Each in our words."""
    assert CODEC.decode(BASE, ask(), completion_body(finish_reason=reason)).stop == stop


def test_an_empty_answer_is_an_answer_but_none_is_not():
    """A base model may end at once."""
    assert CODEC.decode(BASE, ask(), completion_body("")).text == ""
    with pytest.raises(MalformedAnswer, match="has no text"):
        CODEC.decode(BASE, ask(), completion_body(None))


def test_the_text_is_cut_at_a_stop_string_that_the_server_let_through():
    """So that every server gives the same answer."""
    answer = CODEC.decode(BASE, ask(stop=("\n",)), completion_body(" 42\nQ: 2"))
    assert (answer.text, answer.stop) == (" 42", "stop_sequence")
