"""What a process has made is its own: one that is forked from it makes another."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from router.stores.budget_alerts import Alerts
from router.stores.neighbours import Neighbours
from router.stores.per_process import PerProcess
from tests.cache_semantic.kit import at, settings


def in_child(act: Callable[[], bool]) -> bool:
    """Whether ``act`` holds in a forked process, within ten seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if act() else 1)
    return os.waitpid(child, 0)[1] == 0


def test_it_is_made_once_for_a_process_and_anew_when_it_was_forgotten() -> None:
    own = PerProcess(threading.Lock)
    assert own.pop() is None
    first = own()
    assert own() is first
    assert own.pop() is first
    assert own() is not first


def test_a_forked_process_has_another_and_leaves_its_parents() -> None:
    own = PerProcess(list[int])
    own().append(1)
    assert in_child(lambda: own() == [] and own.pop() == [])
    assert own() == [1]


def test_a_forked_process_does_not_wait_for_whoever_was_searching_by_meaning() -> None:
    neighbours = Neighbours(settings())
    neighbours.add("k", "How do I peel a mango?", "s", at(0))
    with neighbours._known().lock:
        assert in_child(lambda: neighbours.nearest("How do you peel a mango?", "s", at(0)).found == ())
    assert len(neighbours.nearest("How do you peel a mango?", "s", at(0)).found) == 1


def test_a_forked_process_does_not_wait_for_whoever_was_handing_an_alert_over() -> None:
    alerts = Alerts()
    with alerts._line().lock:
        assert in_child(lambda: not alerts.close())
    alerts.close()
