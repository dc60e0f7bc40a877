"""The task families: which questions each can ask, how hard they are, and the wordings it asks them in."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question with its accepted answers, the first of which is shown when it serves as a worked example.

    Items with the same ``key`` ask the same thing and must stay in one split. ``group`` names what the worked
    examples must share with the question (the language to translate to).
    """

    level: int
    key: str
    fields: tuple[str, ...]
    answers: tuple[str, ...]
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of task.

    ``forms`` are wordings over an item's fields, each ending where the answer begins. ``deal`` is the round in
    which levels take their turns, each level once when it is empty.
    """

    name: str
    size: int
    items: Callable[[random.Random], list[Item]]
    forms: tuple[str, ...]
    headers: tuple[str, ...] = ()
    deal: tuple[int, ...] = ()
    exact_case: bool = False


def listed(table: dict[int, str]) -> Callable[[random.Random], list[Item]]:
    """Items of a word list written ``question=answer|also accepted; ...``."""

    def items(_: random.Random) -> list[Item]:
        found: dict[str, Item] = {}
        for level, line in table.items():
            for question, answers in _pairs(line):
                found.setdefault(question, Item(level=level, key=question, fields=(question,), answers=answers))
        return list(found.values())

    return items


def _pairs(line: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for entry in line.split(";"):
        question, _, answers = entry.strip().partition("=")
        yield question, tuple(answers.split("|"))


def _opposites(_: random.Random) -> list[Item]:
    """Each pair in both directions where the way back has one plain answer; a pair is one key."""
    accepted: dict[str, dict[str, None]] = {}
    levels: dict[str, int] = {}
    for level, line in words.OPPOSITES.items():
        for question, answers in _pairs(line):
            accepted.setdefault(question, {}).update(dict.fromkeys(answers))
            levels.setdefault(question, level)
            accepted.setdefault(answers[0], {})[question] = None
            levels.setdefault(answers[0], level)
    root = _clusters(accepted)
    return [
        Item(level=levels[word], key=root[word], fields=(word,), answers=tuple(answers))
        for word, answers in accepted.items()
    ]


def _clusters(links: dict[str, dict[str, None]]) -> dict[str, str]:
    """Name each word's cluster of linked words by its first member."""
    root: dict[str, str] = {}
    for start in links:
        todo = [start]
        while todo:
            word = todo.pop()
            if word not in root:
                root[word] = root.get(start, start)
                todo += links.get(word, ())
    return root


def _translations(_: random.Random) -> list[Item]:
    made = []
    for level, line in words.TRANSLATIONS.items():
        for english, (joined,) in _pairs(line.replace("|", "\x1f")):
            for language, answers in zip(words.LANGUAGES, joined.split("/"), strict=True):
                accepted = tuple(answers.split("\x1f"))
                made.append(
                    Item(level=level, key=english, fields=(english, language), answers=accepted, group=language)
                )
    return made


def _sums(rng: random.Random) -> list[Item]:
    ranges = {1: (1, 5, 1, 5), 2: (2, 9, 2, 9), 3: (11, 49, 2, 9), 4: (12, 69, 12, 69), 5: (105, 699, 105, 299)}
    return _arithmetic(rng, ranges=ranges, of=lambda a, b: a + b, commutes=True)


def _differences(rng: random.Random) -> list[Item]:
    ranges = {1: (3, 6, 1, 3), 2: (6, 9, 1, 9), 3: (11, 39, 2, 9), 4: (40, 99, 11, 39), 5: (400, 999, 105, 399)}
    return _arithmetic(rng, ranges=ranges, of=lambda a, b: a - b, commutes=False)


def _products(rng: random.Random) -> list[Item]:
    ranges = {1: (1, 5, 1, 5), 2: (2, 9, 2, 9), 3: (6, 12, 6, 12), 4: (11, 29, 3, 9), 5: (12, 49, 12, 49)}
    return _arithmetic(rng, ranges=ranges, of=lambda a, b: a * b, commutes=True)


def _arithmetic(
    rng: random.Random,
    *,
    ranges: dict[int, tuple[int, int, int, int]],
    of: Callable[[int, int], int],
    commutes: bool,
) -> list[Item]:
    """Up to 60 pairs of operands a level, none in two levels; 3 + 4 and 4 + 3 share a key."""
    made: dict[tuple[int, int], Item] = {}
    for level, (low, high, low2, high2) in ranges.items():
        pairs = [
            (a, b)
            for a, b in itertools.product(range(low, high + 1), range(low2, high2 + 1))
            if of(a, b) >= 0 and (a, b) not in made and (b, a) not in made
        ]
        for a, b in rng.sample(pairs, min(60, len(pairs))):
            key = f"{min(a, b)},{max(a, b)}" if commutes else f"{a},{b}"
            made[a, b] = Item(level=level, key=key, fields=(str(a), str(b)), answers=(str(of(a, b)),))
    return list(made.values())


def _doubles(rng: random.Random) -> list[Item]:
    ranges = {1: range(1, 10), 2: range(10, 35), 3: range(35, 100), 4: range(101, 500)}
    return [
        Item(level=level, key=str(n), fields=(str(n),), answers=(str(2 * n),))
        for level, numbers in ranges.items()
        for n in rng.sample(numbers, min(45, len(numbers)))
    ]


def _sequences(rng: random.Random) -> list[Item]:
    steps = {1: (1, 2, 10), 2: (5, 3, 20), 3: (4, 6, -1, -2), 4: (7, 8, 9, -3), 5: (11, 12, 13, -7)}
    made: dict[str, Item] = {}
    for level, choices in steps.items():
        for _ in range(55):
            step = rng.choice(choices)
            start = rng.randint(1, 12) * (step if step in (10, 20) else 1) + (40 if step < 0 else 0)
            terms = [start + place * step for place in range(5)]
            text = ", ".join(map(str, terms[:4]))
            made.setdefault(text, Item(level=level, key=text, fields=(text,), answers=(str(terms[4]),)))
    return list(made.values())


ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spelled(number: int) -> str:
    """Name a number below 1,000 in English words."""
    if number < 20:
        return ONES[number]
    if number < 100:
        ten = TENS[number // 10 - 2]
        return f"{ten}-{ONES[number % 10]}" if number % 10 else ten
    rest = f" and {spelled(number % 100)}" if number % 100 else ""
    return f"{ONES[number // 100]} hundred{rest}"


def _numerals(rng: random.Random) -> list[Item]:
    ranges = {1: range(1, 13), 2: range(13, 60), 3: range(60, 100), 4: range(100, 400), 5: range(400, 1000)}
    return [
        Item(level=level, key=str(n), fields=(spelled(n),), answers=(str(n),))
        for level, numbers in ranges.items()
        for n in rng.sample(numbers, min(40, len(numbers)))
    ]


def _comparisons(rng: random.Random) -> list[Item]:
    highs = {1: (1, 9), 2: (10, 99), 3: (1, 999), 4: (100, 9999)}
    made: dict[str, Item] = {}
    for level, (low, high) in highs.items():
        for _ in range(50):
            a, b = rng.sample(range(low, high + 1), 2)
            key = f"{min(a, b)},{max(a, b)}"
            made.setdefault(f"{a},{b}", Item(level=level, key=key, fields=(str(a), str(b)), answers=(str(max(a, b)),)))
    return list(made.values())


def _sizes(rng: random.Random) -> list[Item]:
    """Which of two things is larger; the nearer they are, the harder."""
    things = [thing.strip() for thing in words.SIZES.split(";")]
    made: dict[str, Item] = {}
    gaps = {1: (20, 40), 2: (12, 19), 3: (7, 11), 4: (4, 6)}
    for level, (low, high) in gaps.items():
        pairs = [(a, b) for a, b in itertools.combinations(range(len(things)), 2) if low <= b - a <= high]
        for a, b in rng.sample(pairs, 50):
            small, large = things[a], things[b]
            first, second = (small, large) if rng.random() < 0.5 else (large, small)
            item = Item(level=level, key=f"{small},{large}", fields=(first, second), answers=(large,))
            made.setdefault(item.key, item)
    return list(made.values())


def _weekdays(rng: random.Random) -> list[Item]:
    return _cycle(rng, names=words.WEEKDAYS, gaps={1: (1,), 2: (-1,), 3: (2,), 4: (3, -2), 5: (5, 10)})


def _months(rng: random.Random) -> list[Item]:
    return _cycle(rng, names=words.MONTHS, gaps={1: (1,), 2: (-1,), 3: (2,), 4: (3, -2), 5: (5, 7)})


def _cycle(rng: random.Random, *, names: list[str], gaps: dict[int, tuple[int, ...]]) -> list[Item]:
    made = []
    unit = "day" if len(names) == 7 else "month"
    for level, choices in gaps.items():
        for gap, (place, name) in itertools.product(choices, enumerate(names)):
            count = "" if abs(gap) == 1 else f"{spelled(abs(gap))} {unit}s "
            phrase = f"{count}{'after' if gap > 0 else 'before'} {name}"
            answer = names[(place + gap) % len(names)]
            made.append(Item(level=level, key=phrase, fields=(phrase, unit), answers=(answer,)))
    rng.shuffle(made)
    return made


def _letters(_: random.Random) -> list[Item]:
    """Neighbours in the alphabet."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    made = []
    for level, gap, phrase in (
        (1, 1, "after"),
        (2, -1, "before"),
        (3, 2, "two places after"),
        (4, -2, "two places before"),
    ):
        for place, letter in enumerate(alphabet):
            if 0 <= place + gap < len(alphabet):
                answer = alphabet[place + gap]
                made.append(
                    Item(level=level, key=f"{phrase} {letter}", fields=(f"{phrase} {letter}",), answers=(answer,))
                )
    return made


def _spelling(rng: random.Random, pick: Callable[[str], str]) -> list[Item]:
    """Questions about a word's letters, over common words and the category members."""
    pool = {word: level for level, line in words.COMMON_WORDS.items() for word in line.split()}
    for members in words.CATEGORIES.values():
        for word in members.lower().split():
            pool.setdefault(word, 2 if len(word) <= 5 else 3 if len(word) <= 7 else 4)
    chosen = sorted(pool)
    rng.shuffle(chosen)
    return [Item(level=pool[word], key=word, fields=(word,), answers=(pick(word),)) for word in chosen]


def _first_letters(rng: random.Random) -> list[Item]:
    return _spelling(rng, lambda word: word[0])


def _last_letters(rng: random.Random) -> list[Item]:
    return _spelling(rng, lambda word: word[-1])


def _lengths(rng: random.Random) -> list[Item]:
    return _spelling(rng, lambda word: str(len(word)))


def _capitalised(rng: random.Random) -> list[Item]:
    return _spelling(rng, str.upper)


def _categories(_: random.Random) -> list[Item]:
    made = []
    for category, line in words.CATEGORIES.items():
        members = line.split()
        also = tuple(filter(None, words.CATEGORY_ALSO.get(category, "").split("|")))
        for place, member in enumerate(members):
            level = 1 + 4 * place // len(members)
            if member in ("iron", "violet", "lead"):
                continue
            made.append(Item(level=level, key=member, fields=(member,), answers=(category, *also)))
    return made


def _odd_ones(rng: random.Random) -> list[Item]:
    """Three or four of a kind and one stranger; kinds near to each other, or rare members, make it hard."""
    near = {
        "fruit": "vegetable",
        "bird": "animal",
        "drink": "fruit",
        "tool": "furniture",
        "metal": "tool",
        "sport": "job",
    }
    made: dict[str, Item] = {}
    for level in (1, 2, 3, 4):
        for _ in range(55):
            kind = rng.choice(sorted(near) if level == 4 else sorted(words.CATEGORIES))
            close = {kind, near.get(kind)} | {other for other, mate in near.items() if mate == kind}
            other = (
                near[kind]
                if level == 4
                else rng.choice([name for name in sorted(words.CATEGORIES) if name not in close])
            )
            reach = 8 if level <= 2 else None
            members = rng.sample(words.CATEGORIES[kind].split()[:reach], 3 if level == 1 else 4)
            stranger = rng.choice(words.CATEGORIES[other].split()[:reach])
            if stranger in members:
                continue
            shown = [*members, stranger]
            rng.shuffle(shown)
            key = f"{stranger}/{','.join(sorted(members))}"
            made.setdefault(key, Item(level=level, key=key, fields=(", ".join(shown),), answers=(stranger,)))
    return list(made.values())


def _analogies(rng: random.Random) -> list[Item]:
    made = []
    for relation, line in words.RELATIONS.items():
        pairs = list(_pairs(line))
        for place, (word, answers) in enumerate(pairs):
            model, solved = rng.choice([pair for pair in pairs[: len(pairs) // 2 + 1] if pair[0] != word])
            level = 1 + 4 * place // len(pairs)
            made.append(Item(level=level, key=f"{relation}:{word}", fields=(model, solved[0], word), answers=answers))
    return made


def _sentiments(rng: random.Random) -> list[Item]:
    subjects = [subject.strip() for subject in words.SUBJECTS.split(";")]
    made: dict[str, Item] = {}
    for level, sides in words.SENTIMENTS.items():
        for side, line in sides.items():
            for predicate in line.split("; "):
                for subject in rng.sample(subjects, 3):
                    text = f"{subject[0].upper()}{subject[1:]} {predicate}."
                    made.setdefault(text, Item(level=level, key=predicate, fields=(text,), answers=(side,)))
    return list(made.values())


def _extractions(rng: random.Random) -> list[Item]:
    """Find one detail in a sentence; longer sentences carry details that are not asked for."""
    sentences = {
        1: "{name} {surname} lives in {city}.",
        2: "{name} {surname} flew to {city} on {day}.",
        3: "On {day} {name} {surname} met {name2} in {city} and bought {count} {thing}.",
        4: "{name} {surname}, who had left {city2} with {name2}, reached {city} late on {day} and "
        "paid for {count} {thing}.",
    }
    asked = {
        1: ("surname", "city"),
        2: ("surname", "city", "day"),
        3: ("surname", "city", "day", "count", "thing"),
        4: ("surname", "city", "day", "count", "thing"),
    }
    labels = {"surname": "Surname", "city": "City", "day": "Day", "count": "Quantity", "thing": "Goods"}
    made = []
    for level, sentence in sentences.items():
        for _ in range(60):
            name, name2 = rng.sample(words.PEOPLE, 2)
            city, city2 = rng.sample(words.CITIES, 2)
            details = {
                "name": name,
                "name2": name2,
                "city": city,
                "city2": city2,
                "surname": rng.choice(words.SURNAMES),
                "day": rng.choice(words.WEEKDAYS),
                "count": str(rng.randint(2, 60)),
                "thing": rng.choice(words.THINGS),
            }
            what = rng.choice(asked[level])
            text = sentence.format(**details)
            made.append(Item(level=level, key=text, fields=(text, labels[what]), answers=(details[what],), group=what))
    return made


def _copies(rng: random.Random) -> list[Item]:
    """Repeat a text: words, then codes."""
    pool = [word for line in words.COMMON_WORDS.values() for word in line.split()]
    made: dict[str, Item] = {}
    for level in (1, 2, 3, 4, 5):
        for _ in range(45):
            if level <= 3:
                text = " ".join(rng.sample(pool, (1, 2, 4)[level - 1]))
            elif level == 4:
                text = "".join(rng.choices("BCDFGHJKLMNPQRSTVWXZ", k=3)) + f"-{rng.randint(100, 999)}"
            else:
                text = "".join(rng.choices("bcdfghjklmnpqrstvwxz0123456789", k=9))
            made.setdefault(text, Item(level=level, key=text, fields=(text,), answers=(text,)))
    return list(made.values())


def _parities(rng: random.Random) -> list[Item]:
    ranges = {1: range(1, 10), 2: range(10, 100), 3: range(100, 1000)}
    return [
        Item(level=level, key=str(n), fields=(str(n),), answers=("odd" if n % 2 else "even",))
        for level, numbers in ranges.items()
        for n in rng.sample(numbers, min(60, len(numbers)))
    ]


FAMILIES: tuple[Family, ...] = (
    Family(
        name="sum",
        size=300,
        items=_sums,
        forms=(
            "{0} + {1} =",
            "Q: What is {0} plus {1}?\nA:",
            "{0}+{1}=",
            "{0} plus {1} is",
            "Input: {0} + {1}\nOutput:",
            "Add {0} and {1}.\nResult:",
        ),
        headers=("Add the numbers.", "Arithmetic practice"),
        deal=(1, 2, 1, 2, 3, 1, 2, 4, 1, 2, 5),
    ),
    Family(
        name="difference",
        size=120,
        items=_differences,
        forms=(
            "{0} - {1} =",
            "Q: What is {0} minus {1}?\nA:",
            "{0}-{1}=",
            "{0} minus {1} is",
            "Input: {0} - {1}\nOutput:",
        ),
        headers=("Subtract the numbers.", "Arithmetic practice"),
        deal=(1, 2, 1, 2, 3, 1, 2, 4, 1, 2, 5),
    ),
    Family(
        name="product",
        size=380,
        items=_products,
        forms=(
            "{0} x {1} =",
            "Q: What is {0} times {1}?\nA:",
            "{0} * {1} =",
            "{0} times {1} is",
            "Input: {0} * {1}\nOutput:",
            "Multiply {0} by {1}.\nResult:",
        ),
        headers=("Multiply the numbers.", "Times tables"),
        deal=(1, 2, 1, 2, 3, 1, 2, 4, 1, 2, 5),
    ),
    Family(
        name="double",
        size=80,
        items=_doubles,
        forms=("Double of {0}:", "Number: {0}\nTwice as much:", "Q: What is twice {0}?\nA:"),
        deal=(1, 1, 2, 3, 1, 2, 4),
    ),
    Family(
        name="sequence",
        size=60,
        items=_sequences,
        forms=("{0},", "Sequence: {0}\nNext:", "Q: What comes after {0}?\nA:"),
        headers=("Continue each sequence.",),
    ),
    Family(
        name="numeral",
        size=130,
        items=_numerals,
        forms=("{0} =", "Words: {0}\nDigits:", "Q: Write {0} in digits.\nA:", "{0} ->"),
    ),
    Family(
        name="comparison",
        size=90,
        items=_comparisons,
        forms=("Larger of {0} and {1}:", "Q: Which is greater, {0} or {1}?\nA:", "Numbers: {0}, {1}\nMaximum:"),
    ),
    Family(
        name="size",
        size=120,
        items=_sizes,
        forms=(
            "Q: Which is bigger, {0} or {1}?\nA:",
            "Things: {0}, {1}\nThe bigger one:",
            "Between {0} and {1}, the larger is",
        ),
    ),
    Family(
        name="weekday",
        size=60,
        items=_weekdays,
        forms=("The {1} {0} is", "Q: Which {1} comes {0}?\nA:", "{0}:"),
    ),
    Family(
        name="month",
        size=50,
        items=_months,
        forms=("The {1} {0} is", "Q: Which {1} comes {0}?\nA:", "{0}:"),
    ),
    Family(
        name="letter",
        size=40,
        items=_letters,
        forms=("The letter {0} is", "Q: Which letter comes {0}?\nA:", "{0}:"),
    ),
    Family(
        name="capital",
        size=220,
        items=listed(words.CAPITALS),
        forms=(
            "Country: {0}\nCapital:",
            "Q: What is the capital of {0}?\nA:",
            "The capital of {0} is",
            "{0} ->",
            "{0}:",
        ),
        headers=("Name the capital.", "Geography quiz", "Countries and their capitals"),
        deal=(1, 2, 3, 2, 1, 4, 3, 5),
    ),
    Family(
        name="opposite",
        size=200,
        items=_opposites,
        forms=(
            "Word: {0}\nOpposite:",
            "The opposite of {0} is",
            "Q: What is the opposite of {0}?\nA:",
            "{0} / not",
            "{0} <->",
        ),
        headers=("Give the opposite of each word.", "Antonyms"),
        deal=(1, 2, 3, 2, 1, 4, 3, 5),
    ),
    Family(
        name="translation",
        size=220,
        items=_translations,
        forms=("English: {0}\n{1}:", "Q: What is {0} in {1}?\nA:", "{0} in {1} is", "{0} =", "The {1} word for {0} is"),
        headers=("Translate the words.", "Vocabulary"),
        deal=(1, 2, 3, 2, 1, 4, 3, 5),
    ),
    Family(
        name="sentiment",
        size=170,
        items=_sentiments,
        forms=("Review: {0}\nSentiment:", "{0} ->", "Q: Is this positive or negative? {0}\nA:", "Text: {0}\nLabel:"),
        headers=("Label each review positive or negative.",),
    ),
    Family(
        name="first_letter",
        size=150,
        items=_first_letters,
        forms=(
            "Word: {0}\nFirst letter:",
            "The first letter of {0} is",
            "Q: Which letter does {0} start with?\nA:",
            "{0} begins with",
        ),
    ),
    Family(
        name="last_letter",
        size=30,
        items=_last_letters,
        forms=("Word: {0}\nLast letter:", "The last letter of {0} is", "Q: Which letter does {0} end with?\nA:"),
    ),
    Family(
        name="length",
        size=40,
        items=_lengths,
        forms=("Word: {0}\nNumber of letters:", "Q: How many letters are in {0}?\nA:", "{0} has this many letters:"),
    ),
    Family(
        name="uppercase",
        size=110,
        items=_capitalised,
        exact_case=True,
        forms=("{0} ->", "Word: {0}\nIn capitals:", "Q: Write {0} in capital letters.\nA:"),
    ),
    Family(
        name="category",
        size=160,
        items=_categories,
        forms=("Thing: {0}\nKind:", "Q: What kind of thing is {0}?\nA:", "{0} is a kind of", "{0}:"),
        headers=("Name the category.",),
    ),
    Family(
        name="odd_one_out",
        size=60,
        items=_odd_ones,
        forms=("Words: {0}\nOdd one out:", "Q: Which does not belong: {0}?\nA:", "{0}. The stranger is"),
    ),
    Family(
        name="analogy",
        size=70,
        items=_analogies,
        forms=(
            "{0} is to {1} as {2} is to",
            "{0} : {1} = {2} :",
            "{0} -> {1}, {2} ->",
            "If {0} goes with {1}, then {2} goes with",
        ),
    ),
    Family(
        name="plural",
        size=150,
        items=listed(words.PLURALS),
        forms=("Singular: {0}\nPlural:", "one {0}, two", "Q: What is the plural of {0}?\nA:", "{0} ->"),
    ),
    Family(
        name="past_tense",
        size=150,
        items=listed(words.PASTS),
        forms=("Present: {0}\nPast:", "Today I {0}, yesterday I", "Q: What is the past tense of {0}?\nA:", "{0} ->"),
    ),
    Family(
        name="currency",
        size=110,
        items=listed(words.CURRENCIES),
        forms=("Country: {0}\nCurrency:", "Q: What is the currency of {0}?\nA:", "The currency of {0} is the"),
        headers=("Name the currency.",),
        deal=(1, 2, 3, 2, 1, 4, 3, 5),
    ),
    Family(
        name="colour",
        size=130,
        items=listed(words.COLOURS),
        forms=("Thing: {0}\nColour:", "The colour of {0} is", "Q: What colour is {0}?\nA:"),
    ),
    Family(
        name="symbol",
        size=120,
        items=listed(words.SYMBOLS),
        forms=("Element: {0}\nSymbol:", "The chemical symbol of {0} is", "Q: What is the symbol for {0}?\nA:", "{0} ="),
        deal=(1, 2, 3, 2, 1, 4, 3),
    ),
    Family(
        name="extraction",
        size=130,
        items=_extractions,
        forms=("Text: {0}\n{1}:", "{0}\n{1}:", "Sentence: {0} {1}:"),
    ),
    Family(
        name="copy",
        size=110,
        items=_copies,
        exact_case=True,
        forms=("Say: {0}\nRepeat:", "Input: {0}\nOutput:", "{0} ->"),
    ),
    Family(
        name="parity",
        size=60,
        items=_parities,
        forms=("{0} is", "Number: {0}\nOdd or even:", "Q: Is {0} odd or even?\nA:"),
    ),
)
