"""The stage `concise`: prose said in fewer words, and as bullets where a paragraph is long.

Only what is told is reworded: passages, and paragraphs of plain prose in earlier turns. Instructions, questions, the
last user message outside of its passages and all that is protected stay word for word. Which rewordings are safe was
settled by hand; each takes fewer tokens by the tokenizers of both demo models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from router.shorten.instructions import instructs
from router.shorten.passages import last_question, meets, paragraphs_of, passages_of
from router.shorten.spans import CLOSE, Masked, masked
from router.types import Message, Request

LEAST = 3
"""Sentences that a paragraph must have to become bullets."""

_SAID: dict[str, str] = {
    "in order to": "to",
    "so as to": "to",
    "due to the fact that": "because",
    "owing to the fact that": "because",
    "because of the fact that": "because",
    "in view of the fact that": "because",
    "for the reason that": "because",
    "in spite of the fact that": "although",
    "despite the fact that": "although",
    "at this point in time": "now",
    "at the present time": "now",
    "at that point in time": "then",
    "in the event that": "if",
    "for the purpose of": "for",
    "for the sake of": "for",
    "with the exception of": "except",
    "with regard to": "about",
    "with respect to": "about",
    "with reference to": "about",
    "in relation to": "about",
    "in connection with": "about",
    "a large number of": "many",
    "a great number of": "many",
    "a small number of": "few",
    "the majority of": "most",
    "has the ability to": "can",
    "have the ability to": "can",
    "is able to": "can",
    "are able to": "can",
    "was able to": "could",
    "were able to": "could",
    "is located in": "is in",
    "are located in": "are in",
    "is situated in": "is in",
    "prior to": "before",
    "subsequent to": "after",
    "in the course of": "during",
    "until such time as": "until",
    "as well as": "and",
    "in addition to": "besides",
    "on a regular basis": "regularly",
    "on a daily basis": "daily",
    "each and every": "every",
    "first and foremost": "first",
    "the reason why is that": "because",
    "united states of america": "USA",
    "united kingdom": "UK",
    "european union": "EU",
    "united nations": "UN",
    "and so forth": "etc.",
    "and so on": "etc.",
}
_IDLE = (
    "it is important to note that",
    "it should be noted that",
    "it is worth noting that",
    "it is worth mentioning that",
    "it goes without saying that",
    "it can be seen that",
    "it is well known that",
    "as a matter of fact,",
    "needless to say,",
    "as already mentioned,",
    "as mentioned above,",
    "as you may know,",
    "in actual fact,",
    "furthermore,",
    "moreover,",
    "additionally,",
    "in addition,",
    "basically,",
    "essentially,",
    "of course,",
)
_EMPHASIS = re.compile(r"(?<![-\w])(?:very|really|quite|rather|basically|essentially|actually|literally) (?=[a-z]{3})")
_PHRASE = re.compile(
    rf"(?<![-\w])(?:{'|'.join(sorted(map(re.escape, _SAID), key=len, reverse=True))})(?=[\s,.;:])", re.IGNORECASE
)
_OPENER = re.compile(rf"^(?P<mark>(?:- )?)(?:{'|'.join(map(re.escape, _IDLE))}) *(?P<next>\w?)", re.IGNORECASE)
_WORTH = (
    *_SAID,
    *_IDLE,
    "very ",
    "really ",
    "quite ",
    "rather ",
    "basically ",
    "essentially ",
    "actually ",
    "literally ",
)
_ENDS = re.compile(r"[.!]([ \n]+)(?=[A-Z])|(\n+)")
_THE = re.compile(r"(?<![-\w])[Tt]he (?!same|only|more|less|fewer|most|least)(?=[a-z]{2})")
_SHORT = re.compile(r"\b(?:etc|vs|approx|ca|cf|Mr|Mrs|Ms|Dr|St|No|Fig|Inc|Ltd|Co)\.$")
_PROSE = re.compile(r"\w|\ue000")


def concise(request: Request, *, bullets: bool) -> Request:
    """Say the same in fewer words; with ``bullets``, paragraphs of passages become lists and lose their articles."""
    asked = last_question(request)
    return replace(
        request,
        messages=tuple(
            _reworded(message, earlier=place < asked, bullets=bullets) for place, message in enumerate(request.messages)
        ),
    )


def _reworded(message: Message, *, earlier: bool, bullets: bool) -> Message:
    """The message in fewer words, as it stays however often this is done."""
    while message.role != "system":
        text = message.content
        lower = text.lower()
        worth = tuple(words for words in _WORTH if words in lower)
        passages = [passage.body for passage in passages_of(message)]
        bodies = frozenset(passages)
        others = paragraphs_of(text, 0, len(text)) if earlier and message.role != "tool" else []
        own = [place for place in others if not meets(passages, *place)]
        for start, end in sorted((*passages, *own), reverse=True):
            listed = bullets and (start, end) in bodies
            text = text[:start] + _shorter(text[start:end], worth=worth, listed=listed) + text[end:]
        if text == message.content or not text.strip():
            break
        message = replace(message, content=text)
    return message


def _shorter(text: str, *, worth: tuple[str, ...], listed: bool) -> str:
    """One stretch of prose in fewer words, where any is ``worth`` it; as it was where that is no shorter."""
    lower = text.lower()
    idle = tuple(words for words in worth if words in lower)
    listed = listed and text.count(". ") + text.count("! ") >= LEAST - 1
    mask = masked(text) if idle or listed else None
    if mask is None:
        return text
    pieces: list[str] = []
    for paragraph in re.split(r"(\A\s+|\s+\Z|\n{2,})", mask.text):
        ends = list(_gaps(paragraph))
        starts = [0, *(end for _, end in ends)]
        sentences = [
            _plainer(paragraph[start:end], mask, idle) if idle else paragraph[start:end]
            for start, end in zip(starts, [*(start for start, _ in ends), len(paragraph)], strict=True)
        ]
        gaps = [paragraph[start:end] for start, end in ends]
        if listed and len(sentences) >= LEAST and "\n" not in paragraph and _PROSE.match(paragraph):
            pieces.append("\n".join(f"- {_telegraphic(sentence, mask)}" for sentence in sentences))
        else:
            pieces.append("".join(part for pair in zip(sentences, [*gaps, ""], strict=True) for part in pair))
    whole = mask.whole("".join(pieces))
    return text if whole is None or len(whole) >= len(text) else whole


def _gaps(paragraph: str) -> Iterator[tuple[int, int]]:
    """The places between its sentences; a stop after a single letter, or after a digit, ends none."""
    for found in _ENDS.finditer(paragraph):
        start, end = found.span(1 if found[1] else 2)
        word = paragraph[max(start - 3, 0) : start - 1]
        if found[2] or (word.isalpha() and len(word) == 2) or word.endswith(CLOSE):
            yield start, end


def _plainer(sentence: str, mask: Masked, idle: tuple[str, ...]) -> str:
    """The sentence without ``idle`` words; word for word where it tells anybody what to do."""
    lower = sentence.lower()
    if not any(words in lower for words in idle):
        return sentence
    said = _OPENER.sub(lambda idle: idle["mark"] + idle["next"].upper(), sentence)
    if instructs(mask.restored(said)):
        return sentence
    sentence = _PHRASE.sub(lambda phrase: _like(_SAID[phrase[0].lower()], phrase[0]), said)
    return _EMPHASIS.sub("", sentence)


def _telegraphic(sentence: str, mask: Masked) -> str:
    """The sentence as an item of a list."""
    sentence = sentence.strip()
    if instructs(mask.restored(sentence)):
        return sentence
    sentence = _THE.sub("", sentence)
    return sentence if _SHORT.search(sentence) else sentence.removesuffix(".")


def _like(word: str, said: str) -> str:
    """``word``, with a capital where what it stands for ``said`` had one."""
    return word[0].upper() + word[1:] if said[0].isupper() else word
