"""API keys: where they are read, where they are sent, and that nobody sees them."""

from __future__ import annotations

import logging
import traceback

import pytest

from router.errors import MissingKey, Unauthorized
from router.providers import sdks
from router.providers.clients import Clients
from tests.providers.examples import asynchronously, at, chat_body, message_body, send, tier

APIS = ("openai-chat", "openai-completions", "openai-responses", "anthropic")
KEY = "sk-test-0123456789abcdefghij"


@pytest.mark.parametrize("api", APIS)
def test_the_key_never_shows_in_an_error(api, canned):
    """A provider that repeats the key in its message, its traceback included."""
    clients = Clients(environ={"MY_KEY": KEY})
    canned.reply({"error": {"message": f"Incorrect API key provided: {KEY}.", "code": "invalid_api_key"}}, status=401)
    with pytest.raises(Unauthorized, match=r"Incorrect API key provided: \[key\]") as caught:
        clients.complete(at(canned, api, api_key_env="MY_KEY"))
    assert canned.requests[0]["headers"]["authorization"] == f"Bearer {KEY}"
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
    assert KEY not in shown
    clients.close()


def test_the_key_shows_in_no_repr():
    """Accounts and clients are the places that know it."""
    environ = {"MY_KEY": KEY}
    account = sdks.account(tier(api_key_env="MY_KEY"), environ)
    assert account.key == KEY
    assert KEY not in repr(account) + repr(Clients(environ=environ))


def test_a_missing_key_names_the_tier_and_the_variable():
    """For a variable that is named, and for a vendor's own endpoint its usual one."""
    with pytest.raises(MissingKey, match="tier 'small' needs an API key; set the environment variable MY_KEY"):
        Clients(environ={}).complete(send(tier(api_key_env="MY_KEY")))
    for api, variable in (("openai-chat", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")):
        with pytest.raises(MissingKey) as caught:
            asynchronously(send(tier(api, base_url=None)), environ={})
        assert caught.value.variable == variable


def test_a_key_is_read_at_first_use_and_without_its_line_end(canned):
    """The environment may be filled after the clients are made; a pasted line's end makes an illegal header."""
    environ: dict[str, str] = {}
    clients = Clients(environ=environ)
    environ["MY_KEY"] = f"{KEY}\n"
    canned.reply(chat_body())
    clients.complete(at(canned, api_key_env="MY_KEY"))
    assert canned.requests[0]["headers"]["authorization"] == f"Bearer {KEY}"
    clients.close()


def test_a_server_without_keys_gets_a_dummy_and_not_the_vendors_key(canned, monkeypatch):
    """A key in the environment is not sent to somebody else's server."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    clients = Clients()
    canned.reply(chat_body())
    clients.complete(at(canned))
    canned.replies[:] = []
    canned.reply(message_body())
    clients.complete(at(canned, "anthropic"))
    assert [request["headers"]["authorization"] for request in canned.requests] == ["Bearer none", "Bearer none"]
    clients.close()


def test_nothing_is_logged_with_the_key(canned, caplog):
    """Not even at the most talkative level."""
    clients = Clients(environ={"MY_KEY": KEY})
    canned.reply(chat_body())
    with caplog.at_level(logging.DEBUG):
        clients.complete(at(canned, api_key_env="MY_KEY"))
    assert KEY not in caplog.text
    clients.close()
