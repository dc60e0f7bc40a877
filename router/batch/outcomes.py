"""What a request of a batch came to, as a line of the output."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from router.batch.records import Line, Outcome
from router.batch.tiers import standard_cost
from router.decision import Decision, Response
from router.errors import LedgerError, TierwiseError
from router.tiers import Ladder


def outcome_of(line: Line, came: Response | Exception, decision: Decision | None, ladder: Ladder) -> Outcome:
    """The outcome of ``line``; ``decision`` is what was written to the ledger, ``ladder`` at standard prices."""
    plain: dict[str, Any] = {"line": line.position}
    named = json.loads(line.content).get("id")
    if named is not None:
        plain["id"] = named
    answer = came.response if isinstance(came, LedgerError) else came
    told = decision or (came.decision if isinstance(came, TierwiseError | Response) else None)
    if isinstance(answer, Response):
        plain |= {"text": answer.text, "stop": answer.stop}
        plain["tool_calls"] = [asdict(call) for call in answer.tool_calls]
    if isinstance(came, Exception):
        plain |= {"error": type(came).__name__, "message": str(came) or type(came).__name__}
    if told is not None:
        plain["decision"] = told.as_dict()
    return Outcome(
        line=json.dumps(plain),
        failed=not isinstance(answer, Response),
        cost=0 if told is None else told.cost,
        standard=0 if told is None else standard_cost(told, ladder),
        batched=told is not None and told.batch,
    )
