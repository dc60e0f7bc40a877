"""Watching a client's calls: what it returns is handed on as it is, and read in passing."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from router.metering.gleaning import Gleaner, Told, reader_of, told
from router.metering.meter import Call, Meter
from router.providers.fields import word

logger = logging.getLogger(__name__)

BROKEN_OFF = "the stream was not read to its end, so these tokens are what was reported until then"


def watched(request: Callable[..., Any], meter: Meter) -> Callable[..., Any]:
    """The client's method ``request``, through which all its calls go, noting those that are billed by tokens."""

    @contextmanager
    def noting(options: Any) -> Iterator[Call | None]:
        call = _begun(options, meter)
        try:
            yield call
        except BaseException as error:
            if call is not None:
                call.failed(type(error).__name__)
            raise

    if inspect.iscoroutinefunction(request):

        @functools.wraps(request)
        async def arequested(cast_to: Any, options: Any, **more: Any) -> Any:
            with noting(options) as call:
                answer = await request(cast_to, options, **more)
            return _seen(call, answer, stream=bool(more.get("stream")))

        return arequested

    @functools.wraps(request)
    def requested(cast_to: Any, options: Any, **more: Any) -> Any:
        with noting(options) as call:
            answer = request(cast_to, options, **more)
        return _seen(call, answer, stream=bool(more.get("stream")))

    return requested


def _begun(options: Any, meter: Meter) -> Call | None:
    read = reader_of(str(getattr(options, "url", "")))
    if read is None or str(getattr(options, "method", "")).lower() != "post":
        return None
    return meter.begin(word(options, "json_data", "model") or "", read)


def _seen(call: Call | None, answer: Any, *, stream: bool) -> Any:
    """Note ``answer``, now or when its stream has been read, and return it."""
    if call is not None:
        try:
            _look(call, answer, stream=stream)
        except Exception as error:  # noqa: BLE001 - whoever called has an answer and is to get it
            logger.warning("a tracked call cannot be read (%s: %s)", type(error).__name__, error)
    return answer


def _look(call: Call, answer: Any, *, stream: bool) -> None:
    response = getattr(answer, "http_response", None)  # of a raw answer
    if response is None and stream:
        response = getattr(answer, "response", None)
    if response is None:
        call.answered(told(call.read, [answer]))
    elif (body := _body(response)) is not None:
        gleaner = Gleaner(is_stream=False)
        gleaner.feed(body)
        _note(call, gleaner, response)
    else:
        _tap(response, call)


def _body(response: Any) -> bytes | None:
    """The bytes of an answer that has been read whole; None while they are to come."""
    if not getattr(response, "is_stream_consumed", False):
        return None
    try:
        found: bytes = response.content
    except Exception:  # noqa: BLE001 - consumed as a stream: nothing is left to see
        return b""
    return found


def _tap(response: Any, call: Call) -> None:
    """See the bytes of ``response`` as whoever reads it gets them, and its end."""
    tap = _Tap(response, call)
    if hasattr(response, "aiter_bytes"):
        aiter_bytes, aclose = response.aiter_bytes, response.aclose

        async def atapped(chunk_size: int | None = None) -> AsyncIterator[bytes]:
            with tap.reading():
                async for piece in aiter_bytes(chunk_size):
                    with tap.lent(piece):
                        yield piece

        async def aclosed() -> None:
            tap.closed()
            await aclose()

        response.aiter_bytes, response.aclose = atapped, aclosed
    iter_bytes, close = response.iter_bytes, response.close

    def tapped(chunk_size: int | None = None) -> Iterator[bytes]:
        with tap.reading():
            for piece in iter_bytes(chunk_size):
                with tap.lent(piece):
                    yield piece

    def closed() -> None:
        tap.closed()
        close()

    response.iter_bytes, response.close = tapped, closed


class _Tap:
    """What has passed of one response, and whether it is the response itself that is at work."""

    def __init__(self, response: Any, call: Call) -> None:
        self._response = response
        self._call = call
        self._gleaner = Gleaner(is_stream="event-stream" in response.headers.get("content-type", ""))
        self._pulling = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around the reading of the whole body."""
        self._pulling = True
        try:
            yield
        except Exception as error:
            self._pulling = False
            self._call.failed(type(error).__name__, self._gleaner.told(self._call.read))
            raise
        except BaseException:  # whoever reads it has enough, or is made to stop
            self._note(BROKEN_OFF)
            raise
        self._note()

    @contextmanager
    def lent(self, piece: bytes) -> Iterator[None]:
        """Around the time in which somebody else has ``piece``."""
        self._gleaner.feed(piece)
        if self._gleaner.ended or self._gleaner.broken:
            self._note()
        self._pulling = False
        yield
        self._pulling = True

    def closed(self) -> None:
        """The response is closed, which it does itself once it has been read."""
        if not self._pulling:
            self._note(BROKEN_OFF)

    def _note(self, note: str = "") -> None:
        if self._gleaner.broken:
            self._call.failed("an error within the stream", self._gleaner.told(self._call.read))
        else:
            _note(self._call, self._gleaner, self._response, note=note)


def _note(call: Call, gleaner: Gleaner, response: Any, *, note: str = "") -> None:
    found = gleaner.told(call.read)
    headers = response.headers
    id = found.request_id or headers.get("x-request-id") or headers.get("request-id")
    call.answered(Told(model=found.model, usage=found.usage, request_id=id), note=note)
