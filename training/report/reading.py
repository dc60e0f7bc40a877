"""Reading an evaluation of which any part may be missing, None or not a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from router.report.interval import Interval

LARGEST = 1e15
"""Beyond it a figure is an accident, and no axis has room for it."""


class Reading:
    """One mapping of the evaluation; what is not there, or is of another kind, reads as nothing.

    The evaluation is somebody else's JSON, perhaps of an older version: a report that fails on a missing figure shows
    none of the others.
    """

    def __init__(self, raw: object) -> None:
        self._raw: Mapping[str, object] = raw if isinstance(raw, Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._raw)

    def get(self, *path: str) -> object:
        """What stands at ``path``, or None."""
        found: object = self._raw
        for key in path:
            if not isinstance(found, Mapping):
                return None
            found = found.get(key)
        return found

    def number(self, *path: str) -> float | None:
        """A finite number, or None."""
        return finite(self.get(*path))

    def interval(self, *path: str) -> Interval | None:
        """Two finite numbers in order, or None."""
        found = self.numbers(*path)
        if len(found) != 2:
            return None
        return Interval(min(found), max(found))

    def numbers(self, *path: str) -> list[float]:
        """The list at ``path`` if every entry is a finite number, else an empty one."""
        values = [finite(each) for each in _listed(self.get(*path))]
        known = [value for value in values if value is not None]
        return known if len(known) == len(values) else []

    def text(self, *path: str) -> str:
        """Text at ``path``; a number as it prints; an empty string for nothing."""
        found = self.get(*path)
        return "" if found is None or isinstance(found, Mapping | list | tuple) else str(found)

    def flag(self, *path: str) -> bool | None:
        """True, False, or None where neither is said."""
        found = self.get(*path)
        return found if isinstance(found, bool) else None

    def part(self, *path: str) -> Reading:
        """The mapping at ``path``, empty if there is none."""
        return Reading(self.get(*path))

    def rows(self, *path: str) -> list[Reading]:
        """The mappings in the list at ``path``."""
        return [Reading(each) for each in _listed(self.get(*path)) if isinstance(each, Mapping)]

    def points(self, *path: str) -> list[tuple[float, float]]:
        """The pairs of finite numbers in the list at ``path``."""
        pairs = [[finite(value) for value in _listed(each)] for each in _listed(self.get(*path))]
        return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0] is not None and pair[1] is not None]

    def items(self) -> Iterator[tuple[str, Reading]]:
        """Every key with the mapping under it, empty if it holds something else."""
        for key, value in self._raw.items():
            yield str(key), Reading(value)

    def names(self, *path: str) -> list[str]:
        """The keys of the mapping at ``path``, or the texts of the list there."""
        found = self.get(*path)
        return [str(each) for each in (found if isinstance(found, Mapping) else _listed(found))]


def finite(value: object) -> float | None:
    """``value`` as a float if it is a number within ``LARGEST``, else None; truth values are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        return None
    return float(value)


def _listed(found: object) -> Sequence[object]:
    return found if isinstance(found, list | tuple) else ()
