"""Which language a question is in, as far as its small words tell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from router.cache.semantic.words import words_in

_LETTERS = re.compile(r"[^\W\d_]")
_LANGUAGES = """
    en: the is are what how of and to in for a an do does did i my me which who why when where with can it that
        you was were at from be this on by should if not explain
    de: der die das ist und wie was ich ein eine nicht wer wo auf mit für von zu dem den des kann man sind im
        warum
    fr: le la les est et comment que quoi je un une pas qui où sur avec pour de du des dans quel quelle est-ce
        puis-je il
    es: el la los las es y cómo qué yo un una no quién dónde con para de del en cuál puedo se cuántos por como
        que
    it: il lo la gli è e come che cosa io un una non chi dove con per di del della in quale posso si sono perché
    pt: o a os as é e como que eu um uma não quem onde com para de do da em qual posso se são por quantos
    nl: de het een is en hoe wat ik niet wie waar op met voor van te kan men zijn dit dat welke waarom
    sv: en ett är och hur vad jag inte vem var på med för av att kan det den som i
    pl: jest i jak co nie kto gdzie na z dla w się to czy mogę ile dlaczego
    tr: bir ve ne nasıl bu için mi mı ile değil kim nerede kaç neden
"""
LANGUAGES: Mapping[str, frozenset[str]] = {
    name.strip(): frozenset(words.split())
    for name, _, words in (line.partition(":") for line in re.split(r"\n(?= {4}\w\w:)", _LANGUAGES.rstrip())[1:])
}
"""Small words by language; a word may be of several."""


def language_of(text: str) -> str:
    """The script of a text, and for the Latin one the language whose small words it has most of, "" for too few.

    With so few words that no language shows, letters with marks that English lacks are told.
    """
    letters = _LETTERS.findall(text)
    if not letters:
        return ""
    scripts = [unicodedata.name(letter, "").partition(" ")[0] for letter in letters[:400]]
    script = max(sorted(set(scripts)), key=scripts.count)
    if script != "LATIN":
        return script.lower()
    words = words_in(text)
    counts = {language: sum(word in known for word in words) for language, known in LANGUAGES.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] >= max(1, 0.1 * len(words)) else ""
