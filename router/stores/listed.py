"""Clearing and counting in a store that can list its entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from router.cache.entry import label_of
from router.stores.answers import Stock

_PAGE = 500


class Listed(Protocol):
    """A store that knows its entries."""

    def scan(self) -> Iterator[tuple[str, bytes]]:
        """Every entry, in no order; one that comes or goes meanwhile may be missing."""
        ...

    def drop(self, keys: Sequence[str]) -> None:
        """Forget the entries of ``keys``."""
        ...


def clear(store: Listed, tag: str | None, value: str | None) -> int:
    """Drop the entries whose request's ``tag`` was ``value``, all without one; how many they were."""
    dropped, page = 0, list[str]()
    for key, blob in store.scan():
        if tag is None or label_of(blob).tags.get(tag) == value:
            page.append(key)
        if len(page) == _PAGE:
            store.drop(page)
            dropped, page = dropped + len(page), []
    if page:
        store.drop(page)
    return dropped + len(page)


def stock(store: Listed) -> Stock:
    """Count all entries."""
    entries = size = 0
    times = []
    for _, blob in store.scan():
        entries, size = entries + 1, size + len(blob)
        created = label_of(blob).created
        if created is not None:
            times.append(created)
    return Stock(entries=entries, bytes=size, oldest=min(times, default=None), newest=max(times, default=None))
