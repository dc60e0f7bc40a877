"""The stage `context`: of the passages, those that matter to the question, within so many tokens.

Ranked by BM25 over lightly stemmed words (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75), and where there are
vectors by their cosine too, the two orders joined by their reciprocal ranks (Cormack et al., 2009). The
order of the passages stays as it was, and each is kept whole.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from router.embed import Vectors
from router.shorten.estimate import tokens_of
from router.shorten.passages import Passage, last_question, own_words, passages_of, without
from router.types import Request

K1, B = 1.2, 0.75
LONGEST = 4000
"""Characters of a question that are read, its last ones."""

_JOINED = 60  # the constant of reciprocal rank fusion

_WORD = re.compile(r"[^\W_]+")
_ENDINGS = re.compile(r"(?:ies|ied|ing|ers?|ed|es|ly|s|e)$")
_STOPS_TEXT = (
    "a an and are as at be been but by can could did do does for from had has have how i if in into is it its me "
    "my no not of on or our shall should so some than that the their them then there these they this those to up "
    "was we were what when where which who whom whose why will with would you your question answer document "
    "context passage according following given please"
)
_STOPS = frozenset(_STOPS_TEXT.split())
_WHOLE = re.compile(
    r"\b(?:summar\w*|translat\w*|compar\w*|contrast\w*|paraphras\w*|proofread\w*|rewrit\w*|outline|overview|differences?|"
    r"convert\w*|transform\w*|parse|xml|verbatim|duplicat\w*|"
    r"(?:all|each|every|both|list|order|sort|rank|count|classify|how many)(?: of)?(?: the| these| those)? "
    r"(?:documents?|passages?|texts?|sources?|excerpts?|chunks?|results?|paragraphs?|articles?))\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"(?<![^.!?\n])[^.!?\n]*\?")


@dataclass(frozen=True, slots=True)
class Material:
    """The ``question`` of a request, and its passages: in which message each stands, where, and its text."""

    question: str
    places: tuple[tuple[int, Passage], ...]
    texts: tuple[str, ...]
    tokens: tuple[int, ...]


def material_of(request: Request) -> Material | None:
    """The passages to choose from; None where there are fewer than two, or the question is about all of them."""
    asked = last_question(request)
    if asked < 0:
        return None
    words = own_words(request.messages[asked])
    question = " ".join(_ASKS.findall(words)) or words
    if _WHOLE.search(words):
        return None
    places = tuple(
        (place, passage) for place, message in enumerate(request.messages) for passage in passages_of(message)
    )
    if len(places) < 2:
        return None
    contents = [request.messages[place].content for place, _ in places]
    pairs = list(zip(contents, (passage for _, passage in places), strict=True))
    return Material(
        question=question,
        places=places,
        texts=tuple(content[slice(*passage.body)] for content, passage in pairs),
        tokens=tuple(tokens_of(content[passage.start : passage.end]) for content, passage in pairs),
    )


def context(request: Request, material: Material, *, budget: int, vectors: Vectors | None = None) -> Request:
    """Keep the best passages within ``budget`` tokens, one at least; all of them where nothing tells them apart.

    ``vectors`` (1 + n, d) are those of the question and of the n passages, of length 1.
    """
    if sum(material.tokens) <= budget:
        return request
    scores = bm25(material.question, material.texts)
    if not any(scores) and vectors is None:
        return request
    order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    if vectors is not None:
        near = np.argsort(-(vectors[1:] @ vectors[0]), kind="stable").tolist()
        order = _joined(order, near) if any(scores) else near
    left, chosen = budget, set[int]()
    for place in order:
        if material.tokens[place] <= left or not chosen:
            chosen.add(place)
            left -= material.tokens[place]
    messages = list(request.messages)
    dropped: dict[int, list[Passage]] = defaultdict(list)
    for place, (message, passage) in enumerate(material.places):
        if place not in chosen:
            dropped[message].append(passage)
    for message, passages in dropped.items():
        text = without(messages[message].content, passages)
        if text.strip():
            messages[message] = replace(messages[message], content=text)
    return replace(request, messages=tuple(messages))


def budget_of(budget: int, *, easy: float, complexity: float) -> int:
    """Tokens for a question of this ``complexity`` (0 to 1): a share ``easy`` of ``budget`` for the easiest, all of it
    for the hardest, and where nobody knows (NaN).
    """
    return budget if math.isnan(complexity) else round(budget * (easy + (1 - easy) * min(max(complexity, 0.0), 1.0)))


def bm25(question: str, texts: Sequence[str]) -> list[float]:
    """How much each of ``texts`` (n) has to do with ``question``."""
    wanted = set(_stems(question[-LONGEST:]))
    counts = [Counter(_stems(text)) for text in texts]
    lengths = [sum(count.values()) for count in counts]
    mean = (sum(lengths) / len(lengths) or 1.0) if lengths else 1.0
    scores = [0.0] * len(texts)
    for word in sorted(wanted):
        having = sum(word in count for count in counts)
        if not having:
            continue
        weight = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
        for place, count in enumerate(counts):
            times = count[word]
            if times:
                scores[place] += weight * times * (K1 + 1) / (times + K1 * (1 - B + B * lengths[place] / mean))
    return scores


def _stems(text: str) -> list[str]:
    return [
        _ENDINGS.sub("", word) if len(word) > 4 else word.rstrip("s")
        for word in _WORD.findall(text.lower())
        if word not in _STOPS
    ]


def _joined(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Two orders made one by the sum of their reciprocal ranks."""
    sums: dict[int, float] = defaultdict(float)
    for order in (one, other):
        for rank, place in enumerate(order):
            sums[place] += 1 / (_JOINED + rank)
    return sorted(sums, key=lambda place: (-sums[place], place))
