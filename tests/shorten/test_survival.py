"""What survives every stage, whatever the prompt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from router.shorten.context import context, material_of
from router.shorten.passages import last_question, own_words, passages_of
from router.shorten.settings import HistorySettings, ShortenSettings, Stage
from router.shorten.shortening import pure
from router.types import Message, Request
from tests.shorten.texts import INSTRUCTIONS, PASSAGES, PROTECTED, requests

SETTINGS = ShortenSettings(history=HistorySettings(turns=2))
REWORDING: tuple[Stage, ...] = ("clean", "concise")


def cut(request: Request, stage: Stage) -> Request:
    """``request`` after one stage that needs no model."""
    if stage == "context":
        material = material_of(request)
        return request if material is None else context(request, material, budget=40)
    return pure(request, stage, SETTINGS)


def folded(text: str) -> str:
    """``text`` without the differences that white space makes."""
    return " ".join(text.split())


def kept(pieces: tuple[str, ...], text: str) -> list[str]:
    """Those of ``pieces`` that are in ``text``."""
    return [piece for piece in pieces if piece in text]


def everything(request: Request) -> str:
    """All that the request says."""
    return "\n\n".join(message.content for message in request.messages)


every_stage = pytest.mark.parametrize("stage", ["history", "clean", "dedupe", "context", "concise"])


@every_stage
@given(request=requests())
@settings(max_examples=40, deadline=None)
def test_no_stage_makes_a_prompt_longer(stage: Stage, request: Request):
    assert len(everything(cut(request, stage))) <= len(everything(request))


@every_stage
@given(request=requests())
@settings(max_examples=40, deadline=None)
def test_a_stage_changes_nothing_that_it_has_been_through(stage: Stage, request: Request):
    once = cut(request, stage)
    assert cut(once, stage) == once


@every_stage
@given(request=requests())
@settings(max_examples=40, deadline=None)
def test_the_system_prompt_is_never_touched(stage: Stage, request: Request):
    """A provider may have it in its cache, and finds it there only if it is the same to the byte."""
    assert cut(request, stage).system == request.system


@every_stage
@given(request=requests())
@settings(max_examples=60, deadline=None)
def test_the_last_user_messages_own_words_survive(stage: Stage, request: Request):
    """But for white space that nobody sees; history may put earlier instructions before them."""
    before = own_words(request.messages[last_question(request)])
    shorter = cut(request, stage)
    assert folded(own_words(shorter.messages[last_question(shorter)])).endswith(folded(before))


@pytest.mark.parametrize("stage", REWORDING)
@given(request=requests())
@settings(max_examples=80, deadline=None)
def test_code_json_numbers_quotations_addresses_and_tables_survive(stage: Stage, request: Request):
    """To the blank, in every message and in passages too."""
    for before, after in zip(request.messages, cut(request, stage).messages, strict=True):
        assert kept(PROTECTED, before.content) == kept(PROTECTED, after.content)


@pytest.mark.parametrize("stage", REWORDING)
@given(request=requests())
@settings(max_examples=80, deadline=None)
def test_instructions_survive_wherever_they_stand(stage: Stage, request: Request):
    before, after = folded(everything(request)), folded(everything(cut(request, stage)))
    instructions = tuple(folded(text) for text in INSTRUCTIONS)
    assert kept(instructions, before) == kept(instructions, after)


@given(request=requests())
@settings(max_examples=80, deadline=None)
def test_what_dedupe_drops_is_still_said_somewhere(request: Request):
    before, after = everything(request), everything(cut(request, "dedupe"))
    assert kept(PROTECTED + INSTRUCTIONS, before) == kept(PROTECTED + INSTRUCTIONS, after)


@given(request=requests())
@settings(max_examples=80, deadline=None)
def test_passages_that_stay_in_context_stay_whole_and_in_order(request: Request):
    def bodies(of: Request) -> list[str]:
        return [
            message.content[slice(*passage.body)].strip() for message in of.messages for passage in passages_of(message)
        ]

    before, after = iter(bodies(request)), bodies(cut(request, "context"))
    assert all(body in before for body in after)


@given(request=requests())
@settings(max_examples=60, deadline=None)
def test_what_earlier_user_turns_bound_for_good_survives_the_cut_of_history(request: Request):
    said = folded("\n".join(message.content for message in request.messages if message.role == "user"))
    after = folded(everything(cut(request, "history")))
    for sentence in ("You must answer in French.", "Always cite the source.", "Use only the documents."):
        assert sentence not in said or sentence in after


@given(body=PASSAGES)
@settings(max_examples=80, deadline=None)
def test_a_tools_result_is_cleaned_like_a_passage_and_keeps_its_facts(body: str):
    request = Request(
        messages=(
            Message(role="user", content="Where do the ducks live?"),
            Message(role="tool", content=body, tool_call_id="1"),
        )
    )
    for stage in REWORDING:
        assert kept(PROTECTED, body) == kept(PROTECTED, cut(request, stage).messages[1].content)
