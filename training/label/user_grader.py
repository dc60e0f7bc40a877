"""A grader of the user's own: a Python function, named ``module:function``."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from router.errors import InputError
from router.ledger.label import Source
from training.label.answer import Answer
from training.label.grader import Grade


@dataclass(frozen=True, slots=True)
class UserFunction:
    """Calls ``function(prompt, response, reference)``, which returns a quality in [0, 1], a bool, or None if unknown.

    What it raises leaves that answer without a label, and the reason with it; a quality outside [0, 1] stops the work,
    since a function that gives one is wrong about every row.
    """

    function: Callable[[str, str, str | None], Any]
    name: str
    source: Source = "test"

    def __call__(self, answer: Answer) -> Grade:
        """What the function says.

        Raises:
            InputError: it returned something else than a number in [0, 1] or None.
        """
        try:
            value = self.function(answer.prompt, answer.response, answer.reference)
        except Exception as error:  # noqa: BLE001 - a stranger's function may raise anything
            return Grade(math.nan, f"{self.name} raised {type(error).__name__}: {str(error)[:200]}")
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return Grade(math.nan, f"{self.name} cannot tell")
        if not isinstance(value, Real) or not 0 <= float(value) <= 1:
            raise InputError(
                f"{self.name} returned {value!r} for query {answer.query_id!r}, tier {answer.tier!r}; "
                "it must return a number from 0 to 1, a bool, or None"
            )
        return Grade(float(value), "as the function says")


def user_function(named: str) -> UserFunction:
    """Import the function that ``named`` ("module:function") names, from the working directory too.

    Raises:
        InputError: there is no such module or function.
    """
    module, colon, function = named.partition(":")
    if not colon or not module or not function:
        raise InputError(f"grader={named!r} is neither a grader's name nor module:function")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module), function, None)
    except Exception as error:  # noqa: BLE001 - importing runs a stranger's code
        raise InputError(f"the module {module!r} cannot be imported ({type(error).__name__}: {error})") from None
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise InputError(f"the module {module!r} has no function {function!r}")
    return UserFunction(function=found, name=named)
