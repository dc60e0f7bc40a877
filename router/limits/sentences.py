"""What becomes of a call that asked for its turn, in sentences."""

from __future__ import annotations

from router.limits.gauges import Asking, Verdict


def refusal(verdict: Verdict, asking: Asking) -> str:
    """Why waiting cannot help."""
    seconds, gauge = verdict.wait / 1000, verdict.gauge
    if gauge is None:
        return (
            f"the provider of {asking.tier!r} asked to be left alone for another {seconds:,.1f} s, and the call may "
            "not wait so long"
        )
    if verdict.status == "oversize":
        room = int((gauge.scope.tokens_per_minute or 0) * gauge.scope.burst / 60)
        return (
            f"the call may take {asking.tokens:,} tokens, and limit {gauge.name!r} lets at most {room:,} through at "
            "once; lower `max_tokens`, or raise the limit"
        )
    if verdict.status == "quota":
        return f"the day's quota of limit {gauge.name!r} is used up; a new day begins in {seconds:,.0f} s"
    if verdict.status == "full":
        return f"limit {gauge.name!r} leaves no room, and its queue of {gauge.scope.queue} is full"
    where = f"limit {gauge.name!r} leaves no room at {asking.tier!r}"
    return f"{where} for {seconds:,.1f} s, and the call may not wait so long"


def slowed(verdict: Verdict, asking: Asking) -> str:
    """That the provider was overloaded."""
    return f"{asking.tier} said 429, so its limits are at {verdict.pace:.0%} until it has recovered."
