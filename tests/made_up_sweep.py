"""Synthetic records of a sweep, with figures that can be computed by hand."""

import math
from pathlib import Path

import numpy as np

from fog_flower.records.columns import ROUND_COLUMNS, UPDATE_COLUMNS
from fog_flower.records.files import GrowingCsv, write_json
from simulations.experiments import EXPERIMENTS

ROUNDS = 3
SECONDS = {
    "train_seconds": 4.0,
    "validation_seconds": 1.0,
    "evaluation_seconds": 3.0,
    "round_seconds": 10.0,
}


def make_failed_sweep(folder: Path, experiment) -> None:
    """Write the record of a sweep of which one run was made, and failed."""
    (scale,) = experiment.scales
    plan = {"experiment": experiment.name, "scale": scale, "overrides": {}}
    place = folder / experiment.cells[0].name / "seed-0"
    place.mkdir(parents=True)
    write_json(folder / "sweep.json", plan)
    write_run(place, experiment.cells[0], 0, math.nan, failed=True)


def make_sweep(folder: Path, seeds, *, diverged=(), failed=(), final=None, overrides=None) -> None:
    """Write records of Table 2; ``final(cell, seed)`` is the final value of each accuracy."""
    final = final or default_final
    folder.mkdir(parents=True)
    plan = {"experiment": "table2", "scale": "reduced", "overrides": overrides or {}}
    write_json(folder / "sweep.json", plan)
    for cell in EXPERIMENTS["table2"].cells:
        for seed in seeds:
            place = folder / cell.name / f"seed-{seed}"
            place.mkdir(parents=True)
            write_run(
                place,
                cell,
                seed,
                math.nan if (cell.name, seed) in diverged else final(cell.name, seed),
                failed=(cell.name, seed) in failed,
            )


def default_final(cell: str, seed: int) -> float:
    model, tier = cell.split("-", 1)
    base = {"mlp": 0.5, "cnn": 0.7}[model]
    loss = {"centralized": 0.0, "fog-3": 0.01, "fog-5": 0.02, "fog-7": 0.04}[tier]
    noise = np.random.default_rng([seed, *cell.encode()]).normal(0, 0.002)
    return base - loss + 0.01 * seed + float(noise)


def write_run(place: Path, cell, seed: int, accuracy: float, *, failed: bool) -> None:
    fog_nodes = int(cell.settings.get("fog-nodes", 1))
    names = [name for name in ROUND_COLUMNS if name.endswith("_accuracy")]
    figures = {} if failed else {**dict.fromkeys(names, accuracy), "rejected": 0, "round": ROUNDS}
    if not failed:  # losses that differ by 10% for the MLP, and by 0.2% for the CNN
        apart = 1.1 if cell.family == "mlp" else 1.002
        figures |= {
            "train_loss": 1.0 + 0.01 * seed,
            "local_validation_loss": apart * (1.0 + 0.01 * seed),
        }
    if not failed:
        figures["diverged"] = math.isnan(accuracy)
    write_json(
        place / "run.json",
        {
            "status": "failed" if failed else "finished",
            "cause": "it was made up" if failed else None,
            "final": figures,
            "seconds": 10.0,
            "seed": seed,
            "data": {
                "name": f"rendered-digits-60+30-seed{seed}",
                "sha256": f"{seed:064x}",
                "train_examples": 60,
                "validation_examples": 20,
                "test_examples": 10,
            },
            "peak_memory_gib": 1.0 + seed,
            "nodes": {"num_examples": [60 // fog_nodes] * fog_nodes},
            "config": {
                "model": cell.name.split("-")[0],
                "fog-nodes": fog_nodes,
                "batch-size": 8,
                "local-epochs": 1,
                "num-server-rounds": ROUNDS,
            },
            "code_identity": "abc",
            "versions": {"flwr": "1.41.0"},
            "hardware": {"cores": 2, "processor": "made up", "memory_gib": 3.5},
            "git_commit": "0123",
        },
    )
    rounds, updates = [], []
    for server_round in range(ROUNDS + 1):
        share = server_round / ROUNDS
        rounds.append(
            dict.fromkeys(ROUND_COLUMNS, 0)
            | dict.fromkeys(names, math.nan if failed else accuracy * share)
            | {"round": server_round, "note": "", **SECONDS}
        )
        if server_round:
            updates += [
                dict.fromkeys(UPDATE_COLUMNS, 0)
                | {"round": server_round, "fog_node": node, "train_accuracy": accuracy * share}
                for node in range(fog_nodes)
            ]
    GrowingCsv(place / "rounds.csv", ROUND_COLUMNS).extend(rounds)
    GrowingCsv(place / "updates.csv", UPDATE_COLUMNS).extend(updates)
