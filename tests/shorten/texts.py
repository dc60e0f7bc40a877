"""Texts that the tests of shortening are made of, and strategies that put them together."""

from __future__ import annotations

from hypothesis import strategies as st

from router.types import Message, Request

PROTECTED = (
    "```python\ndef f(x):\n    return  x   # two  spaces\n\n\n\nprint(f(1))\n```",
    "~~~\nvery   plain  text in order to test\n~~~",
    "`x  =  in order to`",
    '{"in order to":  [1,  2], "the same":   {"deep": null}}',
    "[1,  2,  3]",
    '{"html": "<p>the  pond</p> &amp; **more**"}',
    "3.5 kg",
    "$1,200.50",
    "12 May 2024",
    "99.9%",
    "10:45",
    '"the  quoted words  in order to"',
    "“so  called  quotes”",
    "https://example.org/the/very/path?q=in+order+to",
    "someone.very@example.org",
    "| name  | very |\n|-------|------|\n| the   | 3    |",
    "$$ a  +  b $$",
)
"""Each must stand word for word, and blank for blank, in what is left."""

INSTRUCTIONS = (
    "You must answer in French.",
    "Do not mention the very price.",
    "Never use more than three words in order to reply.",
    "Always cite the source.",
    "Answer exactly as in the example.",
    "Write the list in the very same order.",
    "Use only the documents.",
    "- at most five items\n- no tables, really\n- must be in the present tense",
)

PROSE = (
    "The old mill stands at the river in order to use the water.",
    "Furthermore, the wheel was renewed due to the fact that it had rotted.",
    "It is important to note that the miller is very proud of the wheel.",
    "A large number of visitors come to the village on a daily basis.",
    "Ducks live below the weir as well as in the reeds.",
    "The path along the canal is closed in winter.",
    "Of course, the bread from the mill is sold in the shop.",
    "The miller's daughter plays the organ in the chapel.",
)

MARKUP = (
    '<div class="wide"><p>The pond is deep.</p></div>',
    "<script>var very = 1;</script>",
    '<a href="https://example.org/pond">the pond</a>',
    "**The pond**",
    "---",
    "Accept all cookies",
    "<li>one fish</li><li>another fish</li>",
    "a&nbsp;b &amp; c",
)

SPACES = st.sampled_from([" ", "  ", "\n", "\n\n", "\n\n\n\n", " \n", "\t"])


def joined(pieces: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Some of ``pieces``, with white space between them; protected ones have lines of their own, and so has what
    follows markup that ends no sentence.
    """
    piece = st.one_of(st.sampled_from(pieces), st.sampled_from(PROTECTED).map(lambda text: f"\n\n{text}\n\n"))
    return st.lists(st.tuples(piece, SPACES), min_size=1, max_size=6).map(
        lambda found: "".join(
            f"{text}{'' if text.endswith(('.', '>', '*')) else chr(10)}{space}" for text, space in found
        )
    )


PASSAGES = joined(PROSE + MARKUP + INSTRUCTIONS)
OWN = joined(PROSE + INSTRUCTIONS)


@st.composite
def prompts(draw: st.DrawFn) -> str:
    """A message with some passages, a question before or after them, and instructions."""
    own, passages = draw(OWN), draw(st.lists(PASSAGES, max_size=4))
    marked = "\n\n".join(f"<document>\n{passage}\n</document>" for passage in passages)
    return draw(st.sampled_from([f"{own}\n\n{marked}\n\nQuestion: Where do the ducks live?", f"{marked}\n\n{own}"]))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A conversation that ends with the user's turn."""
    messages = [Message(role="system", content=draw(OWN))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 3))):
        messages.append(Message(role="user", content=draw(prompts())))
        messages.append(Message(role="assistant", content=draw(OWN)))
    messages.append(Message(role="user", content=draw(prompts())))
    return Request(messages=tuple(messages))
