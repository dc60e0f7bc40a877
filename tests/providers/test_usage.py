"""Token counts of every provider, made disjoint."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.providers.usage import anthropic_usage, openai_usage, responses_usage
from router.types import Usage

COUNTS = st.integers(0, 1000)


def test_cached_written_and_reasoning_tokens_are_taken_out_of_their_wholes():
    """OpenAI's counts include them."""
    usage = {
        "prompt_tokens": 1112,
        "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 100},
        "completion_tokens": 50,
        "completion_tokens_details": {"reasoning_tokens": 48},
        "total_tokens": 1162,
    }
    assert openai_usage(usage) == Usage(
        input_tokens=12, cached_input_tokens=1000, cache_write_tokens=100, output_tokens=2, reasoning_tokens=48
    )


def test_geminis_thinking_is_billed_though_only_the_total_has_it():
    """Its compatible endpoint leaves it out of completion_tokens."""
    usage = {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 115}
    assert openai_usage(usage) == Usage(input_tokens=5, output_tokens=10, reasoning_tokens=100)


@given(prompt=COUNTS, cached=COUNTS, written=COUNTS, answer=COUNTS, thought=COUNTS)
def test_no_token_is_counted_twice_or_lost(prompt, cached, written, answer, thought):
    """Whatever a server claims, the parts add up to its wholes."""
    usage = openai_usage(
        {
            "prompt_tokens": prompt,
            "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
            "completion_tokens": answer,
            "completion_tokens_details": {"reasoning_tokens": thought},
        }
    )
    assert (usage.prompt_tokens, usage.generated_tokens) == (prompt, answer)


def test_no_report_is_none_and_not_zero():
    """A zero would be a free answer."""
    assert openai_usage(None) is None
    assert openai_usage({"prompt_tokens": "12"}) is None
    assert responses_usage({}) is None
    assert anthropic_usage(None, {"output_tokens": 3}) is None


def test_null_counts_are_zero():
    """Servers send null for what they do not know."""
    report = {"input_tokens": 3, "cache_read_input_tokens": None, "output_tokens": 1, "output_tokens_details": None}
    assert anthropic_usage(report) == Usage(input_tokens=3, output_tokens=1)
