"""Results of the steps of a workflow, cached by content: what was worked out once is not worked out again."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from router.cache.key import step_key
from router.cache.lookup import settled
from router.cache.ops import FetchStep, KeepStep, Result
from router.cache.settings import CacheSettings
from router.drivers import AsyncShell, Shell
from router.errors import InputError
from router.ops import Op

JSON = Any
"""None, a truth value, a number, text, or a list or a mapping from text of these."""


@dataclass(frozen=True, slots=True)
class Work(Op[Any]):
    """Do a step's work: ``call`` its ``inputs``; a coroutine function is awaited where there is a loop."""

    call: Callable[[Any], Any]
    inputs: Any


@dataclass(frozen=True, slots=True)
class Clock(Op[float]):
    """The time, in seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: ``call`` makes its result from ``inputs``. ``ttl`` (seconds) and ``tags`` are of its cached result.

    Raises:
        InputError: the inputs are not JSON, or ``ttl`` is no length of time.
    """

    name: str
    inputs: JSON
    call: Callable[[Any], Any]
    ttl: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _text(self.name) or not self.name:
            raise InputError(f"a step's name is text, not {self.name!r}")
        wrong = not_json(self.inputs, f"the inputs of step {self.name!r}")
        if wrong is not None:
            raise InputError(f"{wrong}; steps are cached by what they are given, so pass what JSON can hold")
        if self.ttl is not None and (isinstance(self.ttl, bool) or not 0 <= self.ttl < math.inf):
            raise InputError(f"ttl of step {self.name!r} is in seconds from 0 up, not {self.ttl!r}")
        for key, value in self.tags.items():
            if not (_text(key) and _text(value)):
                raise InputError(f"tags are text to text; {key!r}={value!r} is not")


async def stepped(step: Step, settings: CacheSettings | None) -> JSON:
    """The step's result: from the cache, or by working it out, which of concurrent equal steps only one does.

    A cache that is down is done without. A result always comes as JSON would give it back, cached or not.

    Raises:
        InputError: the result is not JSON.
        BaseException: what the step's own function raised; nothing is cached then.
    """
    if settings is None:
        return _plain(step, await Work(step.call, step.inputs))
    ttl = settings.age_of(step.tags) if step.ttl is None else float(step.ttl)
    if ttl <= 0 or not settings.writes(step.tags):
        return _plain(step, await Work(step.call, step.inputs))
    key = step_key(step.name, step.inputs, step.tags, settings)
    found = (await settled(lambda: FetchStep(key, ttl), wait=settings.wait)).found
    if found.result is not None:
        return json.loads(found.result.value)
    try:
        value = _plain(step, await Work(step.call, step.inputs))
        made = Result(value=json.dumps(value), created=await Clock())
    except GeneratorExit:
        raise  # nothing more may be awaited; the lease runs out by itself
    except BaseException:
        await KeepStep(key, found.lease, None)
        raise
    if found.lease is not None or found.note is None:
        await KeepStep(key, found.lease, made, ttl, step.tags)
    return value


def work(shell: Shell, wall: Callable[[], float]) -> Shell:
    """``shell`` with what steps need besides; ``wall`` counts seconds from the epoch."""

    def done(op: Work) -> Any:
        if inspect.iscoroutinefunction(op.call):
            raise InputError("the step's function is a coroutine function; use `await router.astep(...)`")
        return op.call(op.inputs)

    return {**shell, Work: done, Clock: lambda _: wall()}


def awork(shell: AsyncShell, wall: Callable[[], float]) -> AsyncShell:
    """The same on the running event loop; a plain function works in a thread."""

    async def done(op: Work) -> Any:
        if inspect.iscoroutinefunction(op.call):
            return await op.call(op.inputs)
        given = await asyncio.to_thread(op.call, op.inputs)
        return await given if inspect.isawaitable(given) else given

    async def now(_: Clock) -> float:
        return wall()

    return {**shell, Work: done, Clock: now}


def _text(value: object) -> bool:
    return isinstance(value, str)


def not_json(value: Any, where: str) -> str | None:
    """Say what in ``value`` is not JSON, and where; None when all is.

    Stricter than Python's own encoder: a tuple would come back as a list and a number that is a key as text.
    """
    try:
        json.dumps(value)
    except (ValueError, RecursionError):
        return f"{where} is nested too deeply, or holds itself"
    except TypeError:
        pass  # it is told below what cannot be encoded
    stack, seen = [(value, where)], set[int]()
    while stack:
        each, place = stack.pop()
        if isinstance(each, list | dict):
            if id(each) in seen:
                continue
            seen.add(id(each))
        if each is None or isinstance(each, str | bool | int):
            continue
        if isinstance(each, float):
            if not math.isfinite(each):
                return f"{place} is {each!r}, which JSON has not"
        elif isinstance(each, list):
            stack += [(item, f"{place}[{number}]") for number, item in enumerate(each)]
        elif isinstance(each, dict):
            odd = next((key for key in each if not isinstance(key, str)), None)
            if odd is not None:
                return f"{place} has the key {odd!r}, and JSON's keys are text"
            stack += [(item, f"{place}[{key!r}]") for key, item in each.items()]
        else:
            return f"{place} is a {type(each).__name__}, which is not JSON"
    return None


def _plain(step: Step, value: Any) -> JSON:
    """The result as JSON gives it back.

    Raises:
        InputError: it is not JSON.
    """
    wrong = not_json(value, f"the result of step {step.name!r}")
    if wrong is not None:
        raise InputError(f"{wrong}; let the step return what JSON can hold")
    return json.loads(json.dumps(value))
