"""Waits that servers ask for, and sentences."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from router.providers.faults import failed, retry_after, sentence
from tests.providers.examples import tier


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "?", "retry-after": "9"}, 9.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT", "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT", "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, 0.0),
    ],
)
def test_the_wait_that_a_server_asks_for(headers, seconds):
    """Seconds, milliseconds or a date by the server's own clock; nonsense is no wait."""
    assert retry_after(headers) == seconds


def test_a_date_without_the_servers_clock_goes_by_ours():
    """The best there is."""
    assert 50 < retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60


def test_a_sentence_is_one_line_of_bounded_length():
    """A gateway's page of HTML does not fill the log."""
    said = sentence(tier(), "failed (502)", "<html>\n  " + "x" * 5000)
    assert said.startswith("tier 'small' (m-1) failed (502): <html> xxx")
    assert "\n" not in said
    assert len(said) < 400


def test_a_status_without_a_body_still_has_a_sentence():
    """And its number."""
    error = failed(tier(), status=500, body=None)
    assert (str(error), error.status, error.code) == ("tier 'small' (m-1) failed (500)", 500, None)
