"""What the ledger keeps of a request besides its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kept = Literal["text", "hash"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRule:
    """Requests whose tag ``tag`` has the value ``value`` are kept as ``keep`` says.

    Raises:
        ValueError: ``keep`` is neither "text" nor "hash".
    """

    tag: str
    value: str
    keep: Kept

    def __post_init__(self) -> None:
        _check(self.keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How much text is kept; the first rule that matches wins, else ``default``.

    "text" keeps prompts and answers, from which a policy can be trained. "hash" keeps the prompt's SHA-256,
    tags, tokens and money, and no text that a user, a model or a provider wrote: providers' error messages
    may quote the prompt, so those go too.

    Raises:
        ValueError: ``default`` is neither "text" nor "hash".
    """

    default: Kept = "text"
    rules: tuple[KeepRule, ...] = ()

    def __post_init__(self) -> None:
        _check(self.default)

    def kept(self, *tags: Mapping[str, str]) -> Kept:
        """How much to keep of a request with these ``tags``; a rule that matches any of the mappings matches."""
        for rule in self.rules:
            if any(mapping.get(rule.tag) == rule.value for mapping in tags):
                return rule.keep
        return self.default


def _check(keep: str) -> None:
    if keep not in get_args(Kept):
        raise ValueError(f'keep is "text" or "hash", not {keep!r}')
