"""Results of workflow steps, cached by content."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cache.settings import CacheSettings
from router.errors import InputError
from router.steps import not_json
from tests.cache.conftest import Make
from tests.cache.kit import made
from tests.kit import router, two_tiers
from tests.servers import free_port


def counted(call: Callable[[Any], Any] = lambda given: {"sum": sum(given)}) -> tuple[Callable[[Any], Any], list[Any]]:
    seen: list[Any] = []

    def work(given: Any) -> Any:
        seen.append(given)
        return call(given)

    return work, seen


def test_a_step_works_once_for_the_same_inputs(make: Make) -> None:
    cache, (work, seen) = made(make()), counted()
    found = [cache.router.step("add", given, work) for given in ([1, 2], [1, 2], [2, 1], [1, 2])]
    assert found == [{"sum": 3}] * 4
    assert seen == [[1, 2], [2, 1]]
    cache.router.close()


def test_a_step_on_the_event_loop_shares_its_results_and_takes_coroutine_functions(make: Make) -> None:
    cache, (work, seen) = made(make()), counted()

    async def awaited(given: Any) -> Any:
        return work(given)

    async def act() -> list[Any]:
        return [await cache.router.astep("add", [1, 2], each) for each in (awaited, work)]

    assert asyncio.run(act()) == [{"sum": 3}] * 2
    assert cache.router.step("add", [1, 2], work) == {"sum": 3}
    assert seen == [[1, 2]]
    cache.router.close()


def test_of_concurrent_equal_steps_one_works(make: Make) -> None:
    gate, begun = threading.Event(), threading.Event()

    def slow(given: Any) -> Any:
        begun.set()
        assert gate.wait(20)
        return given

    cache, (work, seen) = made(make()), counted(slow)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(cache.router.step, "echo", "x", work) for _ in range(8)]
        assert begun.wait(20)
        gate.set()
        assert [each.result(20) for each in waiting] == ["x"] * 8
    assert seen == ["x"]
    cache.router.close()


def test_a_step_that_fails_is_not_cached_and_the_next_works() -> None:
    def fails(given: Any) -> Any:
        if len(seen) == 1:
            raise RuntimeError("not today")
        return given

    cache, (work, seen) = made(CacheSettings()), counted(fails)
    with pytest.raises(RuntimeError, match="not today"):
        cache.router.step("echo", 1, work)
    assert [cache.router.step("echo", 1, work) for _ in range(2)] == [1, 1]
    assert len(seen) == 2


def test_names_tenants_and_ttl_keep_results_apart() -> None:
    cache, (work, seen) = made(CacheSettings()), counted(lambda given: given)
    cache.router.step("a", 1, work)
    cache.router.step("b", 1, work)
    cache.router.step("a", 1, work, tags={"tenant": "t1"})
    cache.router.step("a", 1, work, tags={"tenant": "t2"})
    cache.router.step("a", 1, work, tags={"tenant": "t1", "feature": "x"})
    assert len(seen) == 4
    cache.router.step("a", 1, work, ttl=0)
    assert len(seen) == 5


def test_what_a_caller_does_to_a_result_does_not_reach_the_next() -> None:
    cache, (work, _) = made(CacheSettings()), counted(lambda given: [given])
    cache.router.step("a", 1, work).append("mine")
    assert cache.router.step("a", 1, work) == [1]


def test_without_a_cache_and_with_one_that_is_down_a_step_works_every_time() -> None:
    bare, _, _, _ = router(two_tiers(), {})
    down = made(CacheSettings(store="redis", url=f"redis://127.0.0.1:{free_port()}/0")).router
    for each in (bare, down):
        work, seen = counted()
        assert [each.step("add", [1, 2], work) for _ in range(2)] == [{"sum": 3}] * 2
        assert len(seen) == 2
    down.close()


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"a": [1, (2,)]}, "the inputs of step 'add'['a'][1] is a tuple, which is not JSON"),
        ({"a": b"x"}, "the inputs of step 'add'['a'] is a bytes, which is not JSON"),
        ({1: "x"}, "the inputs of step 'add' has the key 1, and JSON's keys are text"),
        ([math.nan], "the inputs of step 'add'[0] is nan, which JSON has not"),
        ({2, 3}, "the inputs of step 'add' is a set, which is not JSON"),
    ],
)
def test_inputs_that_are_not_json_are_refused_before_any_work(inputs: Any, told: str) -> None:
    cache, (work, seen) = made(CacheSettings()), counted()
    with pytest.raises(InputError) as caught:
        cache.router.step("add", inputs, work)
    assert str(caught.value) == f"{told}; steps are cached by what they are given, so pass what JSON can hold"
    assert seen == []


def test_inputs_that_hold_themselves_are_refused() -> None:
    inputs: list[Any] = []
    inputs.append(inputs)
    with pytest.raises(InputError, match="is nested too deeply, or holds itself"):
        made(CacheSettings()).router.step("add", inputs, len)


@pytest.mark.parametrize("settings", [CacheSettings(), None])
def test_a_result_that_is_not_json_is_refused_and_not_cached(settings: CacheSettings | None) -> None:
    """With a cache or without: or a program would run until somebody switched it on."""
    each = router(two_tiers(), {})[0] if settings is None else made(settings).router
    work, seen = counted(lambda given: (given,))
    for _ in range(2):
        with pytest.raises(InputError, match="the result of step 'pair' is a tuple"):
            each.step("pair", 1, work)
    assert len(seen) == 2


@pytest.mark.parametrize("ttl", [-1, math.inf, math.nan, True])
def test_a_ttl_that_is_none_is_refused(ttl: float) -> None:
    with pytest.raises(InputError, match="ttl of step 'a' is in seconds from 0 up"):
        made(CacheSettings()).router.step("a", 1, len, ttl=ttl)


def test_a_name_and_tags_are_text() -> None:
    cache = made(CacheSettings())
    with pytest.raises(InputError, match="a step's name is text, not ''"):
        cache.router.step("", 1, len)
    with pytest.raises(InputError, match="tags are text to text; 'a'=1 is not"):
        cache.router.step("a", 1, len, tags={"a": 1})  # type: ignore[dict-item]


def test_a_coroutine_function_needs_the_event_loop() -> None:
    async def work(given: Any) -> Any:
        return given

    with pytest.raises(InputError, match=r"use `await router.astep\(...\)`"):
        made(CacheSettings()).router.step("a", 1, work)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(value=json_values)
def test_every_json_value_comes_back_as_it_was(value: Any) -> None:
    assert not_json(value, "it") is None
    cache = made(CacheSettings())
    work, seen = counted(lambda given: given)
    assert [cache.router.step("echo", value, work) for _ in range(2)] == [value, value]
    assert len(seen) == 1
