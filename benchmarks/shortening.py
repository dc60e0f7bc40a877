"""``shorten_*``: tokens saved by each stage of prompt shortening, and what it costs in right answers.

Real answers of the two local models to ``data/retrieval_questions.jsonl``, part "test". Each prompt is what retrieval
would give: six passages on one topic, two of them still in the markup of their page, one fetched twice as overlapping
chunks, after four turns on another topic. That much of it can be cut is of our making; what the cut costs is not.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from result import SEED, Result, median, rounded, say

from router.assess import Assessor
from router.config.load import load
from router.drivers import run
from router.local_models import path_of
from router.ops import Send
from router.planning import plan_of
from router.providers.clients import Clients
from router.shorten.settings import ContextSettings, HistorySettings, ShortenSettings, Stage
from router.shorten.shortening import shortened
from router.types import Message, Request
from training.benchmarks.environments import home

QUESTIONS = Path(__file__).parents[1] / "data" / "retrieval_questions.jsonl"
STAGES: dict[str, tuple[Stage, ...]] = {
    "shorten_clean": ("clean",),
    "shorten_dedupe": ("dedupe",),
    "shorten_context": ("context",),
    "shorten_concise": ("concise",),
    "shorten_history": ("history",),
    "shorten_all": ("history", "clean", "dedupe", "context", "concise"),
}
NAMES = tuple(STAGES)
SETTINGS = ShortenSettings(history=HistorySettings(turns=2), context=ContextSettings(budget=260))
MODELS = ("smollm2-135m-instruct", "gemma-3-270m")
TURNS = 4
MAX_TOKENS = 24
RESAMPLES = 2000
EXAMPLE = (
    "<document>\nThe bakery in Sollen opens at six and sells bread for 3 euros. Its owner, Greta Holm, bakes rye "
    "bread on Tuesdays.\n</document>\n\nQuestion: Who owns the bakery?\nAnswer: Greta Holm\n\n"
    "Question: How much is the bread?\nAnswer: 3 euros\n"
)
"""What the model that was not trained to follow instructions is shown first."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question with the prompt that it is asked in; ``topic`` is what it shares its passages with."""

    topic: str
    request: Request
    answers: tuple[str, ...]

    def right(self, said: str) -> bool:
        """Whether ``said`` holds one of the answers, as words of its own."""
        return any(
            re.search(rf"(?<![\w.,]){re.escape(answer)}(?!\d|[.,]\d)", said, re.IGNORECASE) for answer in self.answers
        )


def measure(names: list[str], *, quick: bool) -> Iterator[Result]:
    """Ask every question with the prompt whole, and shortened by each of ``names``."""
    missing = [model for model in MODELS if not path_of(model).exists()]
    if missing:
        say(f"shorten_*: {' and '.join(missing)} not found; run `tierwise local pull`")
        return
    part, models = ("develop", MODELS[:1]) if quick else ("test", MODELS)
    questions = questions_of(part)[:: 48 if quick else 1]
    say(
        f"shorten_*: {len(questions)} questions, part {part!r}, on {len({each.topic for each in questions})} topics; "
        f"prompts put together with seed {SEED}; answers kept in {home()}; {', '.join(models)} at temperature 0, at "
        f"most {MAX_TOKENS} tokens; tokens are the model's own; intervals: 95%, {RESAMPLES:,} bootstrap "
        "resamples of topics"
    )
    assessor = plan_of(load("preset:local")).assessor
    cut = {name: [shorter(each.request, STAGES[name], assessor) for each in questions] for name in names}
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    asked: dict[str, dict[str, Asked]] = {}
    for name in models:
        model = Model(name, folder)
        whole = model.ask(questions, [each.request for each in questions], what="whole")
        short = {stage: model.ask(questions, requests, what=stage) for stage, requests in cut.items()}
        asked[name] = {"whole": whole, **short}
        model.close()
    for name in names:
        yield _result(name, questions, cut[name], asked, assessor)


def questions_of(part: str) -> list[Question]:
    """The questions of a part of the set, each in a prompt as retrieval would make it."""
    topics = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    topics = [topic for topic in topics if topic["part"] == part]
    found = []
    for place, topic in enumerate(topics):
        for number, each in enumerate(topic["questions"]):
            chance = random.Random(f"{SEED}:{place}:{number}")
            talk = topics[(place + 1) % len(topics)]
            found.append(
                Question(
                    topic=topic["topic"],
                    request=_request(each["question"], _retrieved(topic, chance), _turns(talk, chance)),
                    answers=tuple(each["answers"]),
                )
            )
    return found


def _retrieved(topic: dict[str, Any], chance: random.Random) -> list[str]:
    """The passages as they come: two as a page has them, one once more as a chunk that overlaps it."""
    passages = list(topic["passages"])
    twice = chance.randrange(len(passages))
    words = passages[twice].split(" ")
    again = " ".join(words[len(words) // 5 :])
    for place in chance.sample(range(len(passages)), 2):
        passages[place] = _page(topic["topic"], passages[place])
    passages.insert(chance.randrange(len(passages) + 1), again)
    return passages


def _page(title: str, text: str) -> str:
    first, _, rest = text.partition(". ")
    return (
        f'<nav class="top"><a href="/">Home</a> <a href="/search">Search</a></nav>\n<div class="content-body">\n'
        f'  <h2 id="main">{title}</h2>\n  <p class="lead">{first}.</p>\n\n\n  <p>{rest}</p>\n</div>\nAccept all cookies'
    )


def _turns(topic: dict[str, Any], chance: random.Random) -> list[Message]:
    """Earlier turns: questions on another topic, and their answers as whole passages."""
    turns = []
    for each in chance.sample(topic["questions"], TURNS):
        turns += [
            Message(role="user", content=each["question"]),
            Message(role="assistant", content=topic["passages"][each["holds"]].partition(". ")[0] + "."),
        ]
    return turns


def _request(question: str, passages: list[str], turns: list[Message]) -> Request:
    documents = "\n\n".join(f"<document>\n{passage}\n</document>" for passage in passages)
    text = f"Answer the question from the documents, in a few words.\n\n{documents}\n\nQuestion: {question}\nAnswer:"
    return Request(messages=(*turns, Message(role="user", content=text)), max_tokens=MAX_TOKENS, temperature=0.0)


def shorter(request: Request, stages: tuple[Stage, ...], assessor: Assessor) -> Request:
    """``request`` after ``stages``."""
    return run(shortened(request, replace(SETTINGS, stages=stages), assessor), {}).request


class Model:
    """One local model, asked through the provider that serves it.

    What it said to each prompt is kept in a file under ``folder``, so that an interrupted run goes on where it stopped,
    and a prompt that a stage leaves as it is is asked once.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._chat = name.endswith("instruct")
        local = next(tier for tier in load("preset:local").tiers.tiers if tier.model == name)
        self._tier = replace(local, options={"chat": self._chat}, context=4096, timeout=600.0)
        self._clients = Clients()
        with path_of(name).open("rb") as file:
            self._file = folder / f"shortening-{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}.jsonl"
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        self._said: dict[str, dict[str, Any]] = {each["prompt"]: each for each in map(json.loads, lines)}
        self.name = name

    def ask(self, questions: list[Question], requests: list[Request], *, what: str) -> Asked:
        """Ask ``requests``, each for one of ``questions``."""
        began = perf_counter()
        answers = [self._answer(request if self._chat else _plain(request)) for request in requests]
        right = [
            each.right(answer["said"].strip().split("\n")[0]) for each, answer in zip(questions, answers, strict=True)
        ]
        tokens = sum(answer["tokens"] for answer in answers)
        say(
            f"shorten_*: {self.name}, {what}: {sum(right)} of {len(right)} right, {tokens:,} tokens, "
            f"{perf_counter() - began:.0f} s"
        )
        return Asked(right=right, tokens=tokens)

    def close(self) -> None:
        """Let go of the model."""
        self._clients.close()

    def _answer(self, request: Request) -> dict[str, Any]:
        asked = repr((request.stop, request.max_tokens, [(each.role, each.content) for each in request.messages]))
        prompt = hashlib.sha256(asked.encode()).hexdigest()
        if prompt not in self._said:
            answer = self._clients.complete(Send(self._tier, request, self._tier.timeout, False))
            assert answer.usage is not None
            self._said[prompt] = {"prompt": prompt, "said": answer.text, "tokens": answer.usage.prompt_tokens}
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(self._said[prompt]) + "\n")
        return self._said[prompt]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which answers of a model were ``right``, and the prompt ``tokens`` that it counted in all."""

    right: list[bool]
    tokens: int


def _plain(request: Request) -> Request:
    """The same for a model that only goes on with a text."""
    *turns, last = request.messages
    marks = {"user": "Question", "assistant": "Answer"}
    text = "\n".join(f"{marks[turn.role]}: {turn.content}" for turn in turns)
    return replace(
        request, messages=(Message(role="user", content=f"{EXAMPLE}\n{text}\n\n{last.content}"),), stop=("\n",)
    )


def _result(
    name: str, questions: list[Question], cut: list[Request], asked: dict[str, dict[str, Asked]], assessor: Assessor
) -> Result:
    models = {}
    for model, found in asked.items():
        whole, short = found["whole"], found[name]
        pairs = list(zip(whole.right, short.right, strict=True))
        models[model] = {
            "tokens_saved": rounded(100 * (1 - short.tokens / whole.tokens)),
            "accuracy_before": rounded(sum(whole.right) / len(pairs)),
            "accuracy_after": rounded(sum(short.right) / len(pairs)),
            "accuracy_lost_interval": _interval(
                [(each.topic, *pair) for each, pair in zip(questions, pairs, strict=True)]
            ),
            "became_wrong": sum(before and not after for before, after in pairs),
            "became_right": sum(after and not before for before, after in pairs),
        }
    first = next(iter(asked.values()))
    holds = [
        any(each.right(line) for line in request.messages[-1].content.split("\nQuestion:")[0].split("\n"))
        for each, request in zip(questions, cut, strict=True)
    ]
    return Result(
        name=name,
        value=next(iter(models.values()))["tokens_saved"],
        unit="%",
        against="the whole prompt",
        ratio=first["whole"].tokens / first[name].tokens,
        n=len(questions),
        more={
            "models": models,
            "answer_still_in_prompt": rounded(sum(holds) / len(holds)),
            "ms_per_1000_words": rounded(_pace(name, questions, assessor)),
        },
    )


def _interval(rows: list[tuple[str, bool, bool]]) -> list[float | None]:
    """95% interval of the share of right answers that is lost, over resamples of whole topics."""
    topics: dict[str, list[int]] = {}
    for topic, before, after in rows:
        topics.setdefault(topic, []).append(before - after)
    chance, groups = random.Random(SEED), list(topics.values())
    means = []
    for _ in range(RESAMPLES):
        drawn = [lost for group in chance.choices(groups, k=len(groups)) for lost in group]
        means.append(sum(drawn) / len(drawn))
    means.sort()
    return [rounded(means[round(share * (RESAMPLES - 1))]) for share in (0.025, 0.975)]


def _pace(name: str, questions: list[Question], assessor: Assessor) -> float:
    """Milliseconds that the stages take for a prompt of 1,000 words: the median over the questions, best of five."""
    paces = []
    for question in questions:
        words = sum(len(message.content.split()) for message in question.request.messages)
        took = []
        for _ in range(5):
            began = perf_counter()
            shorter(question.request, STAGES[name], assessor)
            took.append(perf_counter() - began)
        paces.append(min(took) * 1e6 / words)
    return median(paces)
