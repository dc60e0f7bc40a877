"""What kind of answer a question asks for."""

from __future__ import annotations

import re

_AUXILIARY = "is|are|am|was|were|do|does|did|can|could|will|would|should|shall|has|have|may|might|must"
_POLITE = (
    "please|kindly|tell|show|explain|give|help|write|translate|summari[sz]e|list|make|recommend|suggest|describe|create|"
    "correct|convert|find|fix|check|compare|rewrite"
)
_ASKS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "whether",
            (
                rf"(?:^|[.!?:;,]\s+|\b(?:and|but|so|whether|if)\s+)(?:{_AUXILIARY})\b"
                rf"(?! you (?:{_POLITE})\b)(?! there (?:a|any|some) ways?\b)(?! you (?:happen to )?know\b)"
            ),
        ),
        (
            "how",
            (
                r"\bhow\b(?! (?:much|many|long|old|far|often|frequently|tall|high|big|large|deep|wide)\b)"
                r"(?! (?:heavy|come|fast)\b)|\b(?:way|ways|method|steps?) (?:to|of|for)\b"
            ),
        ),
        ("why", r"\bwhy\b|\bhow come\b|\breasons?\b|\bwhat (?:causes|caused|makes|made)\b|\bcauses? of\b"),
        ("what", r"\bwhat(?:'s| is| are| was| were)\b(?! the\b)|\bwhat (?:does|do) .* mean\b"),
        ("which", r"\bwhich\b"),
        (
            "when",
            (
                r"\bwhen (?:did|does|do|is|was|were|will|should|can|are|to)\b"
                r"|\b(?:what|which) (?:year|date|day|time|month|century)\b|\bhow long ago\b"
            ),
        ),
        ("where", r"\bwhere\b|\b(?:what|which) (?:place|city|country|location|continent|state)\b"),
        (
            "who",
            r"\bwho(?:'s|m|se)?\b|\b(?:what|which) person\b|\b(?:author|inventor|founder|discoverer|composer) of\b",
        ),
        ("price", r"\b(?:costs?|price|fees?)\b|\bhow much\b"),
        ("count", r"\bhow many\b|\bnumber of\b"),
        ("duration", r"\bhow long\b(?! ago)|\bduration\b"),
        ("age", r"\bhow old\b"),
        ("distance", r"\bhow far\b"),
        ("frequency", r"\bhow (?:often|frequently)\b"),
        ("size", r"\bhow (?:tall|high|big|large|deep|wide|heavy)\b"),
        ("speed", r"\bhow fast\b"),
        (
            "duty",
            r"\b(?:have|has|had|need|needs) to\b|\bmust\b|\b(?:required|mandatory|obliged|obligatory|necessary)\b",
        ),
        ("leave", r"\b(?:can|may|could) (?:i|we|one)\b|\b(?:allowed|permitted|possible|able) to\b"),
        ("object", r"\b(?:who|whom|what|which \w+) (?:did|does|do)\b"),
        ("subject", r"\b(?:who|what|which \w+) (?!(?:did|does|do|is|are|was|were|has|have|can|should|will)\b)[a-z]+\b"),
        ("past", r"\b(?:did|was|were|had|didn't|wasn't|weren't|hadn't)\b"),
        ("present", r"\b(?:is|are|does|do|has|isn't|aren't|doesn't|don't|hasn't)\b|\b(?:what|who|where|how)'s\b"),
        ("future", r"\b(?:will|shall|won't|going to)\b"),
        ("either", r"\bor\b"),
        ("together", r"\band\b"),
    )
)
MANNERS = frozenset({"whether", "how", "why", "what", "which"})
DUTIES = frozenset({"duty", "leave"})
JOINED = frozenset({"either", "together"})
ROLES = frozenset({"object", "subject"})
TENSES = frozenset({"past", "present", "future"})
MEASURES = frozenset(name for name, _ in _ASKS) - MANNERS - DUTIES - JOINED - ROLES - TENSES
"""Whether, how, why or what; may or must; this or that, or both; who did it or to whom; when; a place, a count."""

EXCLUSIVE = (MANNERS, MEASURES, DUTIES, JOINED, ROLES, TENSES)
"""Where two questions have kinds of one of these, they must share one."""


def asks_of(text: str) -> tuple[str, ...]:
    """Which kinds of answer are asked for."""
    return tuple(name for name, pattern in _ASKS if pattern.search(text))
