"""Which part of a request may be worded otherwise: its last turn alone, and only a user's short one."""

from __future__ import annotations

from dataclasses import replace

from router.types import Request

MOST = 2_000
"""Characters. In a long text one vector says little of any one sentence; such requests are looked up exactly only."""

_BLANK = "\x00"


def blanked(request: Request) -> Request | None:
    """The request with its last turn blanked: all that must be equal for two questions to be compared at all.

    None for a request that is not looked up by meaning: its last turn is no user's, or too long, or empty.
    """
    last = request.messages[-1]
    if last.role != "user" or last.tool_calls or not 0 < len(last.content.strip()) <= MOST:
        return None
    return replace(request, messages=(*request.messages[:-1], replace(last, content=_BLANK)))


def asked(request: Request) -> str:
    """The text that is embedded and compared: the last turn's."""
    return request.messages[-1].content.strip()
