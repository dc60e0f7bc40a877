"""Programmatic graders: what counts as right, and what cannot be graded."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import InputError
from router.types import as_messages
from training.label.answer import Answer, Given
from training.label.form_graders import JsonSchema, Parses, Regex, fenced
from training.label.grader import graded
from training.label.reference_graders import Choice, Exact, Numeric, chosen_letter, final_number
from training.label.user_grader import UserFunction, user_function


def answer(response, reference=None, **changes):
    return Answer(
        row=0,
        query_id="q",
        tier="small",
        messages=as_messages("Why?"),
        response=response,
        reference=reference,
        **changes,
    )


@pytest.mark.parametrize(
    ("response", "reference", "quality"),
    [
        ("The Paris.", "Paris", 1.0),
        ("Lyon", "Paris | Lyon", 1.0),
        ("7.0", "07", 1.0),
        ("Rome", "Paris", 0.0),
    ],
)
def test_exact_takes_any_reference_folded(response, reference, quality):
    """Case, articles and punctuation fold; numbers go by value."""
    assert Exact()(answer(response, reference)).quality == quality


def test_exact_keeps_case_apart_where_the_row_or_the_grader_says_so():
    """Some tasks ask for a case."""
    assert Exact()(answer("paris", "Paris")).quality == 1.0
    assert Exact(case=True)(answer("paris", "Paris")).quality == 0.0
    assert Exact()(answer("paris", "Paris", fields={"exact_case": True})).quality == 0.0


@pytest.mark.parametrize("grader", [Exact(), Numeric(), Choice(), Regex("^{reference}$")])
def test_without_a_reference_nothing_is_graded(grader):
    """NaN with the reason, never zero."""
    grade = grader(answer("42"))
    assert math.isnan(grade.quality)
    assert grade.reason == "no reference answer to compare with"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("So 3 + 4 = 7, and 7 * 2 = 14.\n#### 1,014", "1014"),
        (r"Hence \boxed{-2.5}, as 3 > 1", "-2.5"),
        ("The answer is $12.50 because 3 apples cost 4.", "12.50"),
        ("The answer is 5 + 3 = 8", "8"),
        ("First 10, then 20.", "20"),
        ("between 5-3", "3"),
        ("x5 or v2.1", None),
        ("about −3 degrees", "-3"),
        ("1.5e3 grams", "1500"),
        ("none at all", None),
        ("", None),
    ],
)
def test_the_number_an_answer_gives(text, number):
    """Marks of a final answer first, else the last number."""
    found = final_number(text)
    assert (None if found is None else float(found)) == (None if number is None else float(number))


@pytest.mark.parametrize(("response", "quality"), [("3.14", 1.0), ("about 3.20", 0.0), ("3.15", 1.0), ("no idea", 0.0)])
def test_numeric_is_right_within_the_tolerance(response, quality):
    """Absolute here; a response without a number is wrong, a reference without one is no reference."""
    assert Numeric(absolute=0.01)(answer(response, "3.14")).quality == quality
    assert Numeric(relative=0.01)(answer("101", "100")).quality == 1.0
    assert Numeric(relative=0.01)(answer("102", "100")).quality == 0.0
    assert math.isnan(Numeric()(answer("3", "pi")).quality)


@given(st.integers(-(10**12), 10**12))
def test_a_number_is_itself_however_it_is_grouped(value):
    """With thousands separators and without."""
    assert Numeric()(answer(f"It makes {value:,} in all.", str(value))).quality == 1.0


def test_a_tolerance_below_zero_is_refused():
    """One sentence."""
    with pytest.raises(InputError, match="a tolerance must be at least 0"):
        Numeric(absolute=-1)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("C", "C"),
        ("(c)", "C"),
        ("**B**", "B"),
        ("The answer is (D) because A and B are wrong.", "D"),
        ("Answer: B", "B"),
        ("B) the mitochondrion", "B"),
        ("It must be (B).", "B"),
        (r"Thus \boxed{\text{A}}", "A"),
        ("I think A rather than B", "B"),
        ("The answer is a mystery", None),
        ("The answer is A long story", None),
        ("(A) or (B)?", None),
        ("Don't know", None),
        ("", None),
    ],
)
def test_the_option_an_answer_settles_on(text, letter):
    """Cues in order; several options without a cue are none."""
    assert chosen_letter(text) == letter


def test_choice_compares_letters_and_needs_one_to_compare_with():
    """A response that settles on nothing is wrong."""
    assert Choice()(answer("It is (C).", "C")).quality == 1.0
    assert Choice()(answer("no idea", "C")).quality == 0.0
    assert math.isnan(Choice()(answer("C", "Paris")).quality)


def test_regex_may_hold_the_reference_literally():
    """Signs in the reference mean themselves."""
    grader = Regex(r"(?i)costs? {reference}\b")
    assert grader(answer("It cost 3.5", "3.5")).quality == 1.0
    assert grader(answer("It cost 385", "3.5")).quality == 0.0
    with pytest.raises(InputError, match="is no regular expression"):
        Regex("(")


SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 0}}}


@pytest.mark.parametrize(
    ("response", "quality"),
    [
        ('{"n": 3}', 1.0),
        ('Here:\n```json\n{"n": 3}\n```\n', 1.0),
        ('{"n": -3}', 0.0),
        ('{"n": NaN}', 0.0),
        ("n is 3", 0.0),
        ("[" * 100_000, 0.0),
    ],
)
def test_json_schema_takes_what_the_schema_allows(response, quality):
    """Strict JSON, also out of a fence."""
    assert JsonSchema(SCHEMA)(answer(response)).quality == quality


def test_a_schema_that_is_none_or_points_elsewhere_is_refused():
    """Nothing is fetched."""
    with pytest.raises(InputError, match="the JSON schema is not valid at type"):
        JsonSchema({"type": "objekt"})
    with pytest.raises(InputError, match=r"refers to 'http://localhost:1/x.json', which it does not hold"):
        JsonSchema({"$ref": "http://localhost:1/x.json"})(answer("1"))


@pytest.mark.parametrize(
    ("response", "quality"),
    [
        ("Sure:\n```python\ndef f(x):\n    return x\n```\nDone.", 1.0),
        ("x = 1\nprint(x)", 1.0),
        ("```python\ndef f(x)\n    return x\n```", 0.0),
        ("```sh\nls\n```\n```python\nf(1)\n```", 1.0),
        ("Sorry", 0.0),
        ("", 0.0),
        ("x = '\0'", 0.0),
        ("assert (x, 'always')", 1.0),
        ("(" * 5000 + ")" * 5000, 0.0),
    ],
)
def test_code_must_parse_and_is_not_run(response, quality):
    """Prose is no code, although a word parses."""
    assert Parses()(answer(response)).quality == quality


def test_fences_of_another_language_are_passed_over():
    """Without any that fits the whole text stands."""
    assert fenced("```js\na\n```", "python") == "```js\na\n```"
    assert fenced("```\na\n```", "python") == "a\n"


def test_a_users_function_grades_and_its_failures_are_reasons():
    """None and exceptions leave the answer unlabelled; a bool is a quality."""
    assert UserFunction(lambda p, r, x: True, "m:f")(answer("a")).quality == 1.0
    assert math.isnan(UserFunction(lambda p, r, x: None, "m:f")(answer("a")).quality)
    grade = UserFunction(lambda p, r, x: 1 / 0, "m:f")(answer("a"))
    assert math.isnan(grade.quality)
    assert grade.reason == "m:f raised ZeroDivisionError: division by zero"


@pytest.mark.parametrize("value", [7, -0.1, "good"])
def test_a_users_function_that_returns_no_quality_stops_the_work(value):
    """It would be wrong about every row."""
    with pytest.raises(InputError, match=r"m:f returned .* for query 'q', tier 'small'"):
        UserFunction(lambda p, r, x: value, "m:f")(answer("a"))


def test_a_users_function_is_found_by_name(tmp_path, monkeypatch):
    """Also in the working directory; what is not there is one sentence."""
    (tmp_path / "my_checks_tierwise.py").write_text(
        "def short(prompt, response, reference):\n    return len(response) < 5\n"
    )
    monkeypatch.chdir(tmp_path)
    grader = user_function("my_checks_tierwise:short")
    assert (grader.name, grader(answer("abc")).quality) == ("my_checks_tierwise:short", 1.0)
    with pytest.raises(InputError, match="has no function 'long'"):
        user_function("my_checks_tierwise:long")
    with pytest.raises(InputError, match="cannot be imported"):
        user_function("no_such_module_tierwise:f")
    with pytest.raises(InputError, match="neither a grader's name nor module:function"):
        user_function("f")


def test_grading_keeps_the_weight_that_the_choice_of_answers_gave():
    """It stands for 1 / inclusion probability."""
    labels = graded([answer("Paris", "Paris", given=Given(quality=math.nan, weight=4.0))], Exact())
    assert labels == {0: Given(quality=1.0, source="gold", judge="exact", weight=4.0, reason="right")}
