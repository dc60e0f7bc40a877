"""Verifying: the user's own check of an answer, whose result is one of the signals that the scorer reads."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import math
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing
from dataclasses import replace
from numbers import Real
from typing import Any

from router.errors import ConfigError
from router.ops import Send
from router.types import Completion

Verify = Callable[[str, str], float | Awaitable[float | None] | None]
"""Called with the prompt and the answer; the larger its number the better, None where it has nothing to say."""

logger = logging.getLogger(__name__)


class Verifier:
    """Calls ``verify`` after each answer. Whatever goes wrong in it costs the request nothing but that signal.

    True and False count as 1 and 0. An error, or what is no finite number, is None, and warned of once.
    """

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._warned = False

    def verified(self, op: Send, answer: Completion) -> Completion:
        """``answer`` with what the check says of it; one that is a coroutine is run to its end."""
        try:
            found = self._verify(op.request.text, answer.text)
            return self._with(answer, _finished(found) if inspect.isawaitable(found) else found)
        except Exception as error:  # noqa: BLE001
            return self._without(answer, _fault(error))

    async def averified(self, op: Send, answer: Completion) -> Completion:
        """The same on an event loop: the check is called in a thread, and awaited if it can be."""
        try:
            found = await asyncio.to_thread(self._verify, op.request.text, answer.text)
            return self._with(answer, await found if inspect.isawaitable(found) else found)
        except Exception as error:  # noqa: BLE001
            return self._without(answer, _fault(error))

    def stream(
        self, op: Send, items: Generator[str | Completion, None, None]
    ) -> Generator[str | Completion, None, None]:
        """``items`` with the whole answer, when it comes, verified."""
        with closing(items):
            for item in items:
                yield self.verified(op, item) if isinstance(item, Completion) else item

    async def astream(
        self, op: Send, items: AsyncGenerator[str | Completion, None]
    ) -> AsyncGenerator[str | Completion, None]:
        """The same on an event loop."""
        async with aclosing(items):
            async for item in items:
                yield await self.averified(op, item) if isinstance(item, Completion) else item

    def _with(self, answer: Completion, found: Any) -> Completion:
        if found is None:
            return answer
        if not isinstance(found, Real) or not math.isfinite(found):
            shown = found if isinstance(found, float) else f"a value of type {type(found).__name__}"
            return self._without(answer, f"returned {shown}, which is no finite number")
        return replace(answer, verified=float(found))

    def _without(self, answer: Completion, what: str) -> Completion:
        if not self._warned:
            self._warned = True
            logger.warning("the `verify` function %s; such answers are judged without it", what)
        return answer


class _Unawaited(TypeError):
    """The check has to be awaited where nothing can be."""


def _fault(error: Exception) -> str:
    """What went wrong and where, without the message, which may repeat the prompt or the answer."""
    if isinstance(error, _Unawaited):
        return str(error)
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"raised {type(error).__name__} (line {line} of {frame.f_code.co_filename})"


def _finished(found: Awaitable[float | None]) -> float | None:
    """Await ``found`` where there is no event loop; within one there is no way to, and it is closed unawaited."""

    async def wait() -> float | None:
        return await found

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    if inspect.iscoroutine(found):
        found.close()
    raise _Unawaited("returned a coroutine, which `route` cannot await within a running event loop; use `aroute`")


def verify_named(name: str) -> Verify:
    """The function that ``name``, written ``module:function``, names.

    Raises:
        ConfigError: there is no such module or function, or it cannot be called.
    """
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"cannot be loaded: {error}", table="policy", key="verify") from error
    if not callable(found):
        raise ConfigError(f"{name!r} is no function", table="policy", key="verify")
    return found  # type: ignore[no-any-return]
