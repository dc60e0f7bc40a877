"""Each stage by example: what it takes away, and what it must not."""

from __future__ import annotations

import pytest

from router.shorten.clean import clean
from router.shorten.concise import concise
from router.shorten.context import bm25, budget_of, context, material_of
from router.shorten.dedupe import dedupe
from router.shorten.history import history
from router.types import Message, Request, ToolCall

CHUNK = "The bridge at Arno was built in 1712 by Elio Marsh and carries two lanes of traffic across the gorge today."


def asked(text: str, *earlier: Message) -> Request:
    """A request that ends with ``text``."""
    return Request(messages=(*earlier, Message(role="user", content=text)))


def documents(*texts: str, question: str = "Who built the bridge?") -> Request:
    """A request with ``texts`` as passages."""
    marked = "\n\n".join(f"<document>\n{text}\n</document>" for text in texts)
    return asked(f"{marked}\n\nQuestion: {question}")


def last(request: Request) -> str:
    """The content of the last message."""
    return request.messages[-1].content


def turns(*pairs: tuple[str, str]) -> list[Message]:
    """Earlier turns."""
    return [
        Message(role=role, content=text)
        for pair in pairs
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]


class TestClean:
    def test_blanks_that_nobody_sees_go(self):
        assert last(clean(asked("One  two.  \n\n\n\nThree\u200b four.\n"))) == "One two.\n\nThree four.\n"

    def test_indented_code_keeps_its_columns(self):
        text = "Why does it fail?\n\n    if x:\n        y =  1"
        assert last(clean(asked(text))) == text

    def test_a_page_is_left_as_its_reader_sees_it(self):
        page = (
            '<nav><a href="/">Home</a></nav><h1 class="big">Arno</h1>\n<p>The bridge is <b>old</b>.</p>'
            "<script>track(1)</script><!-- x -->\nAccept all cookies\n<ul><li>two lanes</li><li>one arch</li></ul>"
        )
        cleaned = last(clean(documents(page)))
        assert "Arno\nThe bridge is old.\n- two lanes\n- one arch" in cleaned
        assert not [gone for gone in ("Home", "track", "cookies", "<p>", "big") if gone in cleaned]

    def test_a_link_keeps_its_address(self):
        cleaned = last(clean(documents('See <a class="x" href="https://arno.example/b">the plan</a>.')))
        assert "See the plan (https://arno.example/b)." in cleaned

    def test_a_links_address_is_not_that_of_its_scripts(self):
        link = '<a data-href="https://arno.example/track" href="https://arno.example/b">the plan</a>'
        assert "See the plan (https://arno.example/b)." in last(clean(documents(f"See {link}.")))

    def test_markup_outside_of_passages_is_the_callers_own(self):
        text = "Translate: <b>very</b> **good**\n---\nRead more"
        assert last(clean(asked(text))) == text

    def test_markup_stays_where_the_question_is_about_it(self):
        request = documents("<p>One</p>", question="Which HTML tag is used?")
        assert clean(request) == request

    def test_markup_in_the_strings_of_json_is_left_alone(self):
        data = '{"title": "<b>Arno</b> &amp; co", "rows": [{"text": "**two** lanes"}]}'
        page = f"<p>{CHUNK}</p>\n{data}\n<p>[1] <b>old</b></p>"
        cleaned = last(clean(documents(page)))
        assert data in cleaned
        assert "[1] old" in cleaned
        assert "<p>" not in cleaned

    def test_a_fence_ends_where_lines_end_as_on_windows(self):
        code = "```\r\n<p>  x</p>\r\n```"
        cleaned = last(clean(documents(f"{code}\r\n<p>old</p>")))
        assert code in cleaned
        assert "<p>old" not in cleaned

    def test_a_table_is_left_alone(self):
        table = "<table><tr><td>a</td>  <td>1</td></tr></table>"
        assert table in last(clean(documents(f"<p>{CHUNK}</p>{table}")))


class TestDedupe:
    def test_a_passage_that_came_twice_is_there_once(self):
        assert last(dedupe(documents(CHUNK, "Other.", CHUNK), overlap=0.8)).count("Elio Marsh") == 1

    def test_a_chunk_within_another_goes_whichever_came_first(self):
        whole = f"{CHUNK} It was widened in 1950."
        for texts in ((CHUNK, whole), (whole, CHUNK)):
            assert last(dedupe(documents(*texts), overlap=0.8)).count(CHUNK) == 1
            assert "widened" in last(dedupe(documents(*texts), overlap=0.8))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (CHUNK, CHUNK.replace("1712", "1721")),
            (CHUNK, CHUNK.replace("carries", "never carries")),
            (CHUNK, CHUNK.replace("Elio", "Enno")),
            (CHUNK, CHUNK.replace("two lanes", "four lanes")),
        ],
        ids=["number", "negation", "name", "number word"],
    )
    def test_passages_that_differ_by_a_fact_both_stay(self, one: str, other: str):
        request = documents(one, other)
        assert dedupe(request, overlap=0.8) == request

    def test_facts_in_another_order_are_other_facts(self):
        long = " ".join(f"Then the team walked on along the river for a while on day {n}." for n in (1, 2, 3, 4))
        one, other = f"Red won 5 games and Blue won 3. {long}", f"Red won 3 games and Blue won 5. {long}"
        request = documents(one, other)
        assert dedupe(request, overlap=0.8) == request

    @pytest.mark.parametrize("question", ["How many documents say so?", "Which ones are duplicates?", "Count them."])
    def test_a_question_about_repetitions_keeps_them(self, question: str):
        request = documents(CHUNK, CHUNK, question=question)
        assert dedupe(request, overlap=0.8) == request

    def test_code_that_differs_by_its_blanks_is_other_code(self):
        one = f"{CHUNK}\n\n```\nif x:\n    y()\nz()\n```"
        request = documents(one, one.replace("\nz()", "\n    z()"))
        assert dedupe(request, overlap=0.8) == request

    def test_the_last_turn_is_not_compared_with_earlier_ones(self):
        """Whoever asks the same again wants it answered again."""
        request = asked(CHUNK, *turns((CHUNK, "I see.")))
        assert dedupe(request, overlap=0.8) == request

    def test_a_paragraph_that_was_pasted_into_two_earlier_turns_is_there_once(self):
        request = asked("And now?", *turns((f"{CHUNK}\n\nWho built it?", "Marsh."), (f"{CHUNK}\n\nWhen?", "In 1712.")))
        shorter = dedupe(request, overlap=0.8)
        assert [CHUNK in message.content for message in shorter.messages] == [True, False, False, False, False]
        assert shorter.messages[2].content.strip() == "When?"


class TestContext:
    TEXTS = (
        CHUNK,
        "The mill is open on Sundays and sells flour, bread and honey to visitors from the whole valley.",
        "Parking is free below the church, and the bus stops at the inn every hour until the evening.",
    )

    def shorter(self, question: str, budget: int) -> str:
        request = documents(*self.TEXTS, question=question)
        material = material_of(request)
        assert material is not None
        return last(context(request, material, budget=budget))

    def test_the_passages_that_share_the_questions_words_stay(self):
        kept = self.shorter("Who built the bridge?", 40)
        assert [text in kept for text in self.TEXTS] == [True, False, False]
        assert kept.endswith("Question: Who built the bridge?")

    def test_the_order_of_the_passages_stays(self):
        kept = self.shorter("Where is parking, and who built the bridge?", 80)
        assert kept.index("Elio Marsh") < kept.index("Parking")

    def test_within_the_budget_all_stay(self):
        request = documents(*self.TEXTS)
        material = material_of(request)
        assert material is not None
        assert context(request, material, budget=1000) == request

    def test_one_stays_however_small_the_budget(self):
        assert "Elio Marsh" in self.shorter("Who built the bridge?", 1)

    def test_all_stay_where_no_word_tells_them_apart(self):
        assert all(text in self.shorter("Wieso?", 10) for text in self.TEXTS)

    @pytest.mark.parametrize(
        "question",
        [
            "Summarise this.",
            "Compare the documents.",
            "Convert it to JSON.",
            "What do all the passages have in common?",
        ],
    )
    def test_a_question_about_all_of_them_keeps_all(self, question: str):
        assert material_of(documents(*self.TEXTS, question=question)) is None

    def test_vectors_find_what_words_do_not(self):
        import numpy as np

        request = documents(*self.TEXTS, question="Wieso?")
        material = material_of(request)
        assert material is not None
        vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
        kept = last(context(request, material, budget=30, vectors=vectors))
        assert [text in kept for text in self.TEXTS] == [False, True, False]

    def test_bm25_prefers_rare_words_and_short_texts(self):
        scores = bm25(
            "blue whale", ["the blue sea and a blue sky", "a whale", "blue paint", "a whale " + "in the sea " * 9]
        )
        assert scores[1] > scores[3] > 0
        assert scores[1] > scores[2]

    def test_the_hardest_question_has_the_whole_budget_and_the_easiest_its_share(self):
        assert [budget_of(1000, easy=0.4, complexity=each) for each in (0.0, 0.5, 1.0, float("nan"))] == [
            400,
            700,
            1000,
            1000,
        ]


class TestConcise:
    def test_idle_words_go_from_passages(self):
        passage = "It is important to note that the bridge is closed in order to renew the road."
        assert "The bridge is closed to renew the road." in last(concise(documents(passage), bullets=False))

    def test_long_paragraphs_become_bullets_without_articles(self):
        passage = "The bridge is old. The road is new. The river is deep."
        assert "- bridge is old\n- road is new\n- river is deep" in last(concise(documents(passage), bullets=True))

    def test_the_question_and_the_system_prompt_stay_word_for_word(self):
        request = asked(
            "Due to the fact that it rains, is it very wet?", Message(role="system", content="Be very brief.")
        )
        assert concise(request, bullets=True) == request

    def test_a_sentence_that_binds_the_answer_stays_word_for_word(self):
        passage = "You must stop in order to pay. The bridge is very old."
        kept = last(concise(documents(passage), bullets=False))
        assert "You must stop in order to pay. The bridge is old." in kept

    def test_an_imperative_after_markup_or_a_semicolon_counts(self):
        for passage in ("<p>Deep.</p> Write in the very same order.", "It blinks; clean the very top."):
            assert passage in last(concise(documents(passage), bullets=True))


class TestHistory:
    TALK = turns(("One?", "Yes."), ("Two?", "No."), ("Three?", "Perhaps."))

    def test_the_last_turns_and_the_system_prompt_stay(self):
        system = Message(role="system", content="Be kind.")
        shorter = history(asked("Four?", system, *self.TALK), turns=2, tokens=None, summary=False)
        assert [message.content for message in shorter.messages] == ["Be kind.", "Three?", "Perhaps.", "Four?"]

    def test_a_system_message_within_the_conversation_keeps_its_place(self):
        system = Message(role="system", content="Be kind.")
        talk = [*self.TALK, system, *turns(("Four?", "Yes."))]
        shorter = history(asked("Five?", *talk), turns=3, tokens=None, summary=False)
        assert [message.content for message in shorter.messages] == [
            "Three?",
            "Perhaps.",
            "Be kind.",
            "Four?",
            "Yes.",
            "Five?",
        ]

    def test_a_tools_result_stays_with_its_call(self):
        call = ToolCall(id="c1", name="look", arguments="{}")
        talk = [
            *self.TALK,
            Message(role="user", content="Look it up."),
            Message(role="assistant", content="", tool_calls=(call,)),
            Message(role="tool", content="Found.", tool_call_id="c1"),
            Message(role="assistant", content="There."),
        ]
        for number in (1, 2, 3):
            kept = history(asked("Four?", *talk), turns=number, tokens=None, summary=False).messages
            calls = [call.id for message in kept for call in message.tool_calls]
            assert calls == [message.tool_call_id for message in kept if message.role == "tool"]
            assert kept[0].role == "user"

    def test_tokens_bound_it_too_but_never_cut_the_last_turn(self):
        long = turns(("a" * 400, "b" * 400), ("c" * 400, "d" * 400))
        kept = history(asked("e" * 400, *long), turns=9, tokens=300, summary=False).messages
        assert [message.content[0] for message in kept] == ["c", "d", "e"]
        kept = history(asked("e" * 4000, *long), turns=9, tokens=300, summary=False).messages
        assert [message.content[0] for message in kept] == ["e"]

    def test_what_was_said_for_good_is_carried_along(self):
        talk = turns(
            ("Always answer in French. Who built it?", "Marsh, il y a longtemps, avec beaucoup de pierres."),
            ("When?", "En 1712."),
        )
        kept = history(asked("Where?", *talk), turns=1, tokens=None, summary=False).messages
        assert [message.content for message in kept] == ["Said earlier:\nAlways answer in French.\n\nWhere?"]

    def test_a_summary_names_the_turns_that_were_cut(self):
        talk = turns(
            ("Who built the bridge?", "It was Elio Marsh, in the year 1712, as the plaque has it."), ("When?", "x" * 80)
        )
        kept = history(asked("Where?", *talk), turns=1, tokens=None, summary=True).messages
        assert last(Request(messages=kept)) == "Left out: 2 earlier turns (Who built the bridge?; When?)\n\nWhere?"
