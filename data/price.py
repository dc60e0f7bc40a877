"""Nominal prices for the sample's two tiers, and the measurements they come from.

    python -m data.price                       show them
    python -m data.price --basis parameters    put other prices in force: rewrites prices.json and cost_usd

Nobody sells these models by the token. *generated* prices are in proportion to the measured milliseconds of a
generated token: a tier's prices are the small one's times that ratio, so that input and output keep one relation, as
vendors' prices do. *measured* prices are in proportion to the milliseconds of a read and of a generated token each;
*parameters* prices to the number of parameters. The small model's input always costs 0.05 USD per million tokens,
which fixes the scale and nothing else.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

Basis = Literal["generated", "measured", "parameters"]
BASES: tuple[Basis, ...] = ("generated", "measured", "parameters")

HERE = Path(__file__).parent
SAMPLE = HERE / "sample.parquet"
PRICES = HERE / "prices.json"
SCALE = 0.05
"""USD per million input tokens of the small tier."""

PARAMETERS = {"small": 134_515_008, "large": 268_098_176}
NOTE = (
    "Nominal prices in USD per million tokens: nobody sells these models by the token. `prices` are in force, in "
    "proportion to `basis`, and scaled so that the small tier's input costs 0.05."
)


def measure(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Medians over the sample of each tier's milliseconds per prompt token, per further output token, and in all.

    llama.cpp counts the first output token's time with the prompt, so only answers of two tokens or more tell
    what an output token takes.
    """
    found = {}
    for tier, rows in frame.groupby("tier"):
        longer = rows[rows["output_tokens"] > 1]
        found[str(tier)] = {
            "ms_per_prompt_token": _round((rows["prompt_ms"] / rows["input_tokens"]).median()),
            "ms_per_output_token": _round((longer["predicted_ms"] / (longer["output_tokens"] - 1)).median()),
            "latency_ms": _round(rows["latency_ms"].median()),
            "parameters": PARAMETERS[str(tier)],
        }
    return found


def proportional(measured: dict[str, dict[str, float]], *, basis: Basis) -> dict[str, dict[str, float]]:
    """USD per million input and output tokens of each tier, to three significant digits."""
    if basis == "generated":
        small = measured["small"]
        out = SCALE * small["ms_per_output_token"] / small["ms_per_prompt_token"]
        ratios = {
            name: values["ms_per_output_token"] / small["ms_per_output_token"] for name, values in measured.items()
        }
        return {name: {"input": _round(SCALE * ratio), "output": _round(out * ratio)} for name, ratio in ratios.items()}
    names = {"measured": ("ms_per_prompt_token", "ms_per_output_token"), "parameters": ("parameters", "parameters")}
    reading, writing = names[basis]
    unit = SCALE / measured["small"][reading]
    return {
        tier: {"input": _round(values[reading] * unit), "output": _round(values[writing] * unit)}
        for tier, values in measured.items()
    }


def cost(frame: pd.DataFrame, prices: dict[str, dict[str, float]]) -> pd.Series[float]:
    """Reckon each row in USD."""
    rates = pd.DataFrame(prices).T.loc[frame["tier"]]
    total = frame["input_tokens"].to_numpy() * rates["input"].to_numpy()
    total = total + frame["output_tokens"].to_numpy() * rates["output"].to_numpy()
    return pd.Series(total / 1e6, index=frame.index)


def table(frame: pd.DataFrame, *, basis: Basis) -> dict[str, Any]:
    """Collect what prices.json holds."""
    measured = measure(frame)
    return {
        "note": NOTE,
        "basis": basis,
        "prices": proportional(measured, basis=basis),
        "measurements": measured,
        "by_basis": {name: proportional(measured, basis=name) for name in BASES},
    }


def write(path: Path, prices: dict[str, Any]) -> None:
    """Write prices.json."""
    path.write_text(json.dumps(prices, indent=2) + "\n", encoding="utf-8")


def _round(value: float) -> float:
    """Keep three significant digits."""
    return float(f"{value:.3g}")


def main() -> None:
    """Show the prices, or put those of another basis in force."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--basis", choices=BASES)
    basis = parser.parse_args().basis
    if basis:
        stored = pq.read_table(SAMPLE)
        frame = stored.to_pandas()
        prices = table(frame, basis=basis)
        place = stored.schema.get_field_index("cost_usd")
        priced = stored.set_column(place, "cost_usd", pa.array(cost(frame, prices["prices"]), pa.float64()))
        pq.write_table(priced, SAMPLE, compression="zstd", compression_level=19)
        write(PRICES, prices)
    print(PRICES.read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main()
