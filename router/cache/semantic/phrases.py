"""The small words of a question: those that ask politely, those that say nothing of its subject, those that govern."""

from __future__ import annotations

from collections.abc import Mapping

FRAMES: tuple[str, ...] = (
    r"\bi (?:do not|don't) (?:know|understand|remember|get)\b",
    r"\bi (?:can't|cannot|can not) (?:figure out|find out|remember|recall|work out)\b",
    r"\bi(?:'d| would) (?:like|love) (?:you )?to(?: know| understand| learn| hear)?\b",
    r"\bi(?:'m| am) (?:trying|looking|wondering|curious|hoping)(?: to| for| about| if| whether)?\b",
    r"\bi(?:'ve| have) (?:been )?wonder(?:ed|ing)\b",
    r"\bi (?:want|need|wish) (?:you )?to(?: know| understand| learn)?\b",
    r"\b(?:can|could|would|will) you (?:please |kindly )?(?:tell|show|explain to|give) (?:me|us)\b",
    r"\b(?:can|could|would|will) you(?: please| kindly)?\b",
    r"\b(?:please|kindly|thanks|thank you|hello|hi|hey|quick question|if you (?:don't|do not) mind)\b",
    r"\b(?:tell|show|give|teach|help) (?:me|us)\b",
    r"\bto (?:me|us)\b",
    r"\blet me know\b",
    r"\bgo about\b",
    r"^\W*(?:list|name)\b(?! of)",
    r"\bwhat(?:'s| is| are)? (?:the|a|an) (?:(?:best|good|right|easiest|proper|usual) )?(?:way|method|step)s?\b",
    r"\bthe (?:best|right|easiest|proper|correct) (?:way|ways|method)\b",
    r"\b(?:any|some) (?:idea|ideas|tips|advice|suggestions)\b",
    r"\b(?:is|are) there (?:a|any|some) (?:way|ways)\b",
    r"\bdo you (?:happen to )?know\b",
    r"\bwhat do (?:you|people) (?:mean by|call)\b",
    r"\bwhat (?:does|do|did|is|are) (?:it|they) mean\b",
    r"\bhow (?:do|can|should|would|could|might) (?:i|you|we|one|someone|people)\b",
    r"\bhow (?:to|does one|come)\b",
    r"\bwhat (?:should|can|do|could|must) (?:i|we|you) (?:have to )?do(?: now| about| to| if| when| after)?\b",
    r"\b(?:is|was|would) it (?:be )?(?:possible|ok|okay|fine|alright|allowed|permitted|a good idea|sensible|wise)\b",
    r"\b(?:am i|are you|are we|is one|is|are) (?:allowed|able|permitted|supposed|entitled)\b",
    r"\b(?:do|does|will) (?:i|you|we|one) (?:have|need) to\b",
    r"\bwhat(?:'s| is| was| are| were) (?:the|a) (?:main )?(?:reason|reasons|cause|causes)\b",
    r"\bwhat (?:makes|made|causes|caused)\b",
    r"\bthe reason is\b",
    r"\b(?:stands?|short) for\b",
    r"\bthe (?:command|query|expression|code) (?:for|to)\b",
    r"\bthe (?:meaning|definition|purpose|concept|term) of\b",
    r"\b(?:the )?number of\b",
    r"\b(?:please )?(?:define|explain)\b",
    r"\bwhat is meant by\b",
    r"\b(?:considered|regarded as|counts? as|known as)\b",
    r"\b(?:what|which) (?:kind|kinds|type|types|sort|sorts) of\b",
    r"\b(?:what|which|in which|in what) (?:year|date|day|time|month|century|place|person|team)\b",
)
"""Ways of asking that say nothing of what is asked."""

_STOP = """
    a an the this that these those there here it its it's i i'm i've i'd me my mine myself you your yours we our us
    they them their he she his her him one's is am are was were be been being do does did doing done have has had
    having can could will would shall should may might must ought need needs to and or but so if then as also just
    really actually basically simply please exactly some any what what's which who who's whom whose when where why
    how much many way ways mean means meant explain describe thing things well very quite too ok okay vs versus
    question wonder wondering called name names not no never don't doesn't didn't isn't aren't
    wasn't weren't can't cannot won't wouldn't shouldn't couldn't hasn't haven't hadn't ain't now currently nowadays
    today's able possible like somebody someone something anything everything usually normally usual normal typical
    right proper properly whether amount one ones away always fully whole entire particular
    specific certain people
"""
STOP: frozenset[str] = frozenset(_STOP.split())
"""Words that most questions may gain or lose and still ask the same. Negations are counted by a gate of their own."""

_LIGHT = """
    make makes making made
    use used using uses
    take takes took taken taking
    keep keeps kept keeping hold holds holding
    put puts putting
    turn turns turned become becomes became
    come comes came coming go goes going went
    try tries trying tried
    want wants wanted
    see seen view views viewing look looks looking show shows
    say says said saying tell tells call calls know knows
    let lets
"""
LIGHT: Mapping[str, str] = {word: line.split()[0] for line in _LIGHT.strip().splitlines() for word in line.split()}
"""Verbs that may be missing, but for which another may not stand: to make bread is not to use it."""

_GOVERNORS = """
    of in on at for from to into onto with without by about than before after until since during between through
    against under over above below behind beyond per toward towards inside outside near within via except
"""
GOVERNORS: Mapping[str, str] = {
    **{word: word for word in _GOVERNORS.split()},
    "towards": "toward",
    "onto": "on",
    "inside": "in",
    "within": "in",
    **dict.fromkeys(("no", "not", "never"), "not"),
}
"""Prepositions and negations, those of one meaning as one."""

_DIRECTIONS = """
    from to into than before after until since during between through against under over above below behind beyond
    without toward outside except
"""
DIRECTIONS: frozenset[str] = frozenset(_DIRECTIONS.split())
"""Prepositions that say which part their object plays."""

DECISIVE: frozenset[str] = DIRECTIONS - frozenset({"from", "to", "into", "between", "through", "during", "toward"})
"""Those of them that may not be missing either."""

_NEGATIONS = """
    not no never without none nobody nothing neither nor cannot can't don't doesn't didn't isn't aren't wasn't
    weren't won't wouldn't shouldn't couldn't hasn't haven't hadn't mustn't needn't ain't except excluding unless
    non
"""
NEGATIONS: frozenset[str] = frozenset(_NEGATIONS.split())
