"""Which sentences tell the model what to do or to leave: no stage drops or rewords them."""

from __future__ import annotations

import re

_CONSTRAINT = re.compile(
    r"\b(?:must|shall|should|have to|has to|need to|needs to|do not|don[’']t|does not|never|always|only|exactly|"
    r"at most|at least|no more than|no less than|no fewer than|without|ensure|make sure|avoid|required?|requirement|"
    r"forbidden|allowed|limit(?:ed)? to|from now on|remember|important|strictly|instead of|unless|except|cannot|"
    r"can[’']t|may not)\b",
)
_PART = re.compile(r"[.!?:;>)\]”\"*]\s")
_IMPERATIVE = re.compile(
    r"\W{0,8}(?:please\s+|kindly\s+|now\s+|then\s+|next,?\s+|first,?\s+|finally,?\s+|also,?\s+|just\s+|\w{1,30}:\s*){0,4}"
    r"(?:act|add|analy[sz]e|answer|apply|ask|assume|be|begin|calculate|call|change|check|choose|cite|classify|clean|"
    r"compare|complete|compose|compute|consider|continue|convert|correct|count|create|define|delete|describe|design|"
    r"determine|develop|discuss|do|draft|draw|edit|elaborate|estimate|evaluate|examine|explain|express|extract|fill|"
    r"find|finish|fix|focus|follow|format|generate|give|go|guess|help|highlight|identify|ignore|implement|improve|"
    r"include|insert|keep|let|limit|list|look|make|mention|name|note|omit|order|organi[sz]e|outline|output|paraphrase|"
    r"pay|pick|plan|predict|pretend|print|produce|propose|prove|provide|put|rank|rate|read|recommend|refactor|refer|"
    r"remove|rename|reorder|repeat|rephrase|replace|reply|report|respond|return|review|revise|rewrite|run|say|search|"
    r"select|send|set|shorten|show|simplify|skip|solve|sort|speak|specify|split|start|state|stay|stick|stop|suggest|"
    r"sum|summari[sz]e|take|tell|test|think|transform|translate|treat|try|turn|update|use|verify|walk|work|write)\b",
    re.IGNORECASE,
)


def constrains(sentence: str) -> bool:
    """Whether ``sentence`` binds every answer: it says what must, must not, may only or is always to be done."""
    return _CONSTRAINT.search(sentence.lower()) is not None


def commands(sentence: str) -> bool:
    """Whether ``sentence``, or a part of it, begins with what is to be done."""
    starts = (0, *(part.end() for part in _PART.finditer(sentence)))
    return any(_IMPERATIVE.match(sentence, start) for start in starts)


def instructs(sentence: str) -> bool:
    """Whether ``sentence`` tells the model anything to do: a constraint, an imperative or a question."""
    return "?" in sentence or constrains(sentence) or commands(sentence)
