"""The report of a run: the page, the Markdown, the plots, and what they do without parts of the evaluation."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from router import config as configuration
from router.bundle import load
from router.errors import InputError
from router.planning import DEFAULT_BUNDLE, plan_of
from router.report.interval import Interval
from router.report.scale import Scale
from router.report.table import Table, inert
from router.report.wording import between, change, clean, dollars, fitted, listed, points, share, width_of
from tests.training.simulated_evaluation import context, evaluation
from training.__main__ import app
from training.commands.console import SAMPLE
from training.evaluate import evaluate as judge
from training.records import Records, read
from training.report import PLOTS, ReportContext, render
from training.report.certificate import certificate
from training.report.hull import mixed, upper_hull
from training.report.placing import Box, Placing
from training.report.plots.slices import slices
from training.report.reading import Reading
from training.report.verdict import verdict

SAMPLE_FILE = Path(__file__).parents[2] / SAMPLE
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script> | \" ' & ` ]]> --> \x00\x1b[31m \u202e https://evil.example/x.png"
FETCHING = ("src", "href", "xlink:href", "data", "action", "poster", "srcset", "background")


class Tags(HTMLParser):
    """Every tag of a page with its attributes, as a browser reads them."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    handle_startendtag = handle_starttag


@pytest.fixture(scope="module")
def whole():
    """A whole evaluation, as it comes out of a file."""
    return json.loads(json.dumps(evaluation()))


@pytest.fixture(scope="module")
def written(whole, tmp_path_factory):
    """The report of a whole evaluation."""
    return render(whole, context=context(), out=tmp_path_factory.mktemp("report"))


def elements(page):
    """The page's elements; it is XML as well as HTML."""
    return ET.fromstring(page.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>"))


def text_of(page):
    return " ".join("".join(elements(page).find("body").itertext()).split())


def test_a_whole_evaluation_has_every_plot_on_the_page_and_as_a_file(written):
    """No plot is missing; each is on the page for wide and for narrow screens."""
    drawn = [svg.get("aria-labelledby").split()[0] for svg in elements(written.html).iter("svg")]

    assert written.missing == ()
    assert list(PLOTS) == [path.stem for path in written.plots]
    for name in PLOTS:
        assert drawn.count(f"{name}-wide-title") == 1
        assert drawn.count(f"{name}-narrow-title") == 1


def test_the_page_needs_nothing_from_anywhere(written):
    """One file without scripts, links and addresses, and a policy that forbids the browser to fetch."""
    text = written.html.read_text(encoding="utf-8")
    tags = Tags(text).found

    assert [tag for tag, _ in tags if tag in {"script", "link", "iframe", "object", "img", "base"}] == []
    assert [name for _, attributes in tags for name in attributes if name in FETCHING or name.startswith("on")] == []
    assert re.findall(r"url\(|@import|https?:", text) == []
    assert "default-src 'none'; style-src 'unsafe-inline'" in [attributes.get("content") for _, attributes in tags]


def test_every_plot_is_a_whole_svg_with_title_description_and_text(written):
    """Well-formed, named for those who cannot see it, its words kept as words, and in both lights by itself."""
    for path in written.plots:
        root = ET.fromstring(path.read_text(encoding="utf-8"))
        assert f"{SVG}svg" == root.tag
        assert root.find(f"{SVG}title").text
        assert root.find(f"{SVG}desc").text
        assert root.find(f".//{SVG}text").text
        assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text


def test_no_mark_or_word_is_drawn_outside_its_plot(written):
    """Marks and anchors of text lie on the canvas, at every width."""
    for svg in elements(written.html).iter("svg"):
        width, height = (float(side) for side in svg.get("viewBox").split()[2:])
        for mark in svg.iter():
            for name, most in (("x", width), ("cx", width), ("x1", width), ("y", height), ("cy", height)):
                if mark.get(name) is not None:
                    assert 0 <= float(mark.get(name)) <= most, (svg.get("aria-labelledby"), mark.attrib)


def test_ids_are_unique_and_every_label_points_at_one(written):
    """What a screen reader is referred to is there, once."""
    root = elements(written.html)
    ids = [each.get("id") for each in root.iter() if each.get("id")]

    assert len(ids) == len(set(ids))
    for svg in root.iter("svg"):
        assert set(svg.get("aria-labelledby").split()) <= set(ids)


def test_the_first_screen_answers_whether_the_saving_is_real(written, whole):
    """Headline, quality and cost against the strongest tier with intervals, and the certificate with its assumption."""
    header = " ".join("".join(elements(written.html).find("body/header").itertext()).split())
    policy = whole["policy"]

    assert "The saving is real" in header
    for key in ("share_of_strong_quality", "cost_of_strong"):
        low, high = policy[f"{key}_interval"]
        assert f"{policy[key]:.1%}" in header
        assert f"95% interval {low:.1%} to {high:.1%}" in header
    assert "Certified" in header
    assert "exchangeable" in header


def test_simulated_data_carries_a_banner_on_both_and_real_data_none(written, whole, tmp_path):
    """Nobody takes an exercise for a result, whoever said that it is one."""
    real = render(whole, context=context(simulated=False), out=tmp_path / "real")
    told = render({**whole, "simulated": True}, context=context(simulated=False), out=tmp_path / "told")

    for rendered, expected in ((written, True), (told, True), (real, False)):
        assert expected == ("SIMULATED DATA" in rendered.html.read_text(encoding="utf-8"))
        assert expected == ("SIMULATED DATA" in rendered.markdown.read_text(encoding="utf-8"))


def test_the_markdown_has_the_tables_and_names_the_plots(written):
    """Every table has as many cells in each row as in its head, and every picture is a file that is there."""
    text = written.markdown.read_text(encoding="utf-8")
    lines = text.splitlines()
    rules = [place for place, line in enumerate(lines) if re.fullmatch(r"\|( -+:? \|)+", line)]
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)

    assert len(rules) > 12
    for rule in rules:
        rows = [lines[rule - 1]]
        for line in lines[rule + 1 :]:
            if not line.startswith("|"):
                break
            rows.append(line)
        assert len(rows) > 1
        assert {lines[rule].count("|")} == {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert [f"plots/{name}.svg" for name in PLOTS] == sorted(pictures, key=lambda p: PLOTS.index(p[6:-4]))
    assert all((written.markdown.parent / picture).is_file() for picture in pictures)


def test_hostile_names_are_text_and_nothing_else(whole, tmp_path):
    """A task called <script> is shown as such: no markup, no column, no link, no control character."""
    bad = copy.deepcopy(whole)
    bad["slices"][0]["slice"] = bad["importance"][0]["name"] = bad["thresholds"][0]["note"] = HOSTILE
    bad["certificate"]["statement"] = bad["protocol"] = bad["policy_version"] = HOSTILE
    bad["certificate"]["tested"][0]["label"] = HOSTILE
    bad["tiers"][0] = HOSTILE
    bad["baselines"][HOSTILE] = {"quality": 0.5, "cost_per_1k": 1.0}
    bad["calibration"][HOSTILE] = bad["calibration"].pop("haiku")
    about = context(title=HOSTILE, run_id=HOSTILE, versions={HOSTILE: HOSTILE}, data={"source": HOSTILE})

    rendered = render(bad, context=about, out=tmp_path)

    html = rendered.html.read_text(encoding="utf-8")
    tags = Tags(html).found
    assert "script" not in {tag for tag, _ in tags}
    assert [name for _, attributes in tags for name in attributes if name in FETCHING or name.startswith("on")] == []
    assert "<script>alert(1)</script>" in text_of(rendered.html)
    markdown = rendered.markdown.read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "https://" not in markdown
    for text in (html, markdown, *(path.read_text(encoding="utf-8") for path in rendered.plots)):
        assert re.findall(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text) == []
    for path in rendered.plots:
        ET.fromstring(path.read_text(encoding="utf-8"))


def test_an_empty_evaluation_is_a_report_that_says_what_is_missing(tmp_path):
    """No plot, no exception: a sentence for each."""
    rendered = render({}, context=ReportContext(), out=tmp_path)

    assert rendered.missing == PLOTS
    assert rendered.plots == ()
    told = text_of(rendered.html)
    for sentence in (
        "Whether the policy saves anything cannot be told",
        "No certificate was computed",
        "There was no champion to compare with.",
        "The evaluation has no slices",
        "The evaluation has no reliability bins",
        "The run names no rungs",
    ):
        assert sentence in told
        assert sentence in rendered.markdown.read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [None, []])
@pytest.mark.parametrize("key", list(evaluation()))
def test_without_any_one_part_the_rest_is_reported(key, value, tmp_path, whole):
    """Each part may be absent or empty, alone."""
    rendered = render({**whole, key: value}, context=context(), out=tmp_path)

    assert len(rendered.missing) <= 3
    assert elements(rendered.html).find("body/main") is not None


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.one_of(st.none(), st.floats(), st.lists(st.floats(), max_size=3)), max_size=4),
    st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.floats()), max_size=2),
)


def places(value, path=()):
    """The path of everything in a JSON value, the first three of each list."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    return [path, *(deeper for key, each in inside for deeper in places(each, (*path, key)))]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_value_anywhere_in_the_evaluation_breaks_the_report(data, whole, tmp_path):
    """Whatever stands in place of a few figures, the page is whole and well-formed."""
    broken = copy.deepcopy(whole)
    for path in data.draw(st.lists(st.sampled_from(places(whole)[1:]), min_size=1, max_size=6)):
        target = broken
        for key in path[:-1]:
            target = target[key] if isinstance(target, dict) and key in target else None
            if target is None:
                break
        if isinstance(target, dict):
            target[path[-1]] = data.draw(JUNK)

    rendered = render(broken, context=context(champion=broken), out=tmp_path)

    assert elements(rendered.html).find("body/header") is not None
    for path in rendered.plots:
        assert "nan" not in path.read_text(encoding="utf-8").split("</style>")[1].split("<desc")[0]


def test_a_second_report_leaves_no_plot_of_the_first(whole, tmp_path):
    """What the new evaluation lacks is not shown from the old one."""
    render(whole, context=context(), out=tmp_path)
    rendered = render({**whole, "slices": []}, context=context(), out=tmp_path)

    assert rendered.missing == ("slices",)
    assert sorted(path.name for path in rendered.plots) == sorted(p.name for p in (tmp_path / "plots").iterdir())


def test_the_same_input_gives_the_same_bytes(whole, written, tmp_path):
    """Nothing in a report depends on when or where it is made."""
    again = render(whole, context=context(), out=tmp_path)

    assert written.html.read_bytes() == again.html.read_bytes()
    assert written.markdown.read_bytes() == again.markdown.read_bytes()


def test_a_folder_that_cannot_be_made_is_one_sentence(whole, tmp_path):
    """A file in the way is named."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(InputError, match=r"file: the report cannot be written here \(.+\); choose another folder"):
        render(whole, context=context(), out=tmp_path / "file")


def policy(**changes):
    """An evaluation of two tiers whose mixing reaches 0.65 quality at cost 5.5."""
    base = {"quality": 0.79, "cost_per_1k": 5.5, "share_of_strong_quality": 0.99, "cost_of_strong": 0.55}
    return {
        "n": 500,
        "tiers": ["small", "large"],
        "policy": base
        | {"share_of_strong_quality_interval": [0.97, 1.01], "cost_of_strong_interval": [0.5, 0.6]}
        | changes,
        "baselines": {
            "always_cheap": {"quality": 0.5, "cost_per_1k": 1.0},
            "always_strong": {"quality": 0.8, "cost_per_1k": 10.0},
        },
    }


@pytest.mark.parametrize(
    ("changes", "headline", "tones"),
    [
        ({}, "The saving is real", ("mixed", "good", "unknown")),
        ({"share_of_strong_quality_interval": [1.01, 1.1]}, "Cheaper and better", ("good", "good", "unknown")),
        (
            {"share_of_strong_quality_interval": [0.9, 0.98]},
            "The saving is real, and so is the loss",
            ("bad", "good", "unknown"),
        ),
        ({"cost_of_strong_interval": [0.4, 1.2]}, "The saving may be chance", ("mixed", "mixed", "unknown")),
        ({"cost_of_strong_interval": [1.1, 1.2]}, "No saving", ("mixed", "bad", "unknown")),
        ({"quality": 0.6}, "No better than mixing tiers at random", ("mixed", "good", "unknown")),
    ],
)
def test_the_headline_follows_the_intervals(changes, headline, tones):
    """A saving is called real only when its interval leaves no other reading, and a router only what beats a mix."""
    told = verdict(Reading(policy(**changes)), ReportContext())

    assert told.headline.startswith(f"{headline}: 99.0% of large’s quality at")
    assert tones == tuple(claim.tone for claim in told.claims)


def test_a_point_estimate_alone_is_never_called_real():
    """Without intervals the headline says so."""
    told = verdict(Reading(policy(cost_of_strong_interval=None)), ReportContext())

    assert told.headline == "99.0% of large’s quality at 55.0% of its cost, without intervals: it may be chance"


@pytest.mark.parametrize(("interval", "chance"), [([-0.01, 0.2], True), ([0.05, 0.2], False), (None, False)])
def test_a_router_that_may_owe_its_lead_to_chance_is_said_to(interval, chance):
    """The paired interval against mixing the tiers decides; without one nothing is said of chance."""
    evaluated = policy()
    evaluated["baselines"]["zero_router"] = {"quality": 0.65, "cost_per_1k": 5.5, "policy_gain_interval": interval}
    told = verdict(Reading(evaluated), ReportContext()).sentence

    assert "Mixing the tiers at random to the same cost would be 14.0 points worse" in told
    assert chance == ("which may be chance" in told)


def test_a_slice_is_judged_by_its_paired_interval():
    """The interval of the difference is sharper than two beside each other, and goes before them."""
    row = {"slice": "law", "n": 90, "quality": 0.7, "strong_quality": 0.72, "quality_interval": [0.6, 0.8]}

    def judged(**more):
        return slices(Reading({"slices": [{**row, **more}]})).says

    assert judged().startswith("In none of the 1 slice is")
    assert judged(gain_over_strong_interval=[-0.04, -0.01]).startswith("In 1 of 1 slice the strongest")
    assert judged(quality_interval=[0.65, 0.71]).startswith("In 1 of 1 slice the strongest")
    assert judged(quality_interval=[0.65, 0.71], gain_over_strong_interval=[-0.04, 0.01]).startswith("In none of")


def test_a_missed_target_an_exceeded_budget_and_a_contradicted_certificate_are_said():
    """The sentence and the tiles do not hide what went wrong."""
    about = ReportContext(target_quality=0.98, budget=5.0, certificate={"certified": True, "statement": "holds"})
    told = verdict(Reading(policy(share_of_strong_quality=0.9, share_of_strong_quality_interval=[0.88, 0.92])), about)

    assert "The target of 98.0% is missed beyond chance." in told.sentence
    assert "The certificate and these rows contradict each other" in told.sentence
    assert "budget $5.00 exceeded" in told.cost.note
    assert tuple(claim.tone for claim in told.claims) == ("bad", "bad", "good")


def test_an_absolute_target_is_held_against_quality_itself():
    """0.75 is met by 0.79 although it is no share of the strongest tier."""
    told = verdict(Reading(policy()), ReportContext(target_quality=0.75, target_kind="absolute"))

    assert "The target of 75.0% quality is met here." in told.sentence


def test_a_refused_certificate_says_how_many_labels_it_needs():
    """Not certified, and what to do about it."""
    about = ReportContext(certificate={"certified": False, "statement": "nothing passed", "labels_needed": 2400})
    claim = verdict(Reading(policy()), about).certificate

    assert claim.figure == "Not certified"
    assert claim.bounds == "needs about 2,400 labels"


def test_the_assumption_of_a_certificate_is_always_said_and_never_of_a_refusal():
    """A certificate without a statement still says what it rests on; a refusal rests on nothing."""

    def told(**facts):
        return certificate(Reading({"certificate": facts}), ReportContext()).says

    assert told(certified=True, statement="It holds.").startswith("It holds. Holds for requests like those")
    assert told(certified=True, statement="For exchangeable requests.") == "For exchangeable requests."
    assert (
        told(certified=False, statement="No.", labels_needed=900) == "No. About 900 labels are needed for this target."
    )
    assert told(certified=False, statement="About 900 would do.", labels_needed=900) == "About 900 would do."
    assert told(certified=False) == "Nothing was certified, and the certificate does not say why."


def test_the_champion_is_compared_with_signs_and_paired_intervals(written):
    """Differences carry a sign; the interval is the paired one, and the sentence says what is chance."""
    text = written.markdown.read_text(encoding="utf-8")

    assert "quality +0.6 points (within chance)" in text
    assert "(beyond chance)" in text
    assert re.search(r"\| quality \| [\d.]+% \| [\d.]+% \| \+0\.6 points \| −0\.4 to \+1\.6 points \|", text)


def test_a_champion_judged_on_other_rows_is_not_compared_in_silence(whole, tmp_path):
    """Another number of rows is another test."""
    rendered = render(whole, context=context(champion={**whole, "n": 12}, comparison={}), out=tmp_path)

    assert "CAUTION: the champion was judged on 12 rows" in text_of(rendered.html)
    assert "No paired intervals were computed" in text_of(rendered.html)


def test_todays_evaluation_of_the_shipped_bundle_is_reported(tmp_path):
    """The command reads what `tierwise train evaluate --json` prints: here, of 150 requests of the sample."""
    settled = configuration.load("preset:local")
    test = read(SAMPLE_FILE, settled.tiers).split("test")
    rows = Records(test.tiers, test.queries[:150])
    result = judge(rows, plan_of(settled, bundle=load(DEFAULT_BUNDLE)), split="test")
    (tmp_path / "evaluation.json").write_text(json.dumps(result))
    about = {"title": "The shipped bundle", "target_quality": 1.03, "target_kind": "share", "data": {"rows": 8}}
    (tmp_path / "context.json").write_text(json.dumps(about))
    words = ["report", "--evaluation", str(tmp_path / "evaluation.json"), "--out", str(tmp_path / "out")]
    words += ["--context", str(tmp_path / "context.json"), "--champion", str(tmp_path / "evaluation.json"), "--json"]

    told = json.loads(CliRunner().invoke(app, words, catch_exceptions=False).stdout)

    assert set(told) == {"html", "markdown", "plots", "missing"}
    assert told["missing"] == ["rungs"]
    assert "The shipped bundle" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"context\.json: cannot be read"),
        ("{", r"context\.json: is not JSON"),
        ("[1]", r"context\.json: holds no JSON object"),
        ('{"titel": "x"}', r"`titel` is no part of a report's context; it has budget, certificate"),
        ('{"title": 3}', r"`title` has to be text"),
        ('{"budget": true}', r"`budget` has to be a number"),
        ('{"rungs": {}}', r"`rungs` has to be a list"),
        ('{"champion": []}', r"`champion` has to be an object"),
        ('{"simulated": "yes"}', r"`simulated` has to be true or false"),
        ('{"target_kind": "relative"}', r"`target_kind` has to be share or absolute"),
    ],
)
def test_a_context_that_cannot_be_read_is_one_sentence(content, sentence, tmp_path):
    """File, key and kind are named."""
    (tmp_path / "evaluation.json").write_text("{}")
    if content is not None:
        (tmp_path / "context.json").write_text(content)
    words = ["report", "--evaluation", str(tmp_path / "evaluation.json"), "--out", str(tmp_path / "out")]

    with pytest.raises(InputError, match=sentence):
        CliRunner().invoke(app, [*words, "--context", str(tmp_path / "context.json")], catch_exceptions=False)


def test_figures_are_written_as_people_read_them():
    """Shares, prices, differences and intervals, with a minus as wide as the plus."""
    assert share(0.98312) == "98.3%"
    assert share(0.00042) == "0.042%"
    assert share(None) == "not known"
    assert dollars(1234.5) == "$1,234.50"
    assert dollars(-0.003860287) == "−$0.00386"
    assert points(0.0061) == "+0.6 points"
    assert points(-0.0001) == "0.0 points"
    assert change(-0.125) == "−12.5%"
    assert between(Interval(-0.004, 0.016), points) == "−0.4 to +1.6 points"
    assert listed(["a", "b", "c", "d"], most=2) == "a, b and 2 more"


@given(st.text(), st.floats(10, 400))
def test_words_fitted_to_a_plot_are_no_wider_than_their_room(words, room):
    """What is cut off is shown to be by an ellipsis, which one character always goes before."""
    line = fitted(words, room)

    assert len(line) <= 2 or width_of(line) <= room
    assert line == " ".join(clean(words).split()) or line.endswith("…")


def test_names_are_made_safe_for_text_and_markdown():
    """What XML forbids, what turns the writing direction, and what Markdown would render."""
    assert clean("a\x00b\u202e") == "a\ufffdb\ufffd"
    assert inert("*a*\n| <b> h://c") == r"\*a\* \| &lt;b&gt; h&#58;//c"


def test_a_column_with_nothing_in_it_is_left_out_of_a_trimmed_table():
    """Its neighbours keep what they are, prose or figures."""
    table = Table("x", ("name", "interval", "note"), (("a", "", "why"), ("b", "", "")), words=(2,)).trimmed()

    assert (table.head, table.rows, table.words) == (("name", "note"), (("a", "why"), ("b", "")), (1,))


def test_a_table_whose_rows_do_not_fit_its_head_is_refused():
    """A shifted column would put one figure under another's name."""
    with pytest.raises(ValueError, match="has 2 cells"):
        Table("x", ("a", "b"), (("1",),))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 10))
def test_ticks_are_few_round_and_within_the_range(low, room, about):
    """Never more than asked for plus one, in steps of 1, 2 or 5."""
    ticks = Scale(low, low + room, 0, 100).ticks(about)

    assert len(ticks) <= about + 1
    assert all(low - room * 1e-3 <= tick <= low + room * (1 + 1e-3) for tick in ticks)
    assert all(first < second for first, second in pairwise(ticks))


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=12))
def test_labels_never_lie_over_one_another_or_outside(places):
    """Whatever crowd of points, each label that finds room has it alone."""
    bounds = Box(0, 0, 300, 200)
    placing = Placing(bounds, places)
    found = [placing.place(place, "label") for place in places]

    boxes = placing._taken[len(places) :]
    assert len(boxes) == sum(each is not None for each in found)
    assert all(box.inside(bounds) for box in boxes)
    assert not any(first.meets(second) for place, first in enumerate(boxes) for second in boxes[:place])


def test_mixing_tiers_reaches_their_upper_hull():
    """A tier below the line between two others is never mixed in, and a dearer, worse one never used."""
    assert upper_hull([(10, 0.8), (1, 0.5), (5, 0.6), (12, 0.7)]) == [(1, 0.5), (10, 0.8)]
    assert pytest.approx(mixed(Reading(policy()), 5.5)) == 0.65
    assert mixed(Reading(policy()), 0.5) is None
    assert mixed(Reading(policy()), 50.0) == 0.8


def test_the_context_is_a_value():
    """Changing a copy leaves the first as it was."""
    first = ReportContext(title="a")

    assert (first.title, replace(first, title="b").title) == ("a", "b")
