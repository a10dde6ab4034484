"""How far the estimate of speed is from what others measured: `python -m earthward.bench.sizing`.

Each row is one published measurement of one request on one GPU. The constants were fitted to these rows, so the error
on a card that was left out is larger; with each card left out in turn it was 7.8 % (median) and 34 % (nine in ten).
"""

import argparse
from importlib.resources import files

import msgspec

from earthward.sizing.gpus import gpus
from earthward.sizing.speed import PACES


class Measured(msgspec.Struct, frozen=True):
    gpu: str
    gpu_count: int
    model: str
    n_layers: int
    weight_gb_read_per_token: float
    kv_gb_read_per_token: float
    tg_tps: float


def measured() -> list[Measured]:
    rows = msgspec.json.decode((files("earthward.sizing") / "data/speeds.json").read_bytes(), type=list[Measured])
    return [row for row in rows if row.gpu_count == 1 and row.gpu in gpus()]


def errors(rows: list[Measured]) -> list[float]:
    """The distance of the estimated time of a token from the measured one, as a share of the estimate."""
    return [abs(1 / row.tg_tps / _seconds(row) - 1) for row in rows]


def _seconds(row: Measured) -> float:
    card = gpus()[row.gpu]
    pace = PACES[card.kind]
    read = row.weight_gb_read_per_token + row.kv_gb_read_per_token
    return read / (pace.memory * card.bandwidth_gb) + row.n_layers * pace.launch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m earthward.bench.sizing", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args().json
    rows = measured()
    for kind in ("all", *PACES):
        found = sorted(errors([row for row in rows if kind in ("all", gpus()[row.gpu].kind)]))
        figures = {
            "kind": kind,
            "rows": len(found),
            "median": round(found[len(found) // 2], 3),
            "p90": round(found[int(len(found) * 0.9)], 3),
        }
        print(msgspec.json.encode(figures).decode() if as_json else "  ".join(f"{k} {v}" for k, v in figures.items()))


if __name__ == "__main__":
    main()
