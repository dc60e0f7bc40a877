"""What the confidence scorer reads off one answer: log-probabilities where the tier has them, and the text.

Every signal is a number with a name; one that cannot be computed is NaN, which the scorer fills with the
training mean. None of them looks at which task the prompt is: the sums are those of any answer that has some.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.signals import logprobs, reckoning, surface, wording
from router.signals.agreement import agreement
from router.signals.form import format_broken
from router.signals.reading import read
from router.signals.reckoning import TELLING
from router.signals.sums import check_sums, equations
from router.types import Completion, Request

__all__ = ["NAMES", "TELLING", "VERSION", "agreement", "answer_signals", "check_sums", "format_broken"]

Floats = NDArray[np.float64]

VERSION = 3
"""Raise it whenever a signal changes its meaning but not its name."""

NAMES = logprobs.SIGNALS + surface.SIGNALS + ("sums_checked", "sums_wrong") + reckoning.SIGNALS + wording.SIGNALS
"""Names of the signals, in the order of the array that :func:`answer_signals` returns."""

_QUESTION, _ANSWER = 4_000, 8_000
"""Characters at the end of the prompt and of the answer that are followed, so that reading stays fast."""


def answer_signals(request: Request, completion: Completion) -> Floats:
    """Read one answer: an array in the order of :data:`NAMES`.

    Signals that were logged with the answer go before what can still be read off it; where all were, nothing is read.
    """
    logged = completion.signals
    if logged is not None and all(name in logged for name in NAMES):
        return np.array([logged[name] for name in NAMES], float)
    prompt, answer = read(_question(request)), read(completion.text[-_ANSWER:])
    sums = equations(answer)
    found = np.array(
        (
            *logprobs.likelihood(completion.logprobs),
            *surface.surface(request, completion),
            float(len(sums)),
            float(sum(not one.holds for one in sums)),
            *reckoning.reckoning(prompt, answer, sums),
            *wording.wording(prompt, answer),
        )
    )
    if logged is not None:
        for place, name in enumerate(NAMES):
            found[place] = logged.get(name, found[place])
    return found


def _question(request: Request) -> str:
    """The end of what was asked last."""
    asked = (message.content for message in reversed(request.messages) if message.role == "user")
    return next(asked, request.text)[-_QUESTION:]
