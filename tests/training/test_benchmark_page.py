"""The page of benchmarks: made from saved outcomes alone, true to them, and readable in both lights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from router.errors import InputError
from tests.training.simulated_proof import simulated
from training.benchmarks import page, saved
from training.benchmarks.page_plot import plot
from training.benchmarks.page_tables import compared, further, summary, verdicts
from training.benchmarks.page_words import decimals, split, written
from training.benchmarks.proof import Proof
from training.commands.benchmark import app

DOCS = Path(__file__).parents[2] / "docs"
NAME = "routellm-mmlu"


def outcome(**changed) -> Proof:
    return simulated(NAME, **changed)


def made(**changed) -> dict[str, str]:
    return page.made({NAME: outcome(**changed)}, folder="benchmarks")


def cells(text: str, first: str) -> list[str]:
    """The row of a Markdown table that begins with that cell."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_committed_page_is_what_the_committed_outcomes_make():
    """Byte for byte, plots included: a figure cannot be changed on the page alone."""
    files = page.made(saved.load_all(DOCS / "benchmarks"), folder="benchmarks")
    committed = {f"benchmarks/{path.name}": path.read_text(encoding="utf-8") for path in DOCS.glob("benchmarks/*.svg")}
    assert {"": (DOCS / "benchmarks.md").read_text(encoding="utf-8"), **committed} == files


def test_what_is_saved_is_read_back(tmp_path):
    """Every field, with what does not exist as None; and a second saving replaces the first."""
    path = saved.save(outcome(), tmp_path)
    assert saved.load(path).as_dict() == outcome().as_dict()
    saved.save(outcome(n_test=7), tmp_path)
    assert saved.load(path).n_test == 7
    assert [each.name for each in tmp_path.iterdir()] == [f"{NAME}.json"]


def test_an_outcome_whose_intervals_are_pairs_is_read_too(tmp_path):
    """Files that were saved before ends of intervals had names make the same page."""
    path = saved.save(outcome(), tmp_path)
    told = json.loads(path.read_text())
    assert told["intervals"]["apgr"] == {"low": 0.64, "high": 0.68}
    path.write_text(json.dumps(told | {"intervals": {"apgr": [0.64, 0.68], "cpt50": [29.5, 32.5]}}))
    assert saved.load(path).as_dict() == outcome().as_dict()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda told: told | {"name": "other"}, "of the benchmark 'other'"),
        (lambda told: told | {"n_test": "many"}, "n_test is 'many'"),
        (lambda told: {"name": NAME}, "no benchmark's outcome"),
        (lambda told: [told], "no benchmark's outcome"),
        (lambda told: told | {"more": 1}, r"no benchmark's outcome \(more\)"),
    ],
)
def test_a_damaged_outcome_is_one_sentence(tmp_path, spoil, words):
    """It names the file and what is wrong with it."""
    path = saved.save(outcome(), tmp_path)
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=f"{NAME}.json: .*{words}"):
        saved.load(path)
    path.write_text("{")
    with pytest.raises(InputError, match="it is no JSON"):
        saved.load_all(tmp_path)


def test_the_page_does_not_hang_on_anything_else(tmp_path):
    """The same outcomes make the same bytes; a plot whose outcome is gone goes too."""
    saved.save(outcome(), tmp_path / "results")
    written = page.write(tmp_path / "results", tmp_path / "page.md")
    assert [path.relative_to(tmp_path).as_posix() for path in written] == ["page.md", f"page/{NAME}.svg"]
    assert [path.read_text() for path in written] == list(
        page.made({NAME: saved.load(tmp_path / "results" / f"{NAME}.json")}, folder="page").values()
    )
    saved.save(outcome(curves={}), tmp_path / "results")
    page.write(tmp_path / "results", tmp_path / "page.md")
    assert not (tmp_path / "page" / f"{NAME}.svg").exists()


def test_a_quick_outcome_is_refused():
    """It was made on too little to be quoted."""
    with pytest.raises(InputError, match=f"'{NAME}' is of a quick run"):
        made(quick=True)


def test_the_summary_says_of_each_target_whether_it_was_met():
    """With ours, its interval and the best that was published, by whom."""
    text = summary({NAME: outcome()}).markdown()
    assert cells(text, f"{NAME} | APGR") == [
        NAME, "APGR", "0.660", "0.640 to 0.680", "0.603 (SW ranking)", "≥ 0.65", "met",
    ]  # fmt: skip
    assert cells(text, f"{NAME} | CPT50 %")[-2:] == ["≤ 30", "missed"]
    assert "Of 2 targets 1 are met and 1 missed." in made()[""]


def test_a_figure_that_is_read_twice_counts_once():
    """The reading that was published decides; both stand in the benchmark's own table."""
    both = outcome(
        metrics={"apgr": 0.66, "apgr_deciles": 0.64},
        intervals={},
        targets={name: {"reach": 0.65, "better": "higher"} for name in ("apgr", "apgr_deciles")},
    )
    assert (verdicts(both).met, verdicts(both).of) == (0, 1)
    main, *_ = compared(both)
    assert main.head == ("", "APGR (10 bins)", "APGR")
    assert ("SW ranking (published)", "0.603", "") in main.rows


def test_everybody_stands_in_one_table():
    """Ours with its interval, the target, what was published and the baselines of the same run."""
    (main,) = compared(outcome())
    assert [row[0] for row in main.rows] == [
        "tierwise", "target", "SW ranking (published)", "random (published)", "nearest neighbours", "prompt length",
    ]  # fmt: skip
    assert main.rows[0][1:] == ("0.660 (0.640 to 0.680)", "31.0 (29.5 to 32.5)")
    (rest,) = further(outcome())
    assert ("at 400, regret", "-", "") in rest.rows


def test_what_a_baseline_has_of_its_own_is_told():
    """The quality of a single tier, and the reason why a peer has no figure."""
    proof = outcome(baselines={"always_cheap": {"quality": 0.68}, "cascadeflow": {"missing": "no network"}})
    *_, own = compared(proof)
    assert own.rows == (("always the cheapest", "0.680", ""), ("cascadeflow", "", "no network"))


def test_parts_of_the_same_figures_are_one_table():
    """Where nobody published anything: a row for each part, and one for each baseline of it."""
    proof = outcome(
        metrics={"decide_40": {"p50": 0.1, "ratio": 9.0}, "decide_400": {"p50": 0.2, "ratio": 5.0}},
        intervals={"decide_40": {"p50": (0.09, 0.12)}},
        baselines={"scikit_learn": {"decide_40": {"p50": 0.9}}},
        published={},
        targets={"decide_40.ratio": {"reach": 8, "better": "higher"}},
    )
    (matrix,) = compared(proof)
    assert matrix.rows == (
        ("decide 40, tierwise", "0.100 (0.090 to 0.120)", "9.0"),
        ("decide 40, target", "", "≥ 8"),
        ("decide 40, scikit-learn", "0.900", ""),
        ("decide 400", "0.200", "5.0"),
    )
    assert further(proof) == []


def test_every_metric_is_somewhere():
    """Nothing that was measured is left out of the page."""
    proof = outcome(metrics={"apgr": 0.66, "cpt50": 31.0, "deep": {"er": {"one": 1.0, "two": 2.0}}}, intervals={})
    told = [row[0] for table in further(proof) for row in table.rows]
    assert told == ["deep, er, one", "deep, er, two"]


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ([0.611, 0.5, 2.529, -4.9e-16], "0.611 0.500 2.529 0.000"),
        ([52.25, 31.0], "52.2 31.0"),
        ([0.127, 3.812, 3.812], "0.13 3.81 3.81"),
        ([12633.4, 2000.0], "12,633 2,000"),
        ([-0.00865, 0.00046], "−0.00865 0.00046"),
        ([None, 3, True, "no network"], "- 3 True no network"),
    ],
)
def test_a_column_is_written_with_one_number_of_decimals(column, shown):
    """As fine as most of its figures need; words and counts as they are."""
    places = decimals(column)
    assert " ".join(written(value, places) for value in column) == shown


def test_a_part_whose_figures_are_published_under_the_same_names_is_compared_too():
    """What a variant of ours comes to stands beside the same published rows."""
    proof = outcome(
        metrics={"area": {"mmlu": 0.28}, "same_actions": {"area": {"mmlu": 0.287}}},
        intervals={},
        baselines={},
        published={"markov_copula": {"area": {"mmlu": 0.2881}}},
        targets={"area.mmlu": {"reach": 0.288, "better": "lower"}},
    )
    first, second = compared(proof)
    assert first.rows[-1] == second.rows[-1] == ("Markov copula (published)", "0.2881")


def test_versions_keep_their_dots():
    """A model's name in a dotted metric is one part."""
    assert split("pool.llama3.1-8b.auroc") == ["pool", "llama3.1-8b", "auroc"]


def test_hostile_names_stay_text():
    """A name that looks like markup is written as it is."""
    text = made(differs=("<script>alert(1)</script> | [x](y)",), baselines={"<b>": {"apgr": 0.5}})
    assert "<script>" not in text[""]
    assert "<b>" not in "".join(text.values())


def test_the_plot_has_axes_a_key_and_both_lights():
    """Well-formed, with every curve named in the order in which they lie."""
    drawn = plot(outcome())
    root = ET.fromstring(drawn.partition("\n")[2])
    words = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"share of strong calls", "performance gap recovered", "0%", "100%"} <= set(words)
    assert words[-3:] == ["ours", "prompt length", "random mix"]
    assert "prefers-color-scheme: dark" in drawn
    assert plot(outcome(curves={})) is None


def test_no_mark_leaves_the_plot_and_no_two_lines_of_the_key_meet():
    """Whatever the curves are: the oracle, which is far above, is cut at the edge."""
    curves = {f"router {number}": [[0, 0], [1, number / 10]] for number in range(12)}
    drawn = plot(outcome(curves=curves | {"oracle": [[0, 0], [0.5, 90.0], [1, 1]]}))
    for points in re.findall(r'points="([^"]+)"', drawn):
        for point in points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 860
            assert 33.9 <= y <= 440
    key = [float(y) for x, y in re.findall(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"', drawn) if float(x) > 640]
    assert all(later - earlier > 18 for earlier, later in zip(sorted(key), sorted(key)[1:], strict=False))


def test_our_curve_is_told_from_a_peers():
    """By its name where one says that it is ours; else whatever is no baseline and not published is."""
    line = [[0, 0], [1, 1]]
    named = plot(outcome(curves={"ours, early": line, "a peer's own": line}))
    assert named.count('class="path ours') == 2  # the curve, and its sample in the key
    bare = plot(outcome(curves={"400 labels": line, "1,404 labels": line, "length": line, "SW ranking": line}))
    assert bare.count('class="path ours') == 4


def test_parts_are_drawn_in_panels_with_one_key():
    """Each with its own scale; the same name has the same look in all of them."""
    names = [f"{part}: {name}" for part in ("mmlu", "triviaqa") for name in ("ours", "length")]
    drawn = plot(outcome(curves={name: [[0, place], [1, place + 0.5]] for place, name in enumerate(names)}))
    words = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    assert [word for word in words if word in ("mmlu", "triviaqa", "ours", "prompt length", "random mix")] == [
        "mmlu", "triviaqa", "prompt length", "ours", "random mix",
    ]  # fmt: skip
    assert words.count("share of strong calls") == 1
    assert drawn.count('class="path ours accent"') == 3


def test_the_command_writes_the_page(tmp_path):
    """And says where, for scripts too."""
    saved.save(outcome(), tmp_path / "results")
    words = ["page", "--results", str(tmp_path / "results"), "--out", str(tmp_path / "page.md")]
    told = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert json.loads(told.stdout) == {"written": [str(tmp_path / "page.md"), str(tmp_path / "page" / f"{NAME}.svg")]}
    with pytest.raises(InputError, match="there is no such folder"):
        CliRunner().invoke(app, ["page", "--results", str(tmp_path / "nowhere")], catch_exceptions=False)
