"""What the simulated users write about: questions and passages of ``data/``, and templates for the rest."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.cache.semantic.pairs import read_pairs
from training.splits import Joined

DATA = Path(__file__).resolve().parents[2] / "data"
PAIRS = DATA / "cache_pairs.jsonl"

PRODUCTS = (
    *("Alder lamp", "Birch desk", "Cedar shelf", "Dune sofa", "Elm chair", "Fjord kettle", "Grove rug", "Heath bed"),
    *("Isle mirror", "Jetty bench", "Kelp curtain", "Loch table", "Marsh stool", "Nook cabinet", "Orchard vase"),
    *("Pine wardrobe", "Quarry clock", "Reef blanket", "Slate board", "Tarn basin"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of the FAQ with its ``wordings``, which all ask the same."""

    key: str
    wordings: tuple[str, ...]


def faq() -> list[Question]:
    """The questions of the pairs' held-out part: wordings that ask the same are one question, near misses are two."""
    pairs = [pair for pair in read_pairs(PAIRS) if pair.split == "test"]
    same = Joined()
    for pair in pairs:
        same.join([pair.one])
        same.join([pair.other])
        if pair.same:
            same.join([pair.one, pair.other])
    wordings: dict[str, list[str]] = {}
    for text in dict.fromkeys(text for pair in pairs for text in (pair.one, pair.other)):
        wordings.setdefault(same.name(text), []).append(text)
    return [Question(key=key, wordings=tuple(texts)) for key, texts in sorted(wordings.items())]


GREETED = ("{}", "{}", "{}", "Hi! {}", "Please tell me: {}", "{} Thanks!")
"""How a question is put; the first, bare, half of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: the ``passages`` that are sent with every question about it, and its ``questions``, each with the
    sentence that answers it.
    """

    name: str
    passages: tuple[str, ...]
    questions: tuple[tuple[str, str], ...]


BOILERPLATE = (
    (
        "This document is provided for general information only and does not form part of any contract. Every "
        "effort has "
        "been made to keep it up to date, and no responsibility is taken for errors or for what has changed "
        "since it was "
        "printed, unless the law says otherwise."
    ),
    (
        "All rights reserved. No part of this document may be copied, stored or passed on in any form without "
        "the written "
        "consent of the publisher, except for short quotations in reviews and for the private use of the person "
        "to whom it "
        "was given."
    ),
    (
        "Personal data that is collected in connection with this document is handled as the privacy notice "
        "describes. You "
        "have the right to see it, to have it put right and to have it deleted, and can write to the office that "
        "issued "
        "the document at any time."
    ),
)
"""What every document repeats; written for this simulation."""


def documents(chance: random.Random, count: int) -> list[Document]:
    """``count`` documents, each of four topics of the retrieval questions, with boilerplate twice in each."""
    lines = (DATA / "retrieval_questions.jsonl").read_text(encoding="utf-8").splitlines()
    topics = [topic for topic in map(json.loads, lines) if topic["part"] == "test"]
    return [_document(f"document {place}", chance.sample(topics, 4), chance) for place in range(count)]


def _document(name: str, topics: list[dict[str, Any]], chance: random.Random) -> Document:
    passages = [passage for topic in topics for passage in topic["passages"]]
    questions = []
    for topic in topics:
        for each in topic["questions"]:
            sentence = _answering(topic["passages"][each["holds"]], each["answers"])
            if sentence is not None:
                questions.append((each["question"], sentence))
    for text in BOILERPLATE * 2:
        passages.insert(chance.randrange(len(passages) + 1), text)
    return Document(name=name, passages=tuple(passages), questions=tuple(questions))


def _answering(passage: str, answers: list[str]) -> str | None:
    """The sentence of ``passage`` that holds an answer."""
    return next((part for part in passage.split(". ") if any(answer in part for answer in answers)), None)


def handbook() -> str:
    """The system prompt of the support chat: rules, and a catalogue of some 1,300 tokens."""
    chance = random.Random("handbook")
    goods = "\n".join(
        f"- {name}: article {chance.randrange(10_000, 99_999)}, {chance.randrange(9, 990)} EUR, returns within "
        f"{chance.choice((14, 30, 60))} days, guarantee of {chance.choice((24, 36, 60))} months, made of "
        f"{chance.choice(('oak', 'ash', 'steel', 'wool', 'stoneware', 'recycled glass'))}, delivered in "
        f"{chance.randrange(2, 15)} working days by {chance.choice(('parcel', 'two persons', 'lorry'))}, care: "
        f"{chance.choice(('wipe with a damp cloth', 'wash at 30 degrees', 'oil once a year', 'keep out of the sun'))}."
        for name in PRODUCTS
    )
    return (
        "You are the support assistant of a furniture shop. Answer in the customer's language. Never promise a refund: "
        "say what the conditions are. Ask for the order number where you need it. Pass a customer who is angry, or who "
        "mentions a lawyer, on to a person. Do not give advice on electrical work. Conditions of each article:\n\n"
        f"{goods}\n\nShipping is free from 90 EUR. Islands cost 12 EUR more. Damage in transport is reported within "
        "seven days, with a photograph. Invoices are sent by e-mail only."
    )


EASY_CHAT = (
    "Where is my order {order}?",
    "How much is the {product}?",
    "What is the {product} made of?",
    "Can I send the {product} back?",
    "How do I clean the {product}?",
)
HARD_CHAT = (
    (
        "The {product} of order {order} came with a crack, I reported it after nine days because I was abroad, and the "
        "replacement is out of stock. Which rules apply to me, and in which order do they count?"
    ),
    (
        "I was charged twice for the {product}, once before and once after I changed the address to an island. "
        "What should "
        "the sum be, with shipping, and what do I get back?"
    ),
    "If I return the {product} but keep the lamp that made shipping free, what do I still owe you, and why?",
    (
        "My {product} failed after 25 months and was repaired once under the guarantee. Does the guarantee begin "
        "anew, and "
        "what would a court here say?"
    ),
)
FOLLOW_UP = (
    "And what does that mean for my order?",
    "Can you check that for the order number I gave you at the beginning?",
    "Which date is that for the order that I named first?",
)

TICKETS: tuple[tuple[str, str], ...] = (
    ("billing", "The invoice for order {order} shows {sum} EUR, but I had a voucher for the {product}."),
    ("delivery", "My {product} should have come {days} days ago, order {order}."),
    ("damage", "One leg of the {product} is loose and there is a scratch of {sum} mm, order {order}."),
    ("praise", "The {product} is lovely, my {days} cats sleep on it all day!"),
    ("account", "I cannot log in since {days} days, the code for order {order} never arrives."),
    ("other", "Are you hiring? I worked {days} years with wood and once built a {product} for {sum} EUR."),
)
AUTOMATIC = "I am out of the office until Monday and will answer your message then."

CLASSIFY = (
    "Classify the ticket as one of billing, delivery, damage, praise, account, other. Answer with that word alone."
)
REVIEW = "Review the change. Name bugs first, then what could be simpler. Say so where there is nothing to say."
CITE = "Answer from the documents alone, in one or two sentences, and name the passage."
ASSIST = "You answer questions of the public, shortly and in plain words."

NAMES = ("total", "load", "merge", "parse", "render", "retry", "score", "split", "store", "sweep")
CALLS = ("len({0})", "sum({0})", "sorted({0})", "{0}[0]", "max({0}, default=0)", "list(reversed({0}))")


def diff(chance: random.Random) -> str:
    """A change of a few functions, as a unified diff."""
    lines = []
    for _ in range(chance.randrange(2, 9)):
        name, item = chance.choice(NAMES), chance.choice(("rows", "items", "parts", "names"))
        lines += [
            f"@@ -{chance.randrange(1, 400)},6 +{chance.randrange(1, 400)},8 @@ def {name}_{item}({item}):",
            f" def {name}_{item}({item}, limit={chance.randrange(1, 100)}):",
            f"-    found = {chance.choice(CALLS).format(item)}",
            f"+    found = {chance.choice(CALLS).format(item)}",
            f"+    if found == {chance.randrange(10)}:",
            f"+        return {chance.choice(('None', '[]', '0', item))}",
            f"     for place, each in enumerate({item}):",
            f"         {chance.choice(('yield', 'print', 'check'))}(each, place, limit)",
        ]
    return "```diff\n" + "\n".join(lines) + "\n```"
