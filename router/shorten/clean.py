"""The stage `clean`: white space that says nothing, and in passages the markup and the furniture of web pages.

Outside of passages only white space is touched, since markup may be what the question is about. Within them, headings,
lists and links keep what a reader sees of them, and a link its address.
"""

from __future__ import annotations

import re
from dataclasses import replace

from router.shorten.passages import last_question, own_words, passages_of
from router.shorten.spans import data_in, masked
from router.types import Message, Request

_UNTIDY = (
    " \n",
    "\t\n",
    "\r\n",
    "  ",
    "\t ",
    " \t",
    "\t\t",
    "\n\n\n",
    "\u00a0",
    "\u200b",
    "\u2060",
    "\ufeff",
    "\u00ad",
)
_ABOUT_MARKUP = re.compile(
    r"\b(?:html|markup|markdown|xml|css|dom|tags?|selectors?|scrap(?:e|ing)|white ?space|formatting|elements?)\b"
)
_TRAILING = re.compile(r"(?<![ \t\u00a0\r])[ \t\u00a0\r]+$", re.MULTILINE)
_GAP = re.compile(r"(?<=\S)[ \t\u00a0]{2,}(?=\S)|\u00a0")
_BLANKS = re.compile(r"\n{3,}")
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")

_HIDDEN = re.compile(r"<(?:!--|(?P<name>script|style|noscript|nav|footer|iframe|template|button)\b)", re.IGNORECASE)
_LINK = re.compile(
    r"<a\b(?=[^<>]*>)[^<>]*?(?<![\w-])href\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)')[^<>]*>(.{0,2000}?)</a\s*>",
    re.DOTALL | re.IGNORECASE,
)
_ITEM = re.compile(r"(?<!\s)\s*<li\b[^<>]*>\s*", re.IGNORECASE)
_BREAK = re.compile(
    r"(?<!\s)\s*(?:</?(?:address|article|aside|blockquote|br|dd|div|dl|dt|figcaption|figure|h[1-6]|header|hr|main|ol|p|section|"
    r"ul)\b[^<>]*>\s*)+",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"</?(?:a|abbr|b|body|cite|em|font|head|html|i|img|label|li|link|mark|meta|s|small|span|strong|sub|sup|time|title|u|"
    r"wbr)\b[^<>]*>|<!doctype[^<>]*>",
    re.IGNORECASE,
)
_ENTITIES = {"nbsp": " ", "amp": "&", "quot": '"', "apos": "'", "#39": "'", "ndash": "–", "mdash": "—", "hellip": "…"}
_ENTITY = re.compile(f"&({'|'.join(_ENTITIES)});")
_STRONG = re.compile(r"(?<![\w*)])\*\*(?=[^\s*])([^*\n]+)(?<=[^\s*])\*\*(?![\w*(])")
_RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]?){3,}(?:\n|\Z)", re.MULTILINE)
_FURNITURE = re.compile(
    r"^[ \t*•-]*(?:(?:accept|reject|manage) (?:all )?cookies?|cookie (?:settings|policy|preferences)|"
    r"we use cookies\b[^\n]{0,120}|skip to (?:main )?content|back to top|read more|learn more|click here|advertisement|"
    r"sponsored|all rights reserved|(?:©|\(c\)|copyright)[^\n]{0,60}all rights reserved|share (?:this|on)\b[^\n]{0,40}|"
    r"follow us (?:on|at)\b[^\n]{0,40}|subscribe to our[^\n]{0,60}|sign (?:in|up)|log ?in|print this page|"
    r"privacy policy|terms of (?:use|service)|home ?(?:[>»|›][^\n>»|›]{1,32}){1,6})[.!…]?[ \t]*(?:\n|\Z)",
    re.IGNORECASE | re.MULTILINE,
)


def clean(request: Request) -> Request:
    """Take away what says nothing. System prompts are left as they are."""
    asked = last_question(request)
    about_markup = asked >= 0 and _ABOUT_MARKUP.search(own_words(request.messages[asked]).lower()) is not None
    return replace(request, messages=tuple(_cleaned(message, markup=not about_markup) for message in request.messages))


def _cleaned(message: Message, *, markup: bool) -> Message:
    """The message as it stays, however often it is cleaned."""
    while message.role != "system":
        text = message.content
        if markup and ("<" in text or "*" in text or "\n" in text):
            for passage in reversed(passages_of(message)):
                start, end = passage.body
                body = _unmarked(text[start:end])
                text = text[:start] + body + text[end:] if body.strip() else text
        text = _tidied(text)
        if text == message.content or not text.strip():
            break
        message = replace(message, content=text)
    return message


def _tidied(text: str) -> str:
    """``text`` without white space that nobody sees, but in what is protected."""
    if not any(gap in text for gap in _UNTIDY) and not text.endswith((" ", "\t", "\r")):
        return text
    mask = masked(text)
    if mask is None:
        return text
    edited = _GAP.sub(" ", _TRAILING.sub("", _INVISIBLE.sub("", mask.text)))
    return mask.whole(_BLANKS.sub("\n\n", edited)) or text


def _unmarked(text: str) -> str:
    """A passage as a reader of the page sees it, but for its code, its tables and its JSON."""
    mask = masked(text, data_in(text))
    if mask is None:
        return text
    edited = mask.text
    if "<" in edited:
        edited = _shown(edited)
        edited = _LINK.sub(_link, edited)
        edited = _ITEM.sub("\n- ", edited)
        edited = _BREAK.sub("\n", edited)
        edited = _TAG.sub("", edited)
    if "&" in edited:
        edited = _ENTITY.sub(lambda entity: _ENTITIES[entity[1]], edited)
    if "**" in edited:
        edited = _STRONG.sub(r"\1", edited)
    edited = _FURNITURE.sub("", _RULE.sub("", edited))
    whole = mask.whole(edited)
    return text if whole is None or len(whole) > len(text) else whole


def _shown(text: str) -> str:
    """``text`` without the elements that no reader of the page sees, and its comments; linear in its length."""
    lower, pieces, last = text.lower(), list[str](), 0
    endless = set[str]()
    for found in _HIDDEN.finditer(text):
        end = "-->" if found["name"] is None else f"</{found['name'].lower()}"
        if found.start() < last or end in endless:
            continue
        closing = lower.find(end, found.end())
        after = -1 if closing < 0 else lower.find(">", closing)
        if after < 0:
            endless.add(end)
            continue
        pieces.append(text[last : found.start()])
        last = after + 1
    return "".join((*pieces, text[last:]))


def _link(link: re.Match[str]) -> str:
    """What a link says, and its address where that is whole."""
    address, said = link[1] or link[2] or "", link[3].strip()
    return f"{said} ({address})" if "://" in address and address not in said else said
