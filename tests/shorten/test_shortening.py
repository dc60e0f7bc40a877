"""Shortening in the pipeline: which stages run, what the decision says, and what happens when a model fails."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from router.assess import UNEMBEDDED, Evidence
from router.config import Config
from router.decision import Shortened
from router.drivers import run
from router.errors import ConfigError, EmbedderError
from router.ops import Embed
from router.shorten.lingua import keeps
from router.shorten.ops import Condense, Condensed
from router.shorten.settings import ContextSettings, HistorySettings, LinguaSettings, ShortenSettings, Stage
from router.shorten.shortening import Shorter, shortened
from router.stores.condensing import Condensing
from router.types import Message, Request, ToolCall
from tests.kit import Scripted, router, tier, two_tiers

PASSAGES = (
    "The bridge at Arno was built by Elio Marsh, and it carries the road to the market town across the gorge. " * 2,
    "The mill is open on Sundays and sells flour, bread and honey to visitors who come from the whole valley. " * 2,
)
TEXT = "\n\n".join(f"<document>\n{text}\n</document>" for text in PASSAGES) + "\n\nQuestion: Who built the bridge?"
REQUEST = Request(messages=(Message(role="user", content=TEXT),))


def settings(*stages: Stage, **changes: Any) -> ShortenSettings:
    """These stages, and a budget that one passage fits."""
    return replace(ShortenSettings(stages=stages, context=ContextSettings(budget=80)), **changes)


def performed(request: Request, wanted: ShortenSettings, shell: Any = None, *, easy: float = 0.0) -> Shorter:
    """What shortening makes of ``request``, where the cheapest tier suffices with the chance ``easy``."""
    return run(shortened(request, wanted, Scripted((easy, 0.9))), shell or {})


def test_without_the_table_nothing_is_done():
    assert run(shortened(REQUEST, None, Scripted((0.5,))), {}) == Shorter(REQUEST)


def test_what_changes_nothing_is_not_told():
    assert performed(Request(messages=(Message(role="user", content="Hi"),)), settings("clean", "dedupe")).told is None


def test_tokens_before_and_after_and_the_stages_that_did_it_are_told():
    """At four characters a token; a stage that found nothing is not named."""
    shorter = performed(REQUEST, settings("clean", "context", "dedupe"))
    after = len(shorter.request.messages[0].content)
    assert shorter.told == Shortened(before=-(-len(TEXT) // 4), after=-(-after // 4), stages=("clean", "context"))
    assert ("Elio Marsh" in shorter.request.messages[0].content, after < len(TEXT)) == (True, True)


def test_a_cut_that_saves_the_calls_of_tools_alone_counts():
    call = ToolCall(id="1", name="search", arguments='{"query": "' + "duck " * 40 + '"}')
    talk = (
        Message(role="user", content="You must always cite the source."),
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="-", tool_call_id="1"),
        Message(role="user", content="Who built the bridge?"),
    )
    shorter = performed(Request(messages=talk), settings("history", history=HistorySettings(turns=1)))
    assert shorter.told is not None
    assert shorter.told.stages == ("history",)
    assert [message.role for message in shorter.request.messages] == ["user"]
    assert shorter.told.after < shorter.told.before


def test_the_stages_run_in_the_order_given():
    talk = (Message(role="user", content="One   two?"), Message(role="assistant", content="Three."))
    request = Request(messages=(*talk, Message(role="user", content="Four   five?")))
    wanted = settings("history", "clean", history=HistorySettings(turns=1))
    assert performed(request, wanted).request.messages == (Message(role="user", content="Four five?"),)


def test_an_easy_question_gets_fewer_passages_than_a_hard_one():
    wanted = settings("context", context=ContextSettings(budget=150, easy=0.4))
    kept = {chance: performed(REQUEST, wanted, easy=chance).told for chance in (0.0, 1.0, math.nan)}
    assert [told is None for told in kept.values()] == [True, False, True]


def test_how_hard_it_is_is_judged_by_the_question_alone():
    asked = []

    @dataclass(frozen=True)
    class Listening(Scripted):
        def begin(self, request: Request, *, embedding: Any = None) -> Evidence:
            asked.append((request.messages[0].content, embedding is UNEMBEDDED))
            return super().begin(request)

    run(shortened(REQUEST, settings("context"), Listening((0.5,))), {})
    assert asked == [("Question: Who built the bridge?", True)]


class Named:
    """An embedder that finds the second passage next to every question."""

    name = "fake"

    def __call__(self, texts: Sequence[str]) -> Any:
        return np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])


def test_an_embedder_ranks_beside_the_words():
    wanted = settings("context", context=ContextSettings(budget=80, embedder=Named(), timeout=0.25))
    asked: list[Embed] = []

    def embed(op: Embed) -> Any:
        asked.append(op)
        return op.embedder(op.texts)

    request = Request(messages=(Message(role="user", content=TEXT.replace("Who built the bridge", "Wieso")),))
    shorter = performed(request, wanted, {Embed: embed})
    assert [(op.texts[0], len(op.texts), op.timeout) for op in asked] == [("Question: Wieso?", 3, 0.25)]
    assert "The mill" in shorter.request.messages[0].content
    assert "The bridge" not in shorter.request.messages[0].content


def test_an_embedder_that_fails_leaves_the_words_and_a_note():
    wanted = settings("context", context=ContextSettings(budget=80, embedder=Named()))

    def embed(op: Embed) -> Any:
        raise EmbedderError("the model is gone")

    shorter = performed(REQUEST, wanted, {Embed: embed})
    assert shorter.notes == ("Passages were chosen by their words alone: the model is gone.",)
    assert "Elio Marsh" in shorter.request.messages[0].content


def test_the_tier_is_sent_the_short_prompt_and_the_decision_says_so():
    plan = replace(two_tiers(0.9), shorten=settings("context"))
    made, provider, book, _ = router(plan, {"small": "Elio Marsh"})
    response = made.route(TEXT)
    sent = provider.calls[0].request.messages[0].content
    told = response.decision.shortened
    assert told is not None
    assert (told.stages, told.before, told.after) == (("context",), -(-len(TEXT) // 4), -(-len(sent) // 4))
    assert f"from about {told.before:,} tokens to {told.after:,}" in response.decision.explain()
    assert book.last.shortened == told


class TestLLMLingua:
    """With a stand-in for the model, which is far too large for a test."""

    @staticmethod
    def shorter(compress: Any, *, timeout: float = 20.0) -> Shorter:
        wanted = settings("llmlingua", llmlingua=LinguaSettings(timeout=timeout))
        performer = Condensing(wanted, load=lambda _: compress)
        return performed(REQUEST, wanted, performer.shell)

    def test_passages_are_what_the_model_leaves_of_them(self):
        asked = []

        def compress(texts: Sequence[str], question: str, rate: float) -> list[str]:
            asked.append((len(texts), question, rate))
            return [text.replace("The ", "").replace(" the ", " ") for text in texts]

        shorter = self.shorter(compress)
        assert asked == [(2, "Question: Who built the bridge?", 0.6)]
        assert shorter.request.messages[0].content.count(" the ") == 0 + "Who built the bridge?".count(" the ")
        assert shorter.told is not None
        assert shorter.told.stages == ("llmlingua",)

    def test_a_model_that_fails_sends_the_prompt_whole_and_says_so_without_its_words(self):
        def compress(texts: Sequence[str], question: str, rate: float) -> list[str]:
            raise RuntimeError(f"cannot do {texts}")

        shorter = self.shorter(compress)
        assert shorter == Shorter(REQUEST, None, ("Passages were not shortened by LLMLingua: it raised RuntimeError.",))

    def test_a_model_that_is_slow_is_not_waited_for(self):
        gate = threading.Event()

        def compress(texts: Sequence[str], question: str, rate: float) -> list[str]:
            gate.wait(20)
            return list(texts)

        shorter = self.shorter(compress, timeout=0.05)
        gate.set()
        assert shorter.notes == ("Passages were not shortened by LLMLingua: LLMLingua took longer than 0.05 s.",)
        assert shorter.request == REQUEST

    def test_prompts_do_not_pile_up_behind_a_call_that_hangs(self):
        gate = threading.Event()

        def compress(texts: Sequence[str], question: str, rate: float) -> list[str]:
            gate.wait(20)
            return list(texts)

        before = set(threading.enumerate())
        wanted = settings("llmlingua", llmlingua=LinguaSettings(timeout=0.02))
        performer = Condensing(wanted, load=lambda _: compress)
        for _ in range(3):
            assert performed(REQUEST, wanted, performer.shell).request == REQUEST
        waiting = [each for each in threading.enumerate() if each not in before]
        for each in waiting[1:]:
            each.join(20)
        assert [each.is_alive() for each in waiting] == [True] + [False] * (len(waiting) - 1)
        gate.set()

    def test_a_model_that_gives_another_number_of_texts_is_not_believed(self):
        assert self.shorter(lambda texts, question, rate: list(texts)[:1]).request == REQUEST

    @pytest.mark.parametrize(
        ("before", "after", "kept"),
        [
            ("It weighs 5 kg in all.", "weighs 5 kg", True),
            ("It weighs 5 kg in all.", "weighs 5", False),
            ("Call `f(x)` on it.", "Call f(x)", False),
            ("It is blue. You must pay.", "blue. You must pay.", True),
            ("It is blue. You must pay.", "blue. must pay.", False),
        ],
    )
    def test_a_passage_that_lost_a_fact_or_an_instruction_is_sent_as_it_was(self, before: str, after: str, kept: bool):
        assert keeps(before, after) is kept

    def test_the_package_is_loaded_at_the_first_prompt_and_asked_as_it_wants(self, monkeypatch: pytest.MonkeyPatch):
        made: list[dict[str, Any]] = []

        class PromptCompressor:
            def __init__(self, **arguments: Any) -> None:
                made.append(arguments)

            def compress_prompt_llmlingua2(self, context: list[str], **arguments: Any) -> dict[str, Any]:
                made.append(arguments)
                return {"compressed_prompt_list": [text.replace("The ", "") for text in context]}

        module = ModuleType("llmlingua")
        module.PromptCompressor = PromptCompressor  # type: ignore[attr-defined]
        module.__spec__ = ModuleSpec("llmlingua", None)
        monkeypatch.setitem(sys.modules, "llmlingua", module)
        config = Config.of(
            [tier("small")], shorten={"stages": ["llmlingua"], "llmlingua": {"rate": 0.5, "timeout": 20}}
        )
        assert config.shorten is not None
        performer = Condensing(config.shorten)
        assert made == []
        for _ in range(2):
            shorter = performed(REQUEST, config.shorten, performer.shell)
            assert "The mill" not in shorter.request.messages[0].content
        assert made[0] == {
            "model_name": "microsoft/llmlingua-2-bert-base-multilingual-cased-meetingbank",
            "use_llmlingua2": True,
            "device_map": "cpu",
        }
        assert (len(made), made[1]["rate"], made[1]["force_reserve_digit"]) == (3, 0.5, True)

    def test_a_package_that_went_away_is_a_note(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "llmlingua", None)
        wanted = LinguaSettings(timeout=20.0)
        performer = Condensing(settings("llmlingua", llmlingua=wanted))
        found = performer.shell[Condense](Condense(("text",), "", wanted, 20.0))
        assert found == Condensed(
            ("text",),
            "Passages were not shortened by LLMLingua: the package llmlingua is not installed; run "
            "`pip install 'tierwise[llmlingua]'`.",
        )

    def test_only_the_stage_that_is_configured_has_a_performer(self):
        assert Condensing(settings("clean")).shell == {}


def configured(**table: Any) -> ShortenSettings:
    """`[shorten]` with these keys."""
    found = Config.of([tier("small")], shorten=table).shorten
    assert found is not None
    return found


class TestConfiguration:
    def test_an_empty_table_cleans_and_drops_repetitions(self):
        """What loses nothing is on; the rest is for whoever asks for it."""
        assert configured() == ShortenSettings(stages=("clean", "dedupe"))

    def test_every_key(self):
        assert configured(
            stages=["history", "clean", "context"],
            overlap=0.9,
            bullets=False,
            history={"turns": 3, "tokens": 500, "summary": True},
            context={"budget": 200, "easy": 0.25},
        ) == ShortenSettings(
            stages=("history", "clean", "context"),
            overlap=0.9,
            bullets=False,
            history=HistorySettings(turns=3, tokens=500, summary=True),
            context=ContextSettings(budget=200, easy=0.25),
        )

    def test_the_version_of_a_configuration_knows_its_embedder_by_name(self):
        versions = {
            Config.of([tier("small")], shorten={"stages": ["context"], "context": table}).version
            for table in ({}, {"embedder": "hashing"}, {"embedder": "hashing"}, {"embedder": "wordllama"})
        }
        assert len(versions) == 3

    @pytest.mark.parametrize(
        ("table", "told"),
        [
            ({"stages": ["clena"]}, "[shorten] `stages`: has 'clena'; did you mean `clean`?"),
            ({"stages": ["clean", "clean"]}, "[shorten] `stages`: names a stage twice"),
            ({"stages": ["dedupe", "history"]}, "[shorten] `stages`: has `dedupe` before `history`"),
            ({"overlap": 1.5}, "[shorten] `overlap`: must be above 0 and at most 1, not 1.5"),
            ({"history": {"turns": 0}}, "[shorten.history] `turns`: must be at least 1, not 0"),
            ({"context": {"budget": -5}}, "[shorten.context] `budget`: must be at least 1, not -5"),
            ({"context": {"embedder": "nonsense"}}, "[shorten.context] `embedder`:"),
            ({"llmlingua": {"rate": 2.0}}, "[shorten.llmlingua] `rate`: must be above 0 and at most 1, not 2.0"),
            ({"bugdet": 5}, "[shorten] `bugdet`: there is no such key"),
        ],
    )
    def test_what_does_not_fit_is_a_sentence(self, table: dict[str, Any], told: str):
        with pytest.raises(ConfigError) as raised:
            configured(**table)
        assert told in str(raised.value)

    def test_a_stage_whose_package_is_missing_is_a_sentence(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "llmlingua", None)
        with pytest.raises(ConfigError, match=r"not installed; run `pip install 'tierwise\[llmlingua\]'`"):
            configured(stages=["llmlingua"])


def test_what_would_be_sent_is_what_is_decided_upon():
    """``decide`` says the same as ``route`` of the same prompt, and sends nothing."""
    made, provider, _, _ = router(replace(two_tiers(), shorten=settings("context")), {})

    decision = made.decide(TEXT)

    assert decision.shortened is not None
    assert decision.shortened.after < decision.shortened.before
    assert decision.prompt_hash != REQUEST.prompt_hash
    assert provider.calls == []
