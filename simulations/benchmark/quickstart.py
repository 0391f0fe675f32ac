"""Runs a Flower app written like the TensorFlow quickstart, and times its rounds."""

import shutil
import time
from importlib import resources
from pathlib import Path

import numpy as np
import tomli_w

from fog_flower.errors import UserError
from simulations.benchmark.cases import BATCH_SIZE, LEARNING_RATE, Case, training_arrays
from simulations.benchmark.our_run import WARM_UP_ROUNDS
from simulations.engines.outcome import POLL_SECONDS
from simulations.engines.superlink import own_superlink

SECONDS = 600.0  # limit for a run


def timed_rounds(case: Case) -> list[float]:
    """Run a case in Flower's default federation, with two CPUs per node.

    Returns
    -------
    seconds : list of float
        Training time of each round after the warm-up.

    Raises
    ------
    UserError
        If the run does not finish.
    """
    with own_superlink([]) as superlink:
        folder, times = superlink.workspace, superlink.workspace / "times.txt"
        app = folder / "app"
        source = Path(str(resources.files(__package__))) / "quickstart_app"
        shutil.copytree(source, app, ignore=shutil.ignore_patterns("__pycache__"))
        (app / "__init__.py").unlink()
        data = folder / "data.npz"
        images, labels = training_arrays(case.images)
        np.savez(data, images=images, labels=labels)
        rounds = case.rounds + WARM_UP_ROUNDS
        settings = folder / "run-config.toml"
        settings.write_text(
            tomli_w.dumps(
                {
                    "num-server-rounds": rounds,
                    "batch-size": BATCH_SIZE,
                    "learning-rate": LEARNING_RATE,
                    "model": case.model,
                    "data": str(data),
                    "times": str(times),
                }
            )
        )
        superlink.wait_until_ready()
        answer = superlink.flwr(
            *("run", str(app), "--run-config", str(settings)),
            *("--federation-config", f"num-supernodes={case.fog_nodes}"),
        )
        deadline = time.monotonic() + SECONDS
        while len(lines := _lines(times)) < rounds:
            if answer.returncode or not superlink.alive or time.monotonic() > deadline:
                why = answer.stderr.strip() or superlink.failure() or superlink.last_words()
                raise UserError(f"bench: the quickstart app did not finish: {why}")
            time.sleep(POLL_SECONDS)
    return [float(line) for line in lines[WARM_UP_ROUNDS:]]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
