"""The retrieval questions by which shortening is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

LINES = (Path(__file__).parents[2] / "data" / "retrieval_questions.jsonl").read_text(encoding="utf-8").splitlines()
TOPICS = [json.loads(line) for line in LINES]
QUESTIONS = [(topic, each) for topic in TOPICS for each in topic["questions"]]


def test_there_are_enough_and_most_are_for_the_one_test():
    assert len(QUESTIONS) >= 120
    parts = [topic["part"] for topic, _ in QUESTIONS]
    assert set(parts) == {"develop", "test"}
    assert parts.count("test") > parts.count("develop")


def test_no_topic_and_no_question_is_in_both_parts():
    assert len({topic["topic"] for topic in TOPICS}) == len(TOPICS)
    assert len({each["question"] for _, each in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic["topic"])
def test_each_question_is_answered_by_the_passage_that_it_names(topic):
    """One of four to eight on the same topic, and every one of them answers something."""
    passages = topic["passages"]
    assert 4 <= len(passages) <= 8
    assert sorted(each["holds"] for each in topic["questions"]) == list(range(len(passages)))
    for each in topic["questions"]:
        assert any(answer.lower() in passages[each["holds"]].lower() for answer in each["answers"])
