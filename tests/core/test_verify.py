"""The user's own check of an answer: its number is a signal, and nothing that goes wrong in it fails a request."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import types

import numpy as np
import pytest

from router.config import Config
from router.engine import Router
from router.errors import ConfigError
from router.providers.fake import FakeProvider
from router.signals import NAMES
from router.types import Message
from tests.core.test_bundle import made
from tests.kit import Book, Clock, ladder, said, two_tiers

TIERS = ladder("small", "large").tiers


def router(verify, *, confidence=0.3, **replies):
    """A router over two tiers that goes on from the small one, with a check."""
    provider = FakeProvider({"small": said("5"), "large": said("4"), **replies})
    book, clock = Book(), Clock()
    config = Config.of(TIERS)
    plan = two_tiers(confidence=confidence)
    return Router(
        config, plan=plan, provider=provider, ledger=book, verify=verify, clock=clock, sleep=clock.sleep
    ), book


def verified(decision):
    """The signal of each attempt, None where there is none."""
    return [attempt.signals.get("verified") for attempt in decision.attempts]


def test_each_answer_is_checked_with_the_prompt_and_its_number_is_a_signal():
    """The check sees the conversation without the system prompt; its number goes into the ledger's signals."""
    calls = []

    def check(prompt, answer):
        calls.append((prompt, answer))
        return {"5": 0.1, "4": 0.9}[answer]

    made, _ = router(check)

    decision = made.route([Message(role="user", content="2 + 2?")], system="be terse").decision

    assert calls == [("2 + 2?", "5"), ("2 + 2?", "4")]
    assert verified(decision) == [0.1, 0.9]


@pytest.mark.parametrize(
    ("value", "signal"), [(1, 1.0), (True, 1.0), (False, 0.0), (np.float32(0.5), 0.5), (-3.5, -3.5), (None, None)]
)
def test_numbers_of_any_kind_count_and_none_says_nothing(value, signal, caplog):
    """True and False are 1 and 0; None is no opinion, and no warning either."""
    made, _ = router(lambda prompt, answer: value, confidence=0.9)

    assert verified(made.route("2 + 2?").decision) == [signal]
    assert caplog.messages == []


def fail(prompt, answer):
    """A check with a fault."""
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (fail, "raised ZeroDivisionError (line "),
        (lambda prompt, answer: math.nan, "returned nan, which is no finite number"),
        (lambda prompt, answer: math.inf, "returned inf"),
        (lambda prompt, answer: "0.9", "returned a value of type str"),
        (lambda prompt, answer: 10**400, "raised OverflowError"),
        (lambda prompt: 1.0, "raised TypeError"),
    ],
)
def test_what_goes_wrong_in_the_check_costs_the_signal_and_one_warning(check, words, caplog):
    """The request is answered as if there were no check, however often it fails."""
    made, _ = router(check)

    answers = [made.route("2 + 2?"), asyncio.run(made.aroute("2 + 2?")), made.route("2 + 2?")]

    assert [(each.text, verified(each.decision)) for each in answers] == [("4", [None, None])] * 3
    assert len(caplog.messages) == 1
    assert words in caplog.text


def test_a_coroutine_function_is_awaited_everywhere():
    """In route it is run to its end, in aroute awaited on the loop that is there."""
    loops = []

    async def check(prompt, answer):
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return 0.5

    made, _ = router(check)

    async def go():
        loops.append(asyncio.get_running_loop())
        return (await made.aroute("2 + 2?")).decision

    assert verified(made.route("2 + 2?").decision) == [0.5, 0.5]
    loops.clear()
    assert verified(asyncio.run(go())) == [0.5, 0.5]
    assert len(set(map(id, loops))) == 1


def test_route_within_a_running_loop_cannot_await_the_check_and_says_so(caplog):
    """The answer comes all the same, and no coroutine is left unawaited."""

    async def check(prompt, answer):
        return 0.5

    made, _ = router(check)

    async def go():
        return made.route("2 + 2?")

    assert verified(asyncio.run(go()).decision) == [None, None]
    assert "use `aroute`" in caplog.text


def test_a_warning_names_the_place_and_neither_the_prompt_nor_the_answer(caplog):
    """`float(answer)` raises an error that quotes the answer, and a log is no ledger."""
    for check in (lambda prompt, answer: float(f"{prompt} {answer}"), lambda prompt, answer: f"{prompt} {answer}"):
        made, _ = router(check)
        made.route("the patient's name")

    assert len(caplog.messages) == 2
    assert "patient" not in caplog.text
    assert "test_verify.py" in caplog.messages[0]


def test_a_synchronous_check_does_not_hold_up_the_event_loop():
    """aroute calls it in a thread."""
    threads = []
    made, _ = router(lambda prompt, answer: threads.append(threading.current_thread()), confidence=0.9)

    asyncio.run(made.aroute("2 + 2?"))

    assert threads
    assert threading.main_thread() not in threads


def test_a_streamed_answer_is_checked_when_it_is_whole():
    """Also one that is shown as it comes: the signal is for the ledger then."""
    made, book = router(lambda prompt, answer: float(len(answer)), large=said("four it is"))
    plain = "".join(made.stream("2 + 2?"))

    async def go():
        return [item async for item in made.astream("2 + 2?")][-1]

    assert plain == "four it is"
    assert verified(book.last) == [1.0, 10.0]
    assert verified(asyncio.run(go()).decision) == [1.0, 10.0]


def test_the_check_that_the_configuration_names_is_loaded(monkeypatch):
    """`verify = "module:function"`, also an attribute of an attribute; one given in code goes before it."""
    module = types.ModuleType("my_checks")
    module.Checks = types.SimpleNamespace(check=lambda prompt, answer: 0.25)
    monkeypatch.setitem(sys.modules, "my_checks", module)
    config = Config.of(TIERS, policy={"verify": "my_checks:Checks.check"}, ledger={"enabled": False})
    provider = FakeProvider({"small": said("5"), "large": said("4")})

    named = Router.from_config(config, provider=provider, bundle=made())
    given = Router.from_config(config, provider=provider, bundle=made(), verify=lambda prompt, answer: 0.75)

    assert set(verified(named.route("2 + 2?").decision)) == {0.25}
    assert set(verified(given.route("2 + 2?").decision)) == {0.75}
    assert "verified" in NAMES


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module_here:check", "`verify`: cannot be loaded: No module named 'no_such_module_here'"),
        ("math:nothing", "cannot be loaded: module 'math' has no attribute 'nothing'"),
        ("math:pi", "'math:pi' is no function"),
    ],
)
def test_a_check_that_is_not_there_is_a_configuration_error_before_anything_is_sent(name, words):
    """It says which module or function is missing."""
    config = Config.of(TIERS, policy={"verify": name}, ledger={"enabled": False})

    with pytest.raises(ConfigError, match=words):
        Router.from_config(config, provider=FakeProvider({}), bundle=made())
