"""One `[[tiers]]` table made a tier: what it leaves out comes from the catalogue, its price above all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from router import catalogue
from router.config.published import published_price
from router.config.table import Table, suggestion
from router.errors import UnpricedModel
from router.pricing import PRICE_KEYS, RATE_KEYS, STEP_KEYS, Price, price_of, self_hosted
from router.tiers import APIS, PROMPT_CACHES, Api, PromptCache, Tier

if TYPE_CHECKING:
    from datetime import date

HOURLY_KEYS = ("hourly_cost", "input_tokens_per_second", "output_tokens_per_second", "utilization")
TIER_KEYS = (
    "name", "model", "api", "base_url", "api_key_env", "context", "max_tokens", "logprobs", "sampling", "timeout",
    "retries", "price", *HOURLY_KEYS, "options", "prompt_cache",
)  # fmt: skip

_ANSWER, _REASONED_ANSWER = 1024, 8192
_MACHINE_APIS = ("local", "fake")
_CACHING_APIS = ("anthropic", "openai-chat", "openai-responses")


def tier_of(table: Table, today: date) -> Tier:
    """Make the tier that ``table`` describes, at the prices of ``today``.

    Raises:
        ConfigError: a key is unknown or a value does not fit, the model is retired, or it cannot do what is asked.
        UnpricedModel: no price is known.
    """
    table.only(*TIER_KEYS)
    name, model = table.required("name"), table.required("model")
    known = catalogue.find(model)
    api = _api(table, model, known)
    base_url = _base_url(table)
    at_vendor = known is not None and (base_url is None or base_url == known.base_url)
    if known is not None and at_vendor:
        _refuse_retired(table, known, today)
    options = table.free("options")
    price = _price(table, name=name, model=model, api=api, base_url=base_url, known=known, today=today)
    max_tokens = table.whole("max_tokens", least=1)
    if known is not None and max_tokens is not None and max_tokens > known.max_output:
        raise table.error(f"is {max_tokens:,}; {model} answers with at most {known.max_output:,} tokens", "max_tokens")
    usual = _REASONED_ANSWER if known is not None and known.reasoning else _ANSWER
    retries = table.whole("retries", least=0)
    return Tier(
        name=name,
        api=api,
        model=model,
        price=price,
        base_url=base_url or (known.base_url if known is not None else None),
        api_key_env=table.variable("api_key_env") or _key_variable(api, base_url, known, at_vendor=at_vendor),
        context=table.whole("context", least=1) or (known.context if known else 8192),
        max_tokens=max_tokens or min(usual, known.max_output if known else usual),
        logprobs=_capability(table, "logprobs", known, options, at_vendor=at_vendor, otherwise=api == "local"),
        sampling=_capability(table, "sampling", known, options, at_vendor=at_vendor, otherwise=api != "anthropic"),
        timeout=table.number("timeout", above=0) or 60.0,
        retries=2 if retries is None else retries,
        options=options,
        prompt_cache=_prompt_cache(table, api),
    )


def _prompt_cache(table: Table, api: Api) -> PromptCache | None:
    """Read `prompt_cache`: true, false or for how long."""
    said = table.raw.get("prompt_cache")
    if said is None or said is False:
        return None
    if api not in _CACHING_APIS:
        raise table.error(f"is of no use at api {api!r}; it is for {', '.join(_CACHING_APIS)}", "prompt_cache")
    if said is True:
        return "5m"
    kept = cast("PromptCache", table.choice("prompt_cache", PROMPT_CACHES))
    price = table.table("price")
    if kept == "1h" and api == "anthropic" and (price is None or "cache_write" not in price.raw):
        raise table.error(
            "is 1h, whose writes cost more than the catalogue's price of a cache write, which is for 5m; add a `price` "
            "with its `cache_write`",
            "prompt_cache",
        )
    return kept


def _api(table: Table, model: str, known: catalogue.Model | None) -> Api:
    said = cast("Api | None", table.choice("api", APIS))
    if said is not None:
        return said
    if known is not None:
        return known.api
    near = suggestion(model, tuple(catalogue.models()))
    near = f" ({near})" if near.startswith("did") else ""
    raise table.error(
        f"is missing, and model {model!r} is not in the catalogue{near}; add one of {', '.join(APIS)}", "api"
    )


def _base_url(table: Table) -> str | None:
    from urllib.parse import urlsplit

    url = table.text("base_url")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        raise table.error("must be a URL that starts with http:// or https://", "base_url")
    if parts.username is not None or parts.password is not None:
        raise table.error("holds a user or a password; secrets do not belong in a file", "base_url")
    return url


def _key_variable(api: str, base_url: str | None, known: catalogue.Model | None, *, at_vendor: bool) -> str | None:
    # A vendor's key must never be sent to another host because nobody said which key to send.
    if base_url is not None and not at_vendor:
        return None
    return known.api_key_env if known is not None else catalogue.KEY_VARIABLES.get(api)


def _refuse_retired(table: Table, known: catalogue.Model, today: date) -> None:
    status = catalogue.status(known.name, today)
    if status.state == "retired":
        raise table.error(f"{status.sentence()} (or set `base_url`, if another host still serves it)", "model")


def _capability(
    table: Table,
    key: str,
    known: catalogue.Model | None,
    options: Mapping[str, Any],
    *,
    at_vendor: bool,
    otherwise: bool,
) -> bool:
    """Say whether the endpoint can do it: what the table says, unless the vendor is known to refuse it."""
    said = table.flag(key)
    if known is None:
        return otherwise if said is None else said
    level: catalogue.Capability = getattr(known, key)
    able = level == "yes" or (level == "effort-none" and _effort(options) == "none")
    if said and not able and at_vendor:
        what = "returns log-probabilities" if key == "logprobs" else "takes a temperature"
        if level == "no":
            raise table.error(f"is true, and {known.name} never {what}", key)
        option = _effort_option(table, known)
        raise table.error(
            f'is true, and {known.name} {what} only at reasoning effort "none": add options = {{ {option} }}', key
        )
    return able if said is None else said


def _effort(options: Mapping[str, Any]) -> object:
    nested = options.get("reasoning")
    return nested.get("effort") if isinstance(nested, Mapping) else options.get("reasoning_effort")


def _effort_option(table: Table, known: catalogue.Model) -> str:
    api = table.text("api") or known.api
    return 'reasoning = { effort = "none" }' if api == "openai-responses" else 'reasoning_effort = "none"'


def _price(
    table: Table, *, name: str, model: str, api: Api, base_url: str | None, known: catalogue.Model | None, today: date
) -> Price:
    """Find the price: the table's, else the machine's, else the catalogue's, else genai-prices'.

    Another host than the vendor's has prices of its own, so genai-prices is asked for those first.
    """
    written, hourly = table.table("price"), table.number("hourly_cost", least=0)
    if written is not None and hourly is not None:
        raise table.error("is given beside `price`; keep one of them", "hourly_cost")
    if written is not None:
        return _written_price(written)
    if hourly is not None:
        return _machine_price(table, hourly)
    stray = next((key for key in HOURLY_KEYS if key in table.raw), None)
    if stray is not None:
        raise table.error("needs `hourly_cost` beside it, in USD", stray)
    listed = known.price_on(today) if known is not None else None
    elsewhere = known is not None and base_url not in (None, known.base_url)
    if listed is not None and not elsewhere:
        return listed
    if api not in _MACHINE_APIS:
        host = base_url or (known.base_url if known is not None else None)
        published = published_price(model, api=api, base_url=host, day=today)
        if published is not None:
            return published
    if listed is not None:
        return listed
    raise UnpricedModel(tier=name, model=model, file=table.file)


def _written_price(table: Table) -> Price:
    table.only(*PRICE_KEYS)
    _check_rates(table)
    for step in table.tables("steps"):
        step.only(*STEP_KEYS)
        step.whole("above", least=1)
        _check_rates(step)
    try:
        return price_of(table.raw)
    except ValueError as problem:
        raise table.error(str(problem)) from None


def _check_rates(table: Table) -> None:
    for key in table.raw:
        if key.removeprefix("batch_") in RATE_KEYS:
            table.number(key, least=0)


def _machine_price(table: Table, hourly: float) -> Price:
    speeds = {}
    for key in ("input_tokens_per_second", "output_tokens_per_second"):
        speed = table.number(key, above=0)
        if speed is None:
            raise table.error("is missing; `hourly_cost` needs the server's throughput to price a token", key)
        speeds[key] = speed
    utilization = table.number("utilization", above=0, most=1)
    return Price(rates=self_hosted(hourly_cost=hourly, utilization=utilization or 1.0, **speeds))
