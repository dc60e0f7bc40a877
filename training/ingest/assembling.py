"""Gathered queries made records: splits that keep together what belongs together, and what the log can support."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from router.errors import InputError
from router.tiers import Ladder
from router.types import Message, Request
from training.ingest.chances import Chances
from training.ingest.gathering import Gathered, Settled
from training.ingest.observation import Observation
from training.ingest.options import Options
from training.records import Query
from training.splits import Joined, split_of

Kind = Literal["full", "bandit", "bandit without propensities"]


@dataclass(frozen=True, slots=True)
class Whole:
    """A query with one settled outcome per tier that was asked, by tier."""

    query: Gathered
    settled: Mapping[str, Settled]


def kind_of(wholes: Sequence[Whole], ladder: Ladder, options: Options, *, rejected: int) -> Kind:
    """Tell what sort of log it is: which outcomes it has, and whether it says with which probability.

    Without probabilities it is full when no outcome lacks but those that were ``rejected``.
    """
    if any(one.inclusion is not None for whole in wholes for one in whole.query.all()):
        return "bandit"
    missing = sum(len(ladder) - len(whole.settled) for whole in wholes)
    return "full" if options.logged == "full" or missing <= rejected else "bandit without propensities"


def queries_of(
    wholes: Sequence[Whole],
    ladder: Ladder,
    options: Options,
    *,
    kind: Kind,
    chances: Chances,
) -> tuple[Query, ...]:
    """Make queries.

    Prompts that are equal but for case and white space, turns of one conversation, and whatever shares a session, a
    tenant or the file's own split key have one split key. ``chances`` has the inclusion probabilities of tiers that
    were not asked, and of what was collected, where they are known.

    Raises:
        InputError: only some rows have a split.
    """
    own = [_prompt_key(whole.query.request.messages) for whole in wholes]
    joined = _joined(wholes, own)
    lone = (
        kind == "bandit"
        and len(ladder) == 2
        and not chances.by_query
        and all(len(whole.settled) == 1 for whole in wholes)
    )
    made = []
    for whole, prompt in zip(wholes, own, strict=True):
        first = next(iter(whole.query.all()))
        key = hashlib.sha256(joined.name(prompt).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        inclusion = () if kind == "full" else _inclusion(whole, ladder, chances, lone=lone)
        made.append(
            Query(
                id=whole.query.key,
                request=whole.query.request,
                outcomes=tuple(whole.settled[name].outcome if name in whole.settled else None for name in ladder.names),
                split=first.split or split_of(key, seed=options.seed),
                split_key=key,
                task=first.task,
                inclusion=inclusion,
            )
        )
    return tuple(made)


def check_splits(wholes: Iterable[Whole]) -> bool:
    """Whether the log has splits of its own.

    Raises:
        InputError: only some rows have one, or two rows of a query have different ones.
    """
    found: set[bool] = set()
    for whole in wholes:
        splits = {one.split for one in whole.query.all()}
        if len(splits) > 1:
            raise InputError(
                f"query {whole.query.key!r} stands in more than one split; correct the log, or split it anew"
            )
        found.add(splits != {None})
    if len(found) > 1:
        raise InputError("some rows have a split and others none; correct the log, or split it anew")
    return True in found


def _joined(wholes: Sequence[Whole], own: Sequence[str]) -> Joined:
    joined = Joined()
    prompts = set(own)
    for whole, prompt in zip(wholes, own, strict=True):
        keys = [prompt, *(key for one in whole.query.all() for key in _given(one))]
        messages = whole.query.request.messages
        turns = [place for place, message in enumerate(messages) if message.role == "assistant"]
        # An earlier turn of the conversation may be a query, too.
        earlier = (_prompt_key(messages[:place]) for place in turns)
        joined.join([*keys, *(key for key in earlier if key in prompts)])
    return joined


def _given(one: Observation) -> tuple[str, ...]:
    return (*one.groups, f"key:{one.split_key}") if one.split_key else one.groups


def _prompt_key(messages: Sequence[Message]) -> str:
    """The key of a prompt, system prompt, case and white space aside."""
    spoken = tuple(
        replace(message, content=message.content.casefold()) for message in messages if message.role != "system"
    )
    if not any(message.content.strip() for message in spoken):
        return ""
    return f"prompt:{Request(messages=spoken).prompt_hash}"


def _inclusion(whole: Whole, ladder: Ladder, chances: Chances, *, lone: bool) -> tuple[float, ...] | None:
    known = {name: settled.first.inclusion for name, settled in whole.settled.items()}
    if all(chance is None for chance in known.values()):
        return None
    # A collection saw every answer there is, also those that the decision or an audit might not have brought.
    drawn = chances.collected.get(whole.query.key, 0.0)
    seen = {name: math.nan if chance is None else max(chance, drawn) for name, chance in known.items()}
    given = {**chances.by_query.get(whole.query.key, {}), **seen}
    if lone:
        # One of two tiers was asked, so the other one was with the rest of the probability.
        ((asked, chance),) = given.items()
        given = {name: chance if name == asked else 1 - chance for name in ladder.names}
    return tuple(given.get(name, math.nan) for name in ladder.names)
