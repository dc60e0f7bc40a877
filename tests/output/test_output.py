"""Output control: bounds by complexity, what is done when a bound cuts an answer off, and answers of the wrong form."""

from __future__ import annotations

import math
import socket
import sys
from dataclasses import replace
from typing import Any

import pytest

from router.config import Config
from router.errors import ConfigError, ServerFault
from router.output.bounding import bounded, unbound, wanting
from router.output.settings import Level, OutputSettings
from router.types import Message, ResponseFormat, ToolCall
from tests.kit import ask, router, said, tier, two_tiers

LEVELS = OutputSettings(levels=(Level(complexity=0.3, max_tokens=50), Level(complexity=0.6, max_tokens=200)))
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
FORM = ResponseFormat(schema=SCHEMA)
CHECKED = OutputSettings(validate=True)


class TestBounds:
    @pytest.mark.parametrize(
        ("suffices", "most"), [(1.0, 50), (0.7, 50), (0.69, 200), (0.4, 200), (0.39, None), (math.nan, None)]
    )
    def test_the_easier_the_prompt_the_shorter_the_answer(self, suffices: float, most: int | None):
        assert bounded(ask(), LEVELS, (suffices, 0.9)).max_tokens == most

    def test_the_callers_own_bound_holds_where_it_is_tighter(self):
        assert bounded(ask(max_tokens=20), LEVELS, (0.9, 0.9)).max_tokens == 20
        assert bounded(ask(max_tokens=900), LEVELS, (0.9, 0.9)).max_tokens == 50

    def test_without_the_table_the_request_is_sent_as_it_is(self):
        request = ask()
        assert bounded(request, None, (0.9,)) is request

    def test_the_instruction_ends_the_system_prompt_of_easy_prompts(self):
        wanted = OutputSettings(concise="Be brief.", concise_below=0.5)
        request = replace(ask(), messages=(Message(role="system", content="Be kind."), *ask().messages))
        assert bounded(request, wanted, (0.9,)).system == "Be kind.\n\nBe brief."
        assert bounded(ask(), wanted, (0.9,)).messages[0] == Message(role="system", content="Be brief.")
        assert bounded(request, wanted, (0.4,)) == bounded(request, wanted, (math.nan,)) == request

    def test_the_instruction_may_name_as_many_words_as_the_bound_has_room_for(self):
        wanted = replace(LEVELS, concise="At most {words} words.")
        assert bounded(ask(), wanted, (0.9,)).system == "At most 35 words."
        assert bounded(ask(max_tokens=20), wanted, (0.9,)).system == "At most 14 words."
        assert bounded(ask(), wanted, (0.1,)).system == ""

    def test_stop_strings_are_added_once(self):
        wanted = OutputSettings(stop=("END", "STOP"))
        assert bounded(ask(stop=("STOP",)), wanted, (0.9,)).stop == ("STOP", "END")


class TestCutOff:
    """An answer that ends at our bound must not be returned as if it were whole."""

    def test_only_our_own_bound_counts(self):
        cut = said("Well, it", stop="length")
        tight = tier("small", max_tokens=40)
        assert unbound(ask(), ask(max_tokens=50), tier("small"), cut) == ask()
        assert unbound(ask(max_tokens=900), ask(max_tokens=50), tier("small"), cut) == ask(max_tokens=900)
        assert unbound(ask(max_tokens=50), ask(max_tokens=50), tier("small"), cut) is None
        assert unbound(ask(), ask(max_tokens=50), tight, cut) is None
        assert unbound(ask(), ask(max_tokens=50), tier("small"), said("Four.")) is None

    def test_the_same_tier_is_asked_again_with_the_callers_bound_and_both_calls_are_paid_for(self):
        plan = replace(two_tiers(0.9), output=LEVELS)
        made, provider, _, _ = router(plan, {"small": [said("Well, it", stop="length"), said("It is four.")]})
        response = made.route("What is 2 + 2?", max_tokens=700)
        assert [(call.tier.name, call.request.max_tokens) for call in provider.calls] == [
            ("small", 200),
            ("small", 700),
        ]
        [attempt] = response.decision.attempts
        assert (response.text, response.stop, attempt.calls) == ("It is four.", "end", 2)
        assert attempt.cost == 2 * plan.ladder[0].cost(said("x").usage)  # type: ignore[arg-type]
        assert response.decision.notes == (
            "small's answer was cut off at 200 tokens, the bound of [output], and it was asked for again without it.",
        )

    def test_where_there_is_no_whole_answer_the_cut_one_says_that_it_is(self):
        plan = replace(two_tiers(0.9), output=LEVELS)
        small = replace(plan.ladder[0], retries=0)
        plan = replace(plan, ladder=type(plan.ladder)((small, plan.ladder[1])))
        made, _, _, _ = router(plan, {"small": [said("Well, it", stop="length"), ServerFault("busy", tier="small")]})
        response = made.route("What is 2 + 2?")
        assert (response.text, response.stop, response.decision.attempts[0].verdict) == (
            "Well, it",
            "length",
            "accepted",
        )
        assert response.decision.notes == (
            "small's answer was cut off at 200 tokens, the bound of [output], and there is no whole one: busy.",
        )

    def test_a_stream_shows_nothing_that_may_be_asked_for_again(self):
        plan = replace(two_tiers(0.3), output=LEVELS)
        cut, whole = said("Well, it is", stop="length"), said("It is four.")
        made, _, _, _ = router(plan, {"small": "No idea.", "large": [cut, whole]})
        assert "".join(made.stream("What is 2 + 2?")) == "It is four."

    def test_what_the_caller_bounded_is_theirs_to_be_cut_off_at(self):
        plan = replace(two_tiers(0.9), output=LEVELS)
        made, provider, _, _ = router(plan, {"small": said("Well, it", stop="length")})
        assert made.route("What is 2 + 2?", max_tokens=60).stop == "length"
        assert len(provider.calls) == 1


class TestForm:
    @pytest.mark.parametrize(
        ("text", "wrong"),
        [
            ('{"n": 3}', None),
            ("{n: 3}", "it is not JSON"),
            ("  ", "it is empty, and JSON was asked for"),
            ('{"n": NaN}', "it is not JSON"),
            ("[" * 100_000, "it is not JSON"),
            ("3", "it is JSON, but not of type object"),
            ('{"m": 3}', "it lacks 'n'"),
            ('{"n": "secret"}', "it breaks the schema at n: type"),
            ('{"n": 0}', "it breaks the schema at n: minimum"),
        ],
    )
    def test_an_answer_is_checked_against_its_schema(self, text: str, wrong: str | None):
        """And what it says is not repeated."""
        assert wanting(ask(response_format=FORM), CHECKED, said(text)) == wrong

    def test_a_key_that_the_schema_does_not_name_is_not_repeated_either(self):
        form = ResponseFormat(
            schema={"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
        )
        assert wanting(ask(response_format=form), CHECKED, said('{"Ann": [3]}')) == "it breaks the schema at */0: type"

    @pytest.mark.parametrize("odd", [{"enum": {1, 2}}, {"default": object()}])
    def test_a_schema_that_is_not_json_lets_every_answer_pass(self, odd: dict[str, Any]):
        assert wanting(ask(response_format=ResponseFormat(schema=odd)), CHECKED, said("3")) is None

    def test_a_schema_elsewhere_is_not_fetched(self):
        """Not while a request waits, and not from wherever a caller's schema says."""
        with socket.create_server(("127.0.0.1", 0)) as elsewhere:
            elsewhere.setblocking(False)
            form = ResponseFormat(schema={"$ref": f"http://127.0.0.1:{elsewhere.getsockname()[1]}/schema.json"})
            assert wanting(ask(response_format=form), CHECKED, said("3")) is None
            with pytest.raises(BlockingIOError):
                elsewhere.accept()

    def test_without_a_schema_any_object_will_do(self):
        request = ask(response_format=ResponseFormat())
        assert wanting(request, CHECKED, said("{}")) is None
        assert wanting(request, CHECKED, said("[]")) == "it is JSON, but not an object"

    def test_without_the_package_the_keys_are_checked(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "jsonschema", None)
        request = ask(response_format=FORM)
        assert wanting(request, CHECKED, said('{"n": 0}')) is None
        assert wanting(request, CHECKED, said('{"m": 0}')) == "it lacks 'n'"

    def test_a_schema_that_is_wrong_itself_says_nothing_of_the_answer(self):
        request = ask(response_format=ResponseFormat(schema={"type": "object", "properties": 5}))
        assert wanting(request, CHECKED, said("{}")) is None

    def test_what_was_not_asked_for_is_not_checked(self):
        assert wanting(ask(), CHECKED, said("Four.")) is None
        assert wanting(ask(response_format=FORM), OutputSettings(), said("Four.")) is None
        assert wanting(ask(response_format=FORM), None, said("Four.")) is None

    def test_calls_of_tools_and_refusals_have_no_form(self):
        request = ask(response_format=FORM)
        assert wanting(request, CHECKED, said("", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),))) is None
        assert wanting(request, CHECKED, said("I cannot.", stop="refusal")) is None


class TestEscalation:
    def test_an_answer_of_the_wrong_form_is_escalated_and_the_attempt_says_why(self):
        plan = replace(two_tiers(0.95), output=CHECKED)
        made, _, _, _ = router(plan, {"small": "Four.", "large": '{"n": 4}'})
        response = made.route("What is 2 + 2?", response_format=SCHEMA)
        small, large = response.decision.attempts
        assert (small.verdict, small.confidence, response.text) == ("escalated", 0.0, '{"n": 4}')
        assert small.reason.endswith("(it is not JSON)")
        assert "JSON" not in large.reason

    def test_unchecked_it_would_have_been_accepted(self):
        made, _, _, _ = router(two_tiers(0.95), {"small": "Four."})
        assert made.route("What is 2 + 2?", response_format=SCHEMA).text == "Four."

    def test_the_strongest_tiers_answer_is_returned_although_it_is_wrong_and_says_so(self):
        plan = replace(two_tiers(0.95), output=CHECKED)
        made, _, _, _ = router(plan, {"small": "Four.", "large": '{"m": 4}'})
        response = made.route("What is 2 + 2?", response_format=SCHEMA)
        small, large = response.decision.attempts
        assert {small.confidence, large.confidence} == {0.0}
        returned = response.decision.accepted
        assert returned is not None
        assert returned.reason.endswith(("(it is not JSON)", "(it lacks 'n')"))


def configured(**table: Any) -> OutputSettings:
    """`[output]` with these keys."""
    found = Config.of([tier("small")], output=table).output
    assert found is not None
    return found


class TestConfiguration:
    def test_every_key(self):
        assert configured(
            levels=[{"complexity": 0.3, "max_tokens": 50}, {"complexity": 0.6, "max_tokens": 200}],
            concise="Be brief.",
            concise_below=0.5,
            stop=["END"],
            validate=True,
        ) == replace(LEVELS, concise="Be brief.", concise_below=0.5, stop=("END",), validate=True)

    def test_an_empty_table_asks_for_nothing(self):
        assert configured() == OutputSettings()

    @pytest.mark.parametrize(
        ("table", "told"),
        [
            ({"levels": [{"complexity": 2.0, "max_tokens": 5}]}, "`complexity`: must be at least 0 and at most 1"),
            ({"levels": [{"complexity": 0.3, "max_tokens": 0}]}, "`max_tokens`: must be at least 1"),
            ({"levels": [{"complexity": 0.3}]}, "`max_tokens`: is missing"),
            (
                {"levels": [{"complexity": 0.3, "max_tokens": 90}, {"complexity": 0.6, "max_tokens": 50}]},
                "`levels`: must rise in complexity",
            ),
            ({"concise": " "}, "`concise`: is empty"),
            ({"concise_below": 0.5}, "`concise_below`: needs `concise` beside it"),
            ({"stop": [""]}, "`stop`: must be a list of texts, none of them empty"),
            ({"validate": "yes"}, "`validate`: must be true or false"),
            ({"max_tokens": 5}, "`max_tokens`: there is no such key"),
        ],
    )
    def test_what_does_not_fit_is_a_sentence(self, table: dict[str, Any], told: str):
        with pytest.raises(ConfigError) as raised:
            configured(**table)
        assert told in str(raised.value)
