"""How an answer is worded beside its question: what it takes up, what it asks itself, where it stops."""

from __future__ import annotations

import math
from collections.abc import Iterable

from router.signals.reading import Reading

SIGNALS = (
    "asks_how_many", "asks_how_much", "asks_percent", "asks_condition", "asks_compare", "asks_each", "question_words",
    "question_covered", "question_closed", "prompt_covered", "prompt_least_covered", "new_words", "names_covered",
    "length_ratio", "log_sentences", "sentence_mean", "sentence_longest", "sentence_shortest", "last_line_words",
    "contrasts", "reasons", "concludes", "supposes", "rounds", "fails", "negates", "conditions",
    "money_asked", "money_closed", "open_brackets", "ends_amid",
)  # fmt: skip
"""What :func:`wording` returns: see there."""

_MARKERS = {
    word: place
    for place, words in enumerate(
        (
            "however but although though actually still instead",
            "since because as",
            "so therefore thus hence finally",
            "let suppose assume assuming assumed denote",
            "round rounded rounding about approximately nearest closest whole roughly",
            "cannot impossible unknown mistake error unclear incorrect determine",
            "not no never without doesn isn don didn aren wasn",
            "if would could might unless",
        )
    )
    for word in words.split()
}
_MONEY = frozenset(("dollar", "euro", "pound", "cent", "cost", "price", "pay", "money"))
_KINDS = 1 + max(_MARKERS.values())


def wording(prompt: Reading, answer: Reading) -> tuple[float, ...]:
    """Return the signals, in the order of :data:`SIGNALS`.

    The *question* is the prompt's last sentence that has three words. Its longer words are *covered* by the answer,
    and the question *closed* by the answer's last such sentence. ``prompt_covered`` is the mean over the prompt's
    other sentences, and beside it the least. *Names* are words with a capital amid a sentence. Markers of contrast,
    reason and so on are counted; they are English, as is what a question asks. ``money``: whether the prompt, and the
    answer's last sentence, speak of it.
    """
    questions, sentences = _long(prompt), _long(answer)
    question = questions[-1] if questions else slice(0, 0)
    asked = set(prompt.words[question])
    content, said = _content(prompt, question), _content(answer, slice(None))
    last_sentence = sentences[-1] if sentences else slice(0, 0)
    last = _content(answer, last_sentence)
    covered = [_covered(_content(prompt, sentence), said) for sentence in questions[:-1]]
    marks = [0.0] * _KINDS
    for place in map(_MARKERS.get, answer.words):
        if place is not None:
            marks[place] += 1
    lengths = [answer.codes.count("w", part.start, part.stop) for part in answer.sentences] or [0]
    names = _names(prompt, questions)
    how = "how" in asked
    codes = answer.codes
    return (
        float(how and "many" in asked),
        float(how and "much" in asked),
        float("percent" in asked or "percentage" in asked),
        float("if" in asked),
        float(not asked.isdisjoint(("more", "less", "fewer", "difference", "than"))),
        float(not asked.isdisjoint(("each", "per", "every", "average"))),
        float(len(content)),
        _covered(content, said),
        _covered(content, last),
        sum(covered) / len(covered) if covered else math.nan,
        min(covered, default=math.nan),
        1 - _covered(said, _content(prompt, slice(None))) if said else math.nan,
        len(names.intersection(answer.words)) / len(names) if names else math.nan,
        math.log1p(len(codes)) - math.log1p(len(prompt.codes)),
        math.log1p(len(answer.sentences)),
        sum(lengths) / len(lengths),
        float(max(lengths)),
        float(min(lengths)),
        float(lengths[-1]),
        *marks,
        float("$" in prompt.codes or not _MONEY.isdisjoint(prompt.stems)),
        float("$" in answer.codes[last_sentence] or not _MONEY.isdisjoint(last)),
        float(codes.count("(") - codes.count(")") + answer.tokens.count("<<") - answer.tokens.count(">>")),
        float(codes[-1:] in {"s", "m", "e", "(", "$", ","}),
    )


def _long(reading: Reading) -> list[slice]:
    """The sentences that have three words."""
    return [part for part in reading.sentences if reading.codes.count("w", part.start, part.stop) > 2]


def _content(reading: Reading, part: slice) -> set[str]:
    found = set(reading.stems[part])
    found.discard("")
    return found


def _names(reading: Reading, sentences: Iterable[slice]) -> set[str]:
    """The words with a capital that do not begin a sentence, in small letters."""
    tokens, words = reading.tokens, reading.words
    return {
        words[place]
        for part in sentences
        for place, token in enumerate(tokens[part.start + 1 : part.stop], part.start + 1)
        if token[0].isupper() and len(token) > 1
    }


def _covered(words: set[str], by: set[str]) -> float:
    return len(words & by) / len(words) if words else 1.0
