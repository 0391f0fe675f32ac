"""How many fog nodes train at a time, and how many threads and what part of a GPU each has."""

import dataclasses
import math
import os
import shutil
import subprocess

# What part of a training step runs on several threads (Amdahl's law): convolutions nearly all of
# it; dense layers at batch 32 are too small to share.
PARALLEL = {"cnn": 0.95, "mlp": 0.5}
ON_A_GPU = 2  # fog nodes at a time: one computes while the other one reads


@dataclasses.dataclass(frozen=True)
class Placement:
    """Of the fog nodes of a run on one machine.

    Attributes
    ----------
    actors : int
        Fog nodes that train at the same time.
    threads : int
        Of each of them.
    gpu_share : float
        Part of a GPU that each of them has; 0 without GPUs.
    """

    actors: int
    threads: int
    gpu_share: float


def place(
    fog_nodes: int,
    model: str,
    *,
    cores: int | None = None,
    gpus: int = 0,
    actors: int | None = None,
) -> Placement:
    """Share the cores such that a round takes the least time.

    With a actors of t threads a round takes ceil(n / a) turns, each as long as t threads need:
    several actors leave cores idle in the last turn, several threads where a step does not use
    them. No two actors ever share a core.

    Parameters
    ----------
    fog_nodes : int
    model : str
        ``cnn``, ``mlp`` or any other: what it is called decides how well it uses threads.
    cores : int, optional
        All that this process may use by default.
    gpus : int
    actors : int, optional
        The user's choice.
    """
    cores = cores or len(os.sched_getaffinity(0))
    if actors is None and gpus:
        actors = min(fog_nodes, gpus * ON_A_GPU, cores)
    if actors is None:
        choices = range(1, min(fog_nodes, cores) + 1)
        # Of equals, the one with fewer actors: each of them takes half a gigabyte.
        actors = min(choices, key=lambda a: (_round_time(fog_nodes, a, cores // a, model), a))
    actors = min(actors, fog_nodes)
    share = min(1.0, gpus / actors) if gpus else 0.0
    return Placement(actors, max(1, cores // actors), share)


def _round_time(fog_nodes: int, actors: int, threads: int, model: str) -> float:
    """Return the time of a round in units of one node on one thread."""
    family = model.partition("-")[0]
    parallel = PARALLEL.get(family, PARALLEL["cnn"])
    return math.ceil(fog_nodes / actors) * (1.0 - parallel + parallel / threads)


def gpus() -> list[str]:
    """Return what ``nvidia-smi`` lists; nothing where there is none.

    Not by TensorFlow: the launcher does not load it.
    """
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    listed = subprocess.run([command, "-L"], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
