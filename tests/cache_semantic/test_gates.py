"""What two questions must agree in, whatever their vectors say."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cache.semantic.facts import facts_of
from router.cache.semantic.gates import GATES, shut

SAME = [
    ("What is the capital of Peru?", "Can you tell me Peru's capital?"),
    ("How do I peel a mango?", "What's the best way to peel mangoes?"),
    ("In Kotlin, how do I sort a list?", "How can I sort a list in Kotlin?"),
    ("difference between a llama and an alpaca", "What's the difference between an alpaca and a llama?"),
    ("How many legs do 3 spiders have?", "What is the number of legs that three spiders have?"),
    ("Is it possible to freeze yoghurt?", "Can yoghurt be frozen?"),
    ("What happened in the Second World War?", "What happened in WW2?"),
    ("How is the weather in New York?", "How's the weather in NYC?"),
    ("Is 1,000 km far?", "Is 1000 kilometres far?"),
    ("What does `a[1]` return?", "Tell me what `a[1]` returns"),
    ("What does [] mean in Python?", "In Python, what does [] mean?"),
    ("Can you translate cat to French?", "Translate cat to French, please"),
    ("Quick question: what is the capital of Peru?", "What's the capital of Peru?"),
]

APART = {
    "language": [
        ("What is the capital of Peru?", "Wie heißt die Hauptstadt von Peru?"),
        ("What is the weather like?", "天气怎么样"),
    ],
    "code": [
        ("What does `a[1]` return?", "What does `a[2]` return?"),
        ("Why?\n```\nx = 1\n```", "Why?\n```\nx = 2\n```"),
        ("Why does x = y[1]; fail?", "Why does x = y[2]; fail?"),
        ("What does ```x=1``` do?", "What does ```x=2``` do?"),
        ("Why?\n~~~\nx - 1\n~~~", "Why?\n~~~\nx 1\n~~~"),
        ("```python\nprint(1/2)\n```", "```ruby\nprint(1/2)\n```"),
        ("What does () mean in Python?", "What does [] mean in Python?"),
        ("What does _ mean in Python?", "What does - mean in Python?"),
        ("What is the length of [1, 2]?", "What is the length of (1, 2)?"),
        ("What does x-- do in C?", "What does x do in C?"),
        ("What is __init__ in Python?", "What is init in Python?"),
        ("What is 5! in words?", "What is 5 in words?"),
    ],
    "quotes": [('Translate "good day"', 'Translate "good luck"'), ("What is 'le chat'?", "What is 'le chien'?")],
    "links": [
        ("Open https://a.example/x", "Open https://a.example/y"),
        ("Mail ann@example.com", "Mail bob@example.com"),
        ("Where is order AB-12?", "Where is order AB-21?"),
        ("Is 10.0.0.1 up?", "Is 10.0.1.1 up?"),
        ("Run main.py", "Run train.py"),
    ],
    "numbers": [
        ("Boil 3 eggs", "Boil 4 eggs"),
        ("Boil two eggs", "Boil twelve eggs"),
        ("Is 2.5 enough?", "Is 25 enough?"),
        ("Is half enough?", "Is a quarter enough?"),
        ("Who came 2nd?", "Who came 3rd?"),
        ("What are 5 million?", "What are 5 billion?"),
    ],
    "units": [
        ("Is 5 kg heavy?", "Is 5 lb heavy?"),
        ("Is $20 a lot?", "Is €20 a lot?"),
        ("2 cups of rice", "2 pounds of rice"),
    ],
    "times": [
        ("Is it open on Monday?", "Is it open on Tuesday?"),
        ("Is it open today?", "Is it open tomorrow?"),
        ("Wake me at 6 am", "Wake me at 6 pm"),
        ("What was on 2024-05-01?", "What was on 2024-05-10?"),
        ("Show last week", "Show next week"),
    ],
    "negation": [
        ("Which birds fly?", "Which birds don't fly?"),
        ("Tea with milk", "Tea without milk"),
        ("Is it never open?", "Is it open?"),
    ],
    "form": [("Sum it up in a table", "Sum it up in a poem"), ("Tell a joke about ants", "Tell a story about ants")],
    "asking": [
        ("When was Bach born?", "Where was Bach born?"),
        ("Why do cats purr?", "How do cats purr?"),
        ("Is glass a liquid?", "Why is glass a liquid?"),
        ("May I feed the ducks?", "Must I feed the ducks?"),
        ("Who is the king?", "Who was the king?"),
        ("Who did Brutus kill?", "Who killed Brutus?"),
        ("What is Tokyo?", "What time is it in Tokyo?"),
        ("Is tea on sale?", "When is tea on sale?"),
    ],
    "opposites": [
        ("How do I increase the volume?", "How do I decrease the volume?"),
        ("Turn the lamp on", "Turn the lamp off"),
        ("A present for him", "A present for her"),
        ("What is my limit?", "What is your limit?"),
    ],
    "names": [("Who leads Iran?", "Who leads Iraq?"), ("Does Ann like tea?", "Does Bob like tea?")],
    "order": [
        ("Fly from Oslo to Rome", "Fly from Rome to Oslo"),
        ("Does stress cause pain?", "Does pain cause stress?"),
        ("Is gold denser than lead?", "Is lead denser than gold?"),
        ("Did Ann call Bob?", "Did Bob call Ann?"),
        ("milk chocolate", "chocolate milk"),
        ("If it is noon in Lima, is it night in Delhi?", "If it is noon in Delhi, is it night in Lima?"),
        ("My son is 4 and my daughter 7", "My son is 7 and my daughter 4"),
    ],
    "verbs": [("How do I make soap?", "How do I use soap?")],
    "content": [
        ("How do I clean a flute?", "How do I clean a trumpet?"),
        ("Is aspirin safe?", "Is aspirin safe for dogs?"),
        ("I feel 😀", "I feel 😢"),
        ("What is this?", "What is that?"),
        ("Translate to German: I am cold", "Translate to German: I was cold"),
        ("Correct: I has a dog", "Correct: I have a dog"),
        ("Sum up:\nWe met.", "Sum up:\nWe meet."),
        ("What is a synonym of big?", "What is a synonym of large?"),
        ("Spell receive", "Spell obtain"),
        ("How do you say please in French?", "How do you say thank you in French?"),
        ("What is the French word for hello?", "What is the French word for hi?"),
    ],
}


@pytest.mark.parametrize(("one", "other"), SAME)
def test_every_gate_is_open_between_paraphrases(one: str, other: str) -> None:
    assert shut(one, other) is None


@pytest.mark.parametrize(("gate", "one", "other"), [(gate, *pair) for gate, pairs in APART.items() for pair in pairs])
def test_a_gate_is_shut_between_questions_that_differ_in_what_it_looks_at(gate: str, one: str, other: str) -> None:
    assert not GATES[gate](facts_of(one), facts_of(other))
    assert shut(one, other) is not None
    assert shut(other, one) is not None


def test_each_gate_has_a_test_of_its_own() -> None:
    assert set(GATES) == set(APART)


_SAID = """
    the New York new is Is How do I not 5 2.5 km Ann's foo.bar "x y" `a` between and or from to A B e.g. U.S. don't
    10am May 3rd , ? 1,000 v1.2.3 C++ can't AT&T Moby-Dick $5 👍 ß ＡＢ two hundred
"""
_WORDS = _SAID.split()
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join))


@given(texts)
def test_a_question_is_the_same_as_itself(text: str) -> None:
    assert shut(text, text) is None


@given(texts, texts)
def test_it_does_not_matter_which_question_came_first(one: str, other: str) -> None:
    assert (shut(one, other) is None) == (shut(other, one) is None)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_another_number_is_always_another_question(one: int, other: int) -> None:
    assert (one == other) == (shut(f"What is {one} in words?", f"What is {other} in words?") is None)


@given(st.text(alphabet="abcdef_()=[]{};.+ ", min_size=1, max_size=20), st.integers(0, 9))
def test_code_that_differs_is_always_another_question(code: str, digit: int) -> None:
    for open, close in (("```\n", "\n```"), ("```", "```"), ("~~~\n", "\n~~~"), ("```c\n", "\n```"), ("`", "`")):
        one, other = f"Explain {open}{code}{digit}{close}", f"Explain {open}{code}x{digit}{close}"
        assert shut(one, other) == "code"


def test_long_questions_of_nothing_but_different_words_are_compared_in_no_time() -> None:
    """Three words in another order were once looked for among all triples."""
    words = [f"{first}{vowel}{last}" for first in "bdfghjkmnpqrtvwz" for vowel in "aeiou" for last in "kxzqjv"]
    began = process_time()
    assert shut(" ".join(words), "Please, " + " ".join(words)) is None
    assert process_time() - began < 0.5
