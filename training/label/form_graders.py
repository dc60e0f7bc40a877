"""Graders that look at the form of an answer: a pattern, a JSON schema, code that must parse."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from router.errors import InputError
from router.ledger.label import Source
from training.label.answer import Answer
from training.label.grader import RIGHT, UNREFERENCED, WRONG, Grade

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
_HOLE = "{reference}"


def fenced(text: str, *languages: str) -> str:
    """Return what the code fences of ``languages`` in ``text`` hold; without one, of any language, the whole text."""
    blocks = [(found[1].lower(), found[2]) for found in _FENCE.finditer(text)]
    named = [body for language, body in blocks if language in languages]
    bare = [body for language, body in blocks if not language]
    return "\n".join(named or bare) if named or bare else text


@dataclass(frozen=True, slots=True)
class Regex:
    """Right when ``pattern`` is found in the answer; ``{reference}`` in it stands for the row's reference, literally.

    Raises:
        InputError: the pattern is no regular expression of Python's.
    """

    pattern: str
    source: Source = "test"

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern.replace(_HOLE, ""))
        except re.error as error:
            raise InputError(f"pattern={self.pattern!r} is no regular expression ({error})") from None

    @property
    def name(self) -> str:
        """The kind and a hash of the pattern."""
        return f"regex:{_short(self.pattern)}"

    def __call__(self, answer: Answer) -> Grade:
        """1 or 0; NaN where the pattern needs a reference and there is none."""
        pattern = self.pattern
        if _HOLE in pattern:
            if answer.reference is None:
                return UNREFERENCED
            pattern = pattern.replace(_HOLE, re.escape(answer.reference))
        return RIGHT if re.search(pattern, answer.response) else WRONG


@dataclass(frozen=True)
class JsonSchema:
    """Right when the answer, out of its code fence, is JSON that ``schema`` allows; nothing is fetched for a ``$ref``.

    Raises:
        InputError: the schema is none, or refers to another document.
    """

    schema: Mapping[str, Any]
    source: Source = "test"
    _validator: Validator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import Draft202012Validator, validator_for
        from referencing import Registry

        kind = validator_for(self.schema, default=Draft202012Validator)
        try:
            kind.check_schema(dict(self.schema))
        except SchemaError as error:
            where = "/".join(map(str, error.absolute_path)) or "its top"
            raise InputError(f"the JSON schema is not valid at {where}: {error.message}") from None
        # An empty registry: the default one would open URLs that a schema names.
        made = kind(dict(self.schema), registry=Registry(), format_checker=kind.FORMAT_CHECKER)
        object.__setattr__(self, "_validator", made)

    @property
    def name(self) -> str:
        """The kind and a hash of the schema."""
        return f"json-schema:{_short(json.dumps(self.schema, sort_keys=True))}"

    def __call__(self, answer: Answer) -> Grade:
        """1 or 0, with what is wrong."""
        from jsonschema.exceptions import best_match
        from referencing.exceptions import Unresolvable

        try:
            value = json.loads(fenced(answer.response, "json").strip(), parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            return Grade(0.0, f"not JSON ({error})")
        try:
            fault = best_match(self._validator.iter_errors(value))
        except Unresolvable as error:
            raise InputError(f"the JSON schema refers to {error.ref!r}, which it does not hold; put it in") from None
        return RIGHT if fault is None else Grade(0.0, f"against the schema: {fault.message[:200]}")


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@dataclass(frozen=True, slots=True)
class Parses:
    """Right when the answer's Python code parses; it is never run.

    The code is what the fences marked ``python``, or else unmarked ones, hold; without fences the whole answer. A
    lone name or constant, which many a word of prose is, counts as no code.
    """

    name: str = "parses"
    source: Source = "test"

    def __call__(self, answer: Answer) -> Grade:
        """1 or 0, with the line that does not parse."""
        code = fenced(answer.response, "python", "py", "python3")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(code)
        except SyntaxError as error:
            return Grade(0.0, f"line {error.lineno}: {error.msg}")
        except (ValueError, RecursionError, MemoryError) as error:
            return Grade(0.0, f"it cannot be parsed ({error})")
        lone = (ast.Name, ast.Constant)
        if all(isinstance(each, ast.Expr) and isinstance(each.value, lone) for each in tree.body):
            return Grade(0.0, "there is no code")
        return RIGHT


def _short(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
