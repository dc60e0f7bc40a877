"""What of a question no cosine sees: its numbers, units, times, negations, names, links, code, and its language.

Each reader is a pure function from a text to a sorted tuple; two questions that ask the same have equal ones. The
comparisons that need more than equality are in gates.py.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from router.cache.semantic.asks import asks_of
from router.cache.semantic.contrasts import FORMS, OPPOSITES
from router.cache.semantic.languages import language_of
from router.cache.semantic.phrases import LIGHT, NEGATIONS, STOP
from router.cache.semantic.quantities import NUMBERS, PARTS, SCALES, TIMES, UNITS
from router.cache.semantic.synonyms import ALIASES
from router.cache.semantic.words import CODE, FRAME, Term, plain, terms_of, words_in

VERSION = 2
"""Raise it whenever a reader or the lexicon gives something else: facts that were stored are then of no use."""

_NUMBER = re.compile(r"(?<![\w.])([-−]?\d[\d,]*(?:\.\d+)?)(st|nd|rd|th)?(?:\s*/\s*(\d+))?(?![\w]*\d)")
_GLUED = re.compile(r"(?<![A-Za-z_-])(?<!\d)(?<!\d,)(\d[\d,]*(?:\.\d+)?)(%|°[CF]|[A-Za-z]{1,4})(?![\w-])")
_SIGNS = re.compile(r"[$€£¥₹%]|°\s?[CFcf]\b")
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b|\b(\d{1,2})/(\d{1,2})/(\d{2,4})\b")
_CLOCK = re.compile(r"\b(\d{1,2})(?::(\d{2}))?\s?(am|pm|a\.m|p\.m)\b|\b(\d{1,2}):(\d{2})\b", re.IGNORECASE)
_MAY = re.compile(r"\b(?:in|of|on|by|since|until|last|next|this|\d{1,2}(?:st|nd|rd|th)?) May\b|\bMay \d")
_RELATIVE = re.compile(r"\b(last|next|this|past|coming|every|each) (\w+)", re.IGNORECASE)
_QUOTED = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|«([^»\n]+)»|(?<![\w])'([^'\n]+)'(?![\w])|‘([^’\n]+)’(?!\w)")
_LINK = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]{1,64}@[\w-]+\.[\w.]+|(?<!\w)[@#][\w-]+|(?<!\w)(?:[A-Za-z]:\\|~?/)[\w./\\-]+"
    r"|\b[\w-]{1,100}\.(?:com|org|net|io|dev|py|js|ts|md|txt|csv|json|toml|yaml|yml|html|css|pdf|docx?|xlsx?|exe|sh)\b"
    r"|\bv?\d+(?:\.\d+){1,3}\b|\b(?=[\w-]{0,100}\d)(?=[\w-]{0,100}[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\b"
)
_MARK = re.compile(r"(?<!\S)(?=[^\w\s]*[.,;:?!()'\"-])[^\w\s]+(?!\S)(?!\s*\Z)|[\[\]{}|]|-{2,}|(?<=\d)!|(?<!\w)\w*_\w*")
_CODE_LINE = re.compile(
    r"[;{}]\s*$|^\s*(?:def|class|import|from|return|if|for|while|function|const|let|var|public|SELECT|INSERT|UPDATE)\b.*[():=;*]"
    r"|\w\(.*\)|\w\s?(?:[-+*/|&^]?=|==|=>|->|::)\s?\w|^[>$#]\s?\w+ -"
)
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_ABOUT_WORDS = re.compile(
    r"\b(?:translat\w*|spell\w*|pronounc\w*|synonyms?|antonyms?|rhym\w*|etymolog\w*|conjugat\w*|plurals?|tense|"
    r"gramma\w*|proofread\w*|rewrit\w*|rephras\w*|paraphras\w*|letters|syllables?|vowels?|anagrams?|palindromes?|"
    r"say\b[^.?!]*\bin|the words?|words? for)\b",
    re.IGNORECASE,
)
_COURTESY = re.compile(rf"\A(?:\W*(?:{FRAME.pattern}))+|,\s*(?:please|thanks|thank you)\W*\Z", re.IGNORECASE)
_GIVEN = re.compile(r"(?<=\w)\s?:\s+(?=\S)|\n(?=\s*\S)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read off one question; see the functions of this module."""

    language: str
    code: tuple[str, ...]
    quotes: tuple[str, ...]
    links: tuple[str, ...]
    numbers: tuple[str, ...]
    units: tuple[str, ...]
    times: tuple[str, ...]
    negations: int
    forms: tuple[str, ...]
    asks: tuple[str, ...]
    opposites: tuple[tuple[int, str], ...]
    names: tuple[str, ...]
    verbs: tuple[str, ...]
    words: frozenset[str]
    worded: tuple[str, ...]
    terms: tuple[Term, ...]


@lru_cache(maxsize=4096)
def facts_of(text: str) -> Facts:
    """Read everything off one question; units, negations and verbs of polite phrases (`I don't know`) do not count."""
    bare = _plain(text)
    words, asked = words_in(bare), FRAME.sub(" ", bare)
    matter = words_in(asked)
    return Facts(
        language=language_of(text),
        code=(*code_in(text), *marks_in(bare)),
        quotes=quotes_in(bare),
        links=links_in(bare),
        numbers=numbers_in(bare),
        units=units_in(asked),
        times=times_in(bare),
        negations=negations_in(matter),
        forms=_known(matter, FORMS),
        asks=asks_of(bare),
        opposites=opposites_in(words),
        names=names_in(bare),
        verbs=_known(matter, LIGHT),
        words=frozenset(words),
        worded=worded_in(bare),
        terms=terms_of(bare),
    )


def _plain(text: str) -> str:
    """Without code, in compatibility form (full-width digits are digits), names by their shorter forms."""
    told = unicodedata.normalize("NFKC", plain(text))
    return _ALIAS.sub(lambda found: ALIASES[found[0].lower().rstrip(".")], told)


_ALIAS = re.compile(
    # `us` and `la` are words, too; as names they are written large.
    r"\b(?:US|LA|U\.S\.A|U\.S|U\.K|(?i:"
    + "|".join(re.escape(name) for name in sorted(ALIASES, key=len, reverse=True) if name not in {"us", "la"})
    + r"))\b"
)


def code_in(text: str) -> tuple[str, ...]:
    """SHA-256, shortened, of every fenced or inline piece of code and of every line that looks like some, in order."""
    pieces = ["".join(groups).strip() for groups in CODE.findall(text)]
    pieces += [line.strip() for line in CODE.sub("\n", text).splitlines() if _CODE_LINE.search(line)]
    return tuple(hashlib.sha256(piece.encode("utf-8", "surrogatepass")).hexdigest()[:16] for piece in pieces)


def marks_in(text: str) -> tuple[str, ...]:
    """What is written in signs that are no words, in order: signs that stand alone, brackets, `--`, `5!`, `a_name`."""
    return tuple(_MARK.findall(text))


def quotes_in(text: str) -> tuple[str, ...]:
    """What stands in quotation marks, letter by letter but for white space."""
    return tuple(sorted(" ".join("".join(groups).split()) for groups in _QUOTED.findall(text)))


def links_in(text: str) -> tuple[str, ...]:
    """Addresses, handles, file names, versions and identifiers: whatever mixes letters and digits."""
    found = {link.rstrip(".,;:!?)").lower() for link in _LINK.findall(text)}
    glued = {number + unit for number, unit in _GLUED.findall(text.lower())}
    return tuple(
        sorted(
            link
            for link in found
            if link not in glued and not re.fullmatch(r"\d+(?:st|nd|rd|th|s)|\d+(?:\.\d+)?", link)
        )
    )


def numbers_in(text: str) -> tuple[str, ...]:
    """All numbers, also those in words, as exact fractions; ordinals with a `#`."""
    split = _GLUED.sub(r" \1 \2 ", text)
    found: list[str] = []
    for number, ordinal, below in _NUMBER.findall(split):
        value = Fraction(number.replace(",", "").replace("−", "-").rstrip("."))
        if below and int(below):
            value /= int(below)
        found.append(f"#{value}" if ordinal else str(value))
    scaled = re.findall(r"(\d[\d,]*(?:\.\d+)?)\s+(" + "|".join(SCALES) + r")\b", split.lower())
    for number, scale in scaled:
        small = Fraction(number.replace(",", ""))
        if str(small) in found:
            found.remove(str(small))
            found.append(str(small * SCALES[scale]))
    return tuple(
        sorted(
            found
            + _spelled(
                words_in(re.sub(r"\d[\d,.]*\s+(?:" + "|".join(SCALES) + r")\b", " ", split.lower()).replace("-", " "))
            )
        )
    )


def _spelled(words: Iterable[str]) -> list[str]:
    """The numbers among words: `two hundred and five` is one of them."""
    found: list[str] = []
    total: int | None = None
    last = 0
    for word in (*words, ""):
        value = NUMBERS.get(word)
        if value is not None and (total is None or last > value):
            total, last = (total or 0) + value, value
        elif word in SCALES and (total is not None or word != "k"):
            scale = SCALES[word]
            total, last = (total or 1) * scale, scale
        elif word == "and" and total is not None and last >= 100:
            continue
        else:
            if total is not None:
                found.append(str(total))
            total, last = (value, value) if value is not None else (None, 0)
            if word in PARTS:
                found.append(PARTS[word])
    return found


def units_in(text: str) -> tuple[str, ...]:
    """Units of measure and currencies, each by one name."""
    split = _GLUED.sub(r" \1 \2 ", text)
    signs = [sign.lower().replace(" ", "") for sign in _SIGNS.findall(split)]
    return _known([*words_in(split), *signs], UNITS)


def times_in(text: str) -> tuple[str, ...]:
    """Dates, times of day, months, weekdays, seasons, and words like `yesterday` and `next week`."""
    found = set(_known(words_in(text), TIMES))
    found |= {"-".join(part for part in groups if part) for groups in _ISO.findall(text)}
    found |= {":".join(part.lower().replace(".", "") for part in groups if part) for groups in _CLOCK.findall(text)}
    found |= {f"{which.lower()} {what.lower()}" for which, what in _RELATIVE.findall(text) if what.lower() in _SPANS}
    if _MAY.search(text):
        found.add("may")
    return tuple(sorted(found))


_SPANS = frozenset(UNITS) | frozenset(TIMES) | {"quarter", "season", "time", "night", "morning", "evening", "weekend"}


def negations_in(words: Iterable[str]) -> int:
    """How many of ``words`` negate."""
    return sum(word in NEGATIONS or word.endswith("n't") for word in words)


def worded_in(text: str) -> tuple[str, ...]:
    """The words that must be the same to the letter: all where words are asked about that no quotation marks show, and
    those of a text that is given behind a colon or a line's end.
    """
    text = _COURTESY.sub("", text)  # within the question "please" may be the very word
    if _ABOUT_WORDS.search(text) and not _QUOTED.search(text):
        return tuple(sorted(words_in(text)))
    given = _GIVEN.search(text)
    return () if given is None else tuple(words_in(text[given.end() :]))


def opposites_in(words: Iterable[str]) -> tuple[tuple[int, str], ...]:
    """Of each pair of opposites the sides that occur: `+`, `-` or `+-`."""
    seen = set(words)
    found = []
    for place, (one, other) in enumerate(OPPOSITES):
        sides = ("+" if seen & one else "") + ("-" if seen & other else "")
        if sides:
            found.append((place, sides))
    return tuple(found)


def names_in(text: str) -> tuple[str, ...]:
    """Words written large where no sentence begins, and acronyms anywhere, in small letters.

    Nothing of a text that is written large throughout, where capitals say nothing.
    """
    found: set[str] = set()
    words = list(_WORD.finditer(text))
    large = [match for match in words if match[0][0].isupper()]
    if len(words) > 4 and len(large) > 0.8 * len(words):
        return ()
    for place, match in enumerate(words):
        word = match[0].rstrip(".'’-").removesuffix("'s").removesuffix("’s")
        if not word[:1].isupper() or word.lower() in STOP or word == "I":
            continue
        before = text[: match.start()].rstrip()
        opens = not before or before[-1] in '.!?:\n"“'
        follows = (
            place + 1 < len(words) and words[place + 1][0][0].isupper() and words[place + 1][0].lower() not in STOP
        )
        if not opens or any(sign.isupper() for sign in word[1:]) or follows:
            found.add(word.lower())
    return tuple(sorted(found))


def _known(words: Iterable[str], table: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted({table[word] for word in words if word in table}))
