"""Removes what looks like an API key from text that is about to be stored."""

from __future__ import annotations

import re

REDACTED = "[redacted]"

# A key starts after anything but a letter, digit, _ or -, so that "risk-..." stays; the text may be JSON, where an
# escape such as \n or \u00e9 before a key ends in a letter or a digit.
_START = r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"

_SECRET = re.compile(
    _START
    + r"(?:"
    + r"sk-[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek and others
    + r"|AIza[A-Za-z0-9_-]{30,}"  # Google
    + r"|hf_[A-Za-z0-9]{16,}"  # Hugging Face
    + r"|gsk_[A-Za-z0-9]{16,}"  # Groq
    + r"|xai-[A-Za-z0-9]{16,}"  # xAI
    + r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # AWS access key ids
    + r"|gh[pousr]_[A-Za-z0-9]{20,}"  # GitHub
    + r"|github_pat_[A-Za-z0-9_]{20,}"
    + r"|(?P<scheme>[Bb]earer |BEARER )[A-Za-z0-9._~+/-]{12,}=*"
    + r")"
)

# One of these is in every match. Looking for plain substrings is far cheaper than the pattern, in a plain loop most.
_MARKS = (
    *("sk-", "AIza", "hf_", "gsk_", "xai-", "AKIA", "ASIA", "earer ", "BEARER "),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
)


def redact(text: str) -> str:
    """``text`` with every API key or bearer token in it replaced by ``[redacted]``; text without one as it is.

    Goes by the published shapes of keys, so a secret of another shape stays.
    """
    for mark in _MARKS:
        if mark in text:
            return _SECRET.sub(lambda match: (match["scheme"] or "") + REDACTED, text)
    return text
