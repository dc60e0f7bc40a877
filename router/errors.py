"""Every exception the router raises, in one tree.

TierwiseError
|-- InputError (ValueError)      the request cannot be served as written; nothing was sent
|   |-- PromptTooLong            no tier's context window holds the prompt
|   `-- UnknownTier              a tier name that the configuration does not have
|-- ConfigError                  tierwise.toml or the environment needs a change
|   |-- MissingKey               the environment variable with a tier's API key is not set
|   `-- UnpricedModel            no price is known for a tier's model
|-- BundleError                  a policy bundle is missing, damaged, altered or does not fit
|   `-- StaleBundle              another version of tierwise made it: this one cannot serve it; retrain
|-- EmbedderError                the embedder cannot be loaded, or gave no vectors
|-- LedgerError                  the ledger cannot be opened, read or written
|-- PullFailed                   a local model could not be fetched whole; the next pull goes on from there
|-- CacheError                   a cache cannot be opened, read or written by a command; requests go on without
|-- BudgetError                  the budgets' store cannot be reached by a command
|-- BudgetExceeded               a budget does not allow the request; nothing was sent
|-- Throttled                    a rate limit or a quota does not allow the request in time; nothing was sent
|-- BatchError                   a batch file or the provider's batch needs a look; what was done is kept
|-- DeadlineExceeded             the deadline passed and no tier had answered
|-- AllTiersFailed               every tier that may answer failed; ``decision`` has each attempt
`-- ProviderError                one call to one tier failed
    |-- RateLimited              429: retried, then the next tier
    |-- ProviderTimeout          no answer in time: retried, then the next tier
    |-- ConnectionFailed         refused, reset or dropped: retried, then the next tier
    |-- ServerFault              5xx: retried, then the next tier
    |-- MalformedAnswer          a 200 that is no answer: the next tier
    |-- StreamTruncated          a stream that ended without a finish reason: the next tier
    |-- ContextOverflow          the prompt does not fit this tier: the next tier
    |-- UnsupportedRequest       this tier cannot do what is asked (tools of a base model): the next tier
    |-- RejectedRequest          400, 404, 422: the request is wrong, so neither retried nor escalated
    `-- Unauthorized             401, 402, 403: the account is wrong, so neither retried nor escalated
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from router.decision import Decision, Response
    from router.types import Usage


class TierwiseError(Exception):
    """Anything that tierwise raises on purpose; the message is one sentence that says what to do.

    ``decision`` is what had been tried when the error ended a request, None otherwise.
    """

    decision: Decision | None = None


class InputError(TierwiseError, ValueError):
    """The request cannot be served as written; nothing was sent and nothing was spent."""


class PromptTooLong(InputError):
    """The prompt is longer than every context window that the request may use."""

    def __init__(self, *, tokens: int, largest: int, tier: str) -> None:
        super().__init__(
            f"the prompt is about {tokens:,} tokens, and the largest context window that may be used is "
            f"{largest:,} (tier {tier!r}); shorten the prompt or add a tier with a larger `context`"
        )
        self.tokens, self.largest, self.tier = tokens, largest, tier


class UnknownTier(InputError):
    """A tier name that the configuration does not have."""

    def __init__(self, name: str, *, known: tuple[str, ...], where: str) -> None:
        super().__init__(f"{where}={name!r} is no tier of this router; its tiers are {', '.join(known)}")
        self.name, self.known, self.where = name, known, where


class ConfigError(TierwiseError):
    """The configuration or the environment needs a change; ``file``, ``table`` and ``key`` say where."""

    def __init__(
        self, message: str, *, file: str | None = None, table: str | None = None, key: str | None = None
    ) -> None:
        where = "".join([f"{file}: " if file else "", f"[{table}] " if table else "", f"`{key}`: " if key else ""])
        super().__init__(where + message)
        self.file, self.table, self.key = file, table, key


class MissingKey(ConfigError):
    """The environment variable that should hold a tier's API key is not set."""

    def __init__(self, *, tier: str, variable: str) -> None:
        super().__init__(f"tier {tier!r} needs an API key; set the environment variable {variable}")
        self.tier, self.variable = tier, variable


class UnpricedModel(ConfigError):
    """No price is known for a tier's model, and an unknown price is never taken for zero."""

    def __init__(self, *, tier: str, model: str, file: str | None = None) -> None:
        super().__init__(
            f"tier {tier!r} has no price for model {model!r}; add `price = {{ input = ..., output = ... }}` "
            "(USD per million tokens) to the tier, or `hourly_cost` with its tokens per second for a machine of your "
            "own, or install tierwise[prices]",
            file=file,
        )
        self.tier, self.model = tier, model


class BundleError(TierwiseError):
    """A policy bundle is missing, damaged, altered, or made for other tiers or another feature schema."""

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class StaleBundle(BundleError):
    """A whole bundle whose format or feature schema is not this version's; ``version`` is the hash of its content."""

    def __init__(self, message: str, *, path: str | None = None, version: str) -> None:
        super().__init__(message, path=path)
        self.version = version


class EmbedderError(TierwiseError):
    """The embedder cannot be loaded, failed, or gave what are no vectors."""


class LedgerError(TierwiseError):
    """The ledger cannot be opened, read or written.

    ``response`` holds the answer when the request itself had succeeded, so that a paid answer is not lost.
    """

    def __init__(self, message: str, *, response: Response | None = None) -> None:
        super().__init__(message)
        self.response = response


class PullFailed(TierwiseError):
    """A local model could not be fetched whole; what has arrived is kept, so that the next pull goes on from there."""


class CacheError(TierwiseError):
    """A cache cannot be opened, read or written. Requests go on without it; only commands end with this."""


class BudgetError(TierwiseError):
    """The store of the budgets cannot be opened, read or written."""


class BudgetExceeded(TierwiseError):
    """A budget does not allow the request; nothing was sent for it.

    ``budget`` names it; ``resets`` is when it begins anew, in seconds since the epoch, None for a rolling window.
    """

    def __init__(self, message: str, *, budget: str, resets: float | None = None) -> None:
        super().__init__(message)
        self.budget, self.resets = budget, resets


class Throttled(TierwiseError):
    """A rate limit or a quota leaves no room for the request before its deadline; nothing was sent for it.

    ``limit`` names it; ``retry_after`` is in seconds, None where it is not known.
    """

    def __init__(self, message: str, *, limit: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.limit, self.retry_after = limit, retry_after


class BatchError(TierwiseError):
    """A batch file, or the provider's batch, needs a look; the message says where. What was done is kept."""


class DeadlineExceeded(TierwiseError):
    """The deadline passed before any tier had answered."""


class AllTiersFailed(TierwiseError):
    """Every tier that may answer failed; ``decision.attempts`` says how, and ``__cause__`` is the last error."""


class ProviderError(TierwiseError):
    """One call to one tier failed.

    ``retryable``: the same call may succeed if it is made again. ``escalates``: another tier may succeed.
    ``retry_after`` is in seconds, as the server asked. ``shown`` is true once part of the answer was streamed
    to the caller, after which no other tier may answer in its place. ``usage`` is what the failed call is billed
    for, where the provider said so.
    """

    retryable: ClassVar[bool] = False
    escalates: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        tier: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.tier, self.status, self.code, self.request_id = tier, status, code, request_id
        self.retry_after = retry_after
        self.shown = False
        self.usage: Usage | None = None


class RateLimited(ProviderError):
    """429: the account's limit at this provider is reached."""

    retryable = True


class ProviderTimeout(ProviderError):
    """The provider did not answer in time."""

    retryable = True


class ConnectionFailed(ProviderError):
    """The connection was refused, reset or dropped."""

    retryable = True


class ServerFault(ProviderError):
    """5xx: the provider failed."""

    retryable = True


class MalformedAnswer(ProviderError):
    """The provider answered 200 with something that is no answer: bad JSON, no choices, an error body."""


class StreamTruncated(ProviderError):
    """A stream ended without a finish reason, so its text is a fragment and not an answer."""


class ContextOverflow(ProviderError):
    """The provider says that the prompt does not fit this model's context window."""


class UnsupportedRequest(ProviderError):
    """The tier's wire format cannot carry what the request asks for; nothing was sent."""


class RejectedRequest(ProviderError):
    """400, 404 or 422: the request itself is wrong, and another tier would only bill for the same mistake."""

    escalates = False


class Unauthorized(ProviderError):
    """401, 402 or 403: the key or the account is wrong; moving to another tier would hide it."""

    escalates = False
