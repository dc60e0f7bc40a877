"""What clients raise and servers report, as errors of our tree."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from types import ModuleType
from typing import Any

from router.errors import (
    ConnectionFailed,
    ContextOverflow,
    MalformedAnswer,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    RejectedRequest,
    ServerFault,
    Unauthorized,
)
from router.providers.fields import field
from router.tiers import Tier

_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|exceeds the available context size|prompt is too long"
    r"|maximum context length|context window|exceeds the maximum number of tokens|model_context_window_exceeded",
    re.IGNORECASE,
)
_UNPAID = re.compile(r"insufficient_quota|credit balance is too low|billing_error", re.IGNORECASE)

_STATUS_OF_TYPE = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    "invalid_request_error": 400,
    "exceed_context_size_error": 400,
}
"""Error types whose status is lost when they are reported inside a stream."""

_LONGEST = 300
"""Characters of the provider's own words that a message keeps."""


def translate(tier: Tier, raised: Exception, *, sdk: ModuleType) -> ProviderError | None:
    """What an exception of ``sdk`` (openai or anthropic) or of the HTTP client under it means."""
    import httpx2

    if isinstance(raised, ProviderError):
        return raised
    if isinstance(raised, sdk.APIStatusError):
        status, headers = raised.status_code, raised.response.headers
        if status >= 400:
            return failed(
                tier, status=status, body=raised.body, request_id=raised.request_id, headers=headers, said=str(raised)
            )
        return reported(tier, raised.body, request_id=raised.request_id)
    if isinstance(raised, sdk.APITimeoutError | httpx2.TimeoutException | TimeoutError):
        return ProviderTimeout(sentence(tier, "did not answer in time"), tier=tier.name)
    if isinstance(raised, sdk.APIConnectionError | httpx2.HTTPError):
        return ConnectionFailed(sentence(tier, "could not be reached", _innermost(raised)), tier=tier.name)
    if isinstance(raised, sdk.APIResponseValidationError | JSONDecodeError | UnicodeDecodeError | RecursionError):
        return malformed(tier, f"is no valid JSON: {raised}")
    if isinstance(raised, UnicodeEncodeError):
        return RejectedRequest(
            sentence(tier, "cannot be sent the prompt, which holds half a character", raised.reason), tier=tier.name
        )
    if isinstance(raised, sdk.APIError):
        return reported(tier, raised.body or {"message": raised.message})
    return None


def failed(
    tier: Tier,
    *,
    status: int,
    body: Any,
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
    said: str = "",
) -> ProviderError:
    """The error for an HTTP ``status`` of at least 400."""
    error = field(body, "error") if isinstance(field(body, "error"), Mapping) else body
    code = _word(field(error, "code")) or _word(field(error, "type"))
    words = _word(field(error, "message")) or _word(field(body, "error")) or _word(body) or said
    marks = " ".join(filter(None, (code, _word(field(error, "type")), words)))
    kind, verb = _kind(status, marks)
    return kind(
        sentence(tier, verb, words),
        tier=tier.name,
        status=status,
        code=code or None,
        request_id=request_id,
        retry_after=retry_after(headers or {}),
    )


def reported(tier: Tier, body: Any, *, request_id: str | None = None) -> ProviderError:
    """The error for a failure told inside a stream, where the HTTP status said 200."""
    error = field(body, "error") if isinstance(field(body, "error"), Mapping) else body
    code, kind = field(error, "code"), field(error, "type")
    for status in (code, _STATUS_OF_TYPE.get(str(kind)), _STATUS_OF_TYPE.get(str(code))):
        if isinstance(status, int) and 400 <= status < 600:
            return failed(tier, status=status, body=body, request_id=request_id)
    return failed(tier, status=500, body=body, request_id=request_id)


def malformed(tier: Tier, what: str, *, request_id: str | None = None) -> MalformedAnswer:
    """The error for a 200 that is no answer."""
    return MalformedAnswer(sentence(tier, "sent no usable answer: it", what), tier=tier.name, request_id=request_id)


def refused_body(tier: Tier, body: Any, *, request_id: str | None = None) -> ProviderError:
    """The error for a 200 whose body reports an error instead of an answer."""
    words = _word(field(body, "message")) or _word(body) or "of an unknown kind"
    marks = " ".join(filter(None, (_word(field(body, "code")), _word(field(body, "type")), words)))
    if _OVERFLOW.search(marks):
        return ContextOverflow(
            sentence(tier, "cannot hold the prompt", words), tier=tier.name, status=200, request_id=request_id
        )
    return malformed(tier, f"reports an error under status 200: {words}", request_id=request_id)


def sentence(tier: Tier, verb: str, words: str = "") -> str:
    """One sentence with the tier, the model and the provider's own words."""
    words = " ".join(words.split())
    if len(words) > _LONGEST:
        words = words[: _LONGEST - 3] + "..."
    return f"tier {tier.name!r} ({tier.model}) {verb}" + (
        f"{'' if verb.endswith(' it') else ':'} {words}" if words else ""
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from ``retry-after-ms``, or from ``retry-after`` in seconds or as an HTTP date.

    A date is measured from the server's own ``date``, where it sent one, so that a clock that is wrong here
    does not matter.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(seconds, 0.0)
    until, now = _moment(headers.get("retry-after")), _moment(headers.get("date"))
    return None if until is None else max(until - (time.time() if now is None else now), 0.0)


def _moment(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None


def _kind(status: int, marks: str) -> tuple[type[ProviderError], str]:
    """The class of an error, and the verb of its sentence."""
    if status == 413 or (status < 500 and status != 429 and _OVERFLOW.search(marks)):
        return ContextOverflow, "cannot hold the prompt"
    if status in (401, 402, 403) or (status < 500 and _UNPAID.search(marks)):
        return Unauthorized, f"refused the key or the account ({status})"
    if status == 408:
        return ProviderTimeout, "did not answer in time (408)"
    if status == 409:
        return ConnectionFailed, "dropped the call over a conflict (409)"
    if status == 429:
        return RateLimited, "is rate limited (429)"
    if status >= 500:
        return ServerFault, f"failed ({status})"
    return RejectedRequest, f"rejected the request ({status})"


def _word(value: Any) -> str:
    """A code or message as text; codes may be numbers."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _innermost(raised: BaseException) -> str:
    """The words of the first cause: clients wrap "connection refused" in "Connection error."."""
    while raised.__cause__ is not None:
        raised = raised.__cause__
    return str(raised) or type(raised).__name__
