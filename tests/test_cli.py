"""The command line, against a real server where it sends something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli.main import app, guarded
from router.errors import InputError

PLAIN = CliRunner()


@pytest.fixture
def config(llmock, tmp_path):
    """A configuration of two tiers at the fault server, with its ledger beside it."""
    path = tmp_path / "tierwise.toml"
    path.write_text(
        f"""
[[tiers]]
name = "small"
model = "model-small"
api = "openai-chat"
base_url = "{llmock.base_url("openai")}"
price = {{ input = 1, output = 2 }}

[[tiers]]
name = "large"
model = "model-large"
api = "anthropic"
base_url = "{llmock.base_url("anthropic")}"
price = {{ input = 10, output = 20 }}

[ledger]
path = "ledger.db"
"""
    )
    return str(path)


def run(*words, status=0, stdin=None):
    """The standard output of ``tierwise WORDS``."""
    result = PLAIN.invoke(app, words, input=stdin, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.stdout


@pytest.fixture
def tierwise(capsys):
    """``tierwise WORDS`` as :func:`guarded` runs it: its exit status, standard output and standard error."""

    def run(*words):
        with pytest.raises(SystemExit) as left:
            guarded(lambda: app(words))
        told = capsys.readouterr()
        return left.value.code, told.out, told.err

    return run


def process(*words, without=None):
    """``tierwise WORDS`` as a process: its exit status, standard output and standard error.

    ``without`` is a package that is not installed there.
    """
    program = f"import sys; sys.modules[{without!r}] = None; from router.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_route_prints_the_answer_and_why(config, llmock):
    llmock.reply("Forty-two.")

    result = PLAIN.invoke(app, ["route", "What is 6 * 7?", "-c", config, "--why"])

    assert result.stdout == "Forty-two.\n"
    assert "Started at large: no policy has been trained for these tiers" in result.stderr


def test_route_as_json_is_the_whole_decision_with_costs_in_usd(config, llmock):
    llmock.reply("Forty-two.")

    told = json.loads(run("route", "What is 6 * 7?", "-c", config, "--json", "--tag", "feature=sums", "--user", "u1"))

    decision = told["decision"]
    usage = decision["attempts"][0]["usage"]
    assert told["text"] == "Forty-two."
    assert decision["cost"] == pytest.approx((usage["input_tokens"] * 10 + usage["output_tokens"] * 20) / 1e6)
    assert (decision["tags"], decision["user"], decision["tier"]) == ({"feature": "sums"}, "u1", "large")


def test_route_as_json_has_the_calls_of_tools(config, llmock):
    llmock.call_tool("add", {"a": 1})

    told = json.loads(run("route", "What is 6 * 7?", "-c", config, "--json"))

    assert [(call["name"], json.loads(call["arguments"])) for call in told["tool_calls"]] == [("add", {"a": 1})]
    assert told["stop"] == "tool_calls"


def test_route_reads_standard_input_and_streams(config, llmock):
    llmock.reply("Forty-two it is.")

    assert run("route", "-", "-c", config, "--stream", stdin="What is 6 * 7?") == "Forty-two it is.\n"


def test_route_takes_an_answer_as_fresh_as_it_is_asked_for(config, llmock):
    with Path(config).open("a") as file:
        file.write('[cache]\nstore = "cache.db"\ntimeout = 5\n')
    asked = ("route", "What is 6 * 7?", "-c", config)
    llmock.reply("42.")
    run(*asked)
    llmock.reply("Forty-two.")

    assert run(*asked) == "42.\n"
    assert run(*asked, "--freshness", "live") == "Forty-two.\n"


def test_decide_sends_nothing(config, llmock):
    told = json.loads(run("decide", "What is 6 * 7?", "-c", config, "--json"))

    assert told["start"] == "large"
    assert told["attempts"] == []
    assert llmock.requests == []


def test_explain_finds_the_last_decision_or_one_by_id(config):
    first = json.loads(run("route", "One?", "-c", config, "--json", "--ceiling", "small"))["decision"]
    run("route", "Two?", "-c", config)

    assert run("explain", "-c", config).startswith("Started at large")
    assert run("explain", first["id"], "-c", config).startswith("Started at small")
    assert json.loads(run("explain", first["id"], "-c", config, "--json"))["cost"] == first["cost"]


def test_cost_adds_up_what_was_routed(config):
    spent = [json.loads(run("route", "Hello?", "-c", config, "--json"))["decision"]["cost"] for _ in range(3)]

    told = json.loads(run("cost", "--ledger", config.replace("tierwise.toml", "ledger.db"), "--json"))

    assert told["total"]["requests"] == 3
    assert told["total"]["cost"] == pytest.approx(sum(spent))


@pytest.mark.parametrize("key", [True, False])
def test_init_writes_a_preset_once(tmp_path, tierwise, key):
    path = tmp_path / "tierwise.toml"

    run("init", "--preset", "anthropic", "--out", str(path))

    assert "claude-haiku" in path.read_text()
    assert "anthropic" in run("init", "--list").split()
    assert json.loads(run("init", "--list", "--json"))["presets"] == run("init", "--list").split()
    words = ["init", "--preset", "local", "--out", str(path)]
    if key:
        run(*words, "--force")
        assert "llama" in path.read_text().lower() or "local" in path.read_text()
    else:
        status, _, err = tierwise(*words)
        assert (status, "pass --force" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["route", ""], "the prompt is empty; pass some text to answer"),
        (["route", "Hi?", "--tag", "feature"], "--tag takes KEY=VALUE, not 'feature'"),
        (["route", "Hi?", "--floor", "huge"], "floor='huge' is no tier of this router; its tiers are small, large"),
        (["route", "Hi?", "--floor", "[/x]"], "floor='[/x]' is no tier of this router; its tiers are small, large"),
        (["route", "Hi?", "--tag", "[red]"], "--tag takes KEY=VALUE, not '[red]'"),
        (["route", "Hi?", "--deadline", "-1"], "the deadline had passed before the request began; nothing was sent"),
        (["route", "Hi?", "--max-tokens", "0"], "max_tokens must be a whole number of at least 1, not 0"),
        (["route", "Hi?", "--stop", ""], "stop takes non-empty strings"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_status_2(config, tierwise, words, sentence):
    status, out, err = tierwise(*words, "-c", config)

    assert (status, out) == (2, "")
    assert err.strip() == f"error: {sentence}"


@pytest.mark.parametrize("command", [["decide", "Hi?"], ["doctor"]])
def test_an_unknown_key_is_told_with_its_file_and_table_and_the_nearest_name(config, tierwise, command):
    path = Path(config)
    path.write_text(path.read_text() + '\n[policy]\nbundel = "x"\n')

    _, out, err = tierwise(*command, "-c", config)

    told = out + err
    assert all(part in told for part in (config, "[policy]", "`bundel`", "`bundle`"))
    assert "Traceback" not in told


def test_a_missing_price_names_the_extra_with_its_brackets(tmp_path, tierwise):
    path = tmp_path / "tierwise.toml"
    path.write_text('[[tiers]]\nname = "a"\nmodel = "no-such-model"\napi = "openai-chat"\n')

    _, _, err = tierwise("decide", "Hi?", "-c", str(path))

    assert "tierwise[prices]" in err


def test_explaining_what_is_not_there_says_so(config, tierwise):
    status, _, err = tierwise("explain", "-c", config)
    assert (status, "there is no ledger at" in err) == (2, True)

    run("route", "Hello?", "-c", config)
    status, _, err = tierwise("explain", "nothing", "-c", config)
    assert (status, err) == (2, "error: the ledger has no decision 'nothing'\n")


@pytest.mark.parametrize("place", ["none/x.toml", "file/x.toml", "."])
def test_init_where_nothing_can_be_written_says_so(tmp_path, place):
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match=r"cannot write .* \(.+\); pass --out to write elsewhere"):
        run("init", "--out", str(tmp_path / place), "--force")


def test_data_that_is_no_parquet_file_is_one_sentence(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("# Not rows")

    status, _, err = process("train", "fit", "--data", str(path))

    assert status == 2
    assert err == f"error: {path}: it cannot be read as Parquet; make a log of this file with `tierwise train ingest`\n"


def test_training_without_its_extra_names_the_extra():
    status, _, err = process("train", "fit", without="sklearn")

    assert status == 2
    assert err == "error: this needs sklearn, which is not installed; run `pip install 'tierwise[train]'`\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ModuleNotFoundError("No module named 'psycopg'", name="psycopg"), "run `pip install 'tierwise[postgres]'`"),
        (ModuleNotFoundError("No module named 'x'", name="x.y"), "error: No module named 'x'"),
        (PermissionError(13, "Permission denied", "/root/x"), "error: /root/x: Permission denied"),
        (TimeoutError(), "error: TimeoutError"),
    ],
)
def test_what_any_command_raises_is_one_sentence(capsys, error, told):
    def command():
        raise error

    with pytest.raises(SystemExit, match="2"):
        guarded(command)

    assert told in capsys.readouterr().err


def test_commands_of_installed_packages_are_there():
    status, out, _ = process("train", "--help")

    assert status == 0
    assert "evaluate" in out
