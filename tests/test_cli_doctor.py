"""The doctor: it looks where a request would, and tells every problem."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.test_cli import run


@pytest.fixture
def config(tmp_path):
    """A configuration of two tiers, with its ledger beside it; the doctor sends nothing."""
    path = tmp_path / "tierwise.toml"
    path.write_text(
        """
[[tiers]]
name = "small"
model = "model-small"
api = "openai-chat"
base_url = "http://127.0.0.1:9/v1"
price = { input = 1, output = 2 }

[[tiers]]
name = "large"
model = "model-large"
api = "anthropic"
base_url = "http://127.0.0.1:9"
price = { input = 10, output = 20 }

[ledger]
path = "ledger.db"
"""
    )
    return str(path)


def test_doctor_finds_what_is_missing_and_never_prints_a_key(config, tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-very-secret-value-1234567890")
    text = Path(config).read_text().replace('model = "model-small"', 'model = "model-small"\napi_key_env = "TEST_KEY"')
    text = text.replace('model = "model-large"', 'model = "model-large"\napi_key_env = "TEST_KEY_ABSENT"')
    path = tmp_path / "two.toml"
    path.write_text(text)

    out = run("doctor", "-c", str(path), "--json", status=1)

    findings = {item["subject"]: item for item in json.loads(out)["findings"]}
    assert findings["tier large"]["detail"] == "set the environment variable TEST_KEY_ABSENT to its API key"
    assert findings["tier small"]["health"] == "ok"
    assert findings["policy"]["health"] == "warning"
    assert findings["ledger"] == {"subject": "ledger", "health": "ok", "detail": "0 decisions"}
    assert "very-secret" not in out


def test_doctor_says_what_is_wrong_with_a_configuration(tmp_path):
    path = tmp_path / "tierwise.toml"
    path.write_text("[[tiers]]\nnmae = 'x'\n")

    assert "nmae" in run("doctor", "-c", str(path), status=1)


def findings(path, status=1):
    """What the doctor says of the configuration at ``path``, by subject."""
    told = json.loads(run("doctor", "-c", str(path), "--json", status=status))["findings"]
    return {item["subject"]: (item["health"], item["detail"]) for item in told}


@pytest.mark.parametrize("key", ["", " ", "\t\n"])
def test_doctor_takes_a_blank_key_for_none(config, monkeypatch, key):
    monkeypatch.setenv("TEST_KEY", key)
    path = Path(config)
    path.write_text(
        path.read_text().replace('model = "model-small"', 'model = "model-small"\napi_key_env = "TEST_KEY"')
    )

    assert findings(path)["tier small"] == ("problem", "set the environment variable TEST_KEY to its API key")


LOCAL = """
[[tiers]]
name = "own"
model = "{model}"
api = "local"
price = {{ input = 1, output = 2 }}

[ledger]
path = "ledger.db"
"""


def test_doctor_finds_a_local_model_where_routing_does(tmp_path, monkeypatch):
    pytest.importorskip("xllamacpp")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "tierwise.toml"
    path.write_text(LOCAL.format(model="~/x.gguf"))
    model = tmp_path / "x.gguf"

    told = f"the model ~/x.gguf is not at {model}; give the path of a GGUF file"
    assert findings(path)["tier own"] == ("problem", told)
    model.touch()
    assert findings(path, status=0)["tier own"] == ("ok", str(model))


def test_doctor_says_how_to_install_llama_cpp(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    path = tmp_path / "tierwise.toml"
    path.write_text(LOCAL.format(model=path))

    told = "llama.cpp is not installed; run `pip install 'tierwise[local]'`"
    assert findings(path)["tier own"] == ("problem", told)


@pytest.mark.parametrize(
    ("ledger", "told"),
    [
        ('url = "sqlite:///:memory:"', "a ledger in memory would be lost"),
        ('url = "postgresql://host:none/x"', "the ledger's url cannot be read"),
        ('path = "tierwise.toml/ledger.db"', "does not exist; create it"),
        ("", "cannot make the ledger's directory"),
    ],
)
def test_doctor_tells_of_a_ledger_that_cannot_be_opened_and_goes_on(config, monkeypatch, ledger, told):
    monkeypatch.setenv("XDG_DATA_HOME", f"{config}/data")
    path = Path(config)
    path.write_text(path.read_text().replace('path = "ledger.db"', ledger))

    found = findings(path)

    assert found["ledger"][0] == "problem"
    assert told in found["ledger"][1]
    assert found["tier large"][0] == "ok"
