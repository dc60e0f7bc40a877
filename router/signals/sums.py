"""The arithmetic of an answer, done again."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from router.signals.reading import Reading, number, read

_MOST_SUMS, _REACH = 200, 60
"""Equations read, and tokens on either side of each: a looping answer must not cost seconds."""

_GROUP = r"\((?:[^()e.,]|\([^()e.,]*\))*\)"
_OPERAND = rf"m?(?:{_GROUP}|\$?n)"
_CHAIN = rf"{_OPERAND}(?:w{{0,5}}[sm]w?{_OPERAND})*"
_LEFT = re.compile(rf"{_CHAIN}w{{0,5}}\Z")
_RIGHT = re.compile(rf"[,$]{{0,2}}({_CHAIN})")
_BEFORE = frozenset("sn)v^")
_AFTER = frozenset("sn(v")
_LARGEST_POWER = 64
_PLAIN = {"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/"}


@dataclass(frozen=True, slots=True)
class Equation:
    """One "a op b ... = c" of a text: its two sides as pieces, their values, and whether they agree.

    ``operations`` counts the signs on each side.
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    value: float
    stated: float
    operations: tuple[int, int]
    holds: bool

    @property
    def is_step(self) -> bool:
        """Whether something is computed on the left, and its result stands on the right."""
        return self.operations[0] > 0 and self.operations[1] == 0

    @property
    def operands(self) -> tuple[float, ...]:
        """The numbers on the left."""
        return tuple(number(piece) for piece in self.left if piece[0] in "0123456789.")


def check_sums(text: str) -> tuple[int, int]:
    """Count the equations ``a op b op ... = c`` in ``text``, and how many of them are false.

    What they are, and when one is false, is said in :func:`equations`.
    """
    found = equations(read(text))
    return len(found), sum(not one.holds for one in found)


def equations(reading: Reading) -> list[Equation]:
    """The equations of a text that can be read, in order.

    Chains are evaluated whole, with the usual precedence; the units between ("3 days * 4 hours = 12 hours") are
    passed over. A result is right when it equals the stated one as far as that was written out (``10 / 3 = 3.33``
    holds), also where one side is in per cent. What has a variable in it is not counted, nor is a plain number on the
    left, unless it is itself the right side of the equation before.
    """
    tokens, codes = reading.tokens, reading.codes
    if "e" not in codes:
        return []
    found = []
    before = -1
    signs = [place for place, code in enumerate(codes) if code == "e"][: _MOST_SUMS + 1]
    for count, place in enumerate(signs[:_MOST_SUMS]):
        after = signs[count + 1] if count + 1 < len(signs) else len(codes)
        one = _equation(tokens, codes, before, place, after)
        if one is not None:
            found.append(one)
        before = place
    return found


def _equation(tokens: Sequence[str], codes: str, before: int, place: int, after: int) -> Equation | None:
    """The equation at the equals sign ``place``, between the one ``before`` and the one ``after``."""
    start = max(before + 1, place - _REACH)
    left = _LEFT.search(codes, start, place)
    if left is None or (left.start() == start and start > before + 1):
        return None  # none, or one that began out of reach
    chained = before >= 0 and left.start() <= before + 3
    if left.start() > start and codes[left.start() - 1] in _BEFORE:
        return None
    right = _RIGHT.match(codes, place + 1, min(after, place + _REACH))
    if right is None or _goes_on(codes, right.end()):
        return None
    one, other = _pieces(tokens, codes, left.start(), place), _pieces(tokens, codes, right.start(1), right.end(1))
    operations = _operations(one), _operations(other)
    if not (operations[0] or chained):
        return None
    value, stated = _evaluate(one), _evaluate(other)
    if value is None or stated is None:
        return None
    if one[0] == "-" and len(one) > 1 and value <= 0 < stated:  # a dash, not a sign
        plain = _evaluate(one[1:])
        if plain is not None and abs(plain - stated) < abs(value - stated):
            one, value = one[1:], plain
    holds = _agree(value, stated, other[-1] if operations[1] == 0 else "", loose=tokens[place] == "≈")
    return Equation(one, other, value, stated, operations, holds)


def _goes_on(codes: str, end: int) -> bool:
    """Whether an expression that was read up to ``end`` is part of one that cannot be read."""
    following = codes[end : end + 2]
    return bool(following) and (following[0] in _AFTER or following in {"mv", "m("})


def _pieces(tokens: Sequence[str], codes: str, start: int, end: int) -> tuple[str, ...]:
    """Numbers, signs, brackets and variables between two places."""
    return tuple(
        _PLAIN.get(token, token)
        for token, code in zip(tokens[start:end], codes[start:end], strict=True)
        if code in "nms()v"
    )


def _operations(pieces: Sequence[str]) -> int:
    return sum(piece in "+-*/^" for piece in pieces[1:])


def _agree(value: float, stated: float, written: str, *, loose: bool) -> bool:
    """Whether two sides agree; ``written`` is the right one's text when it is a plain number, rounded by its author."""
    tolerance = 1e-6 * max(abs(value), abs(stated))
    if written:
        places = len(written.rstrip("%").partition(".")[2])
        tolerance = max(tolerance, 0.5001 * 10.0**-places * (0.01 if written.endswith("%") else 1.0))
    if loose:
        tolerance = max(tolerance, 0.5, 0.05 * abs(value))
    return min(abs(value - stated), abs(100 * value - stated), abs(value - 100 * stated)) <= tolerance


def _evaluate(pieces: Sequence[str]) -> float | None:
    """The value of a chain of sums, products and powers, brackets allowed; None when it is no such chain."""
    try:
        value = float(_Evaluation(pieces).total()) if len(pieces) > 1 else number(pieces[0])
    except (IndexError, ValueError, ZeroDivisionError, OverflowError, RecursionError, TypeError):
        return None  # among others, a negative number's root is complex, and float() of it a TypeError
    return value if math.isfinite(value) else None


class _Evaluation:
    """One chain, read from left to right with the usual precedence."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = [*reversed(pieces)]

    def total(self, *, within: bool = False) -> float:
        """A sum of products, up to the closing bracket or the end."""
        rest, value = self.pieces, self.product()
        while rest:
            sign = rest.pop()
            if sign == "+":
                value += self.product()
            elif sign == "-":
                value -= self.product()
            elif sign == ")" and within:
                return value
            else:
                raise ValueError(sign)
        if within:
            raise ValueError("a bracket is not closed")
        return value

    def product(self) -> float:
        rest, value = self.pieces, self.power()
        while rest and rest[-1] in "*/":
            value = value * self.power() if rest.pop() == "*" else value / self.power()
        return value

    def power(self) -> float:
        rest, value = self.pieces, self.term()
        if rest and rest[-1] == "^":
            rest.pop()
            exponent = self.power()
            if abs(exponent) > _LARGEST_POWER:
                raise ValueError(exponent)
            return float(value**exponent)
        return value

    def term(self) -> float:
        piece = self.pieces.pop()
        if piece == "-":
            return -self.term()
        return self.total(within=True) if piece == "(" else number(piece)
