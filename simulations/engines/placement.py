"""Decides how many fog nodes train at a time, with how many threads and what share of a GPU."""

import ast
import dataclasses
import importlib.util
import math
import shutil
import subprocess
from pathlib import Path

from fog_flower.models import MODELS
from fog_flower.processor import usable_cores

# Part of a training step that runs on several threads (Amdahl's law), for a model that does not
# define it: between dense layers at batch 32, which are too small (0.5), and convolutions (0.95).
THREADED = "THREADED"
UNSAID = 0.75
ON_A_GPU = 2  # fog nodes at a time: one computes while the other reads


@dataclasses.dataclass(frozen=True)
class Placement:
    """How the fog nodes of a run share one machine.

    Attributes
    ----------
    actors : int
        Fog nodes that train at the same time.
    threads : int
        Threads per actor.
    gpu_share : float
        Part of a GPU per actor; 0 without GPUs.
    """

    actors: int
    threads: int
    gpu_share: float


def place(
    fog_nodes: int,
    threaded: float = UNSAID,
    *,
    cores: int | None = None,
    gpus: int = 0,
    actors: int | None = None,
) -> Placement:
    """Return the placement that makes a round as short as possible.

    With a actors of t threads each, a round takes ceil(n / a) turns of the time that t threads
    need. Several actors leave cores idle in the last turn; several threads leave cores idle where
    a step does not use them. Two actors never share a core.

    Parameters
    ----------
    fog_nodes : int
    threaded : float
        From ``threaded_share``.
    cores : int, optional
        By default, all that this process may use.
    gpus : int
    actors : int, optional
        The user's choice, if any.
    """
    cores = cores or usable_cores()
    if actors is None and gpus:
        actors = min(fog_nodes, gpus * ON_A_GPU, cores)
    if actors is None:
        choices = range(1, min(fog_nodes, cores) + 1)
        # In a tie, fewer actors win, because each takes half a gigabyte.
        actors = min(choices, key=lambda a: (_round_time(fog_nodes, a, cores // a, threaded), a))
    actors = min(actors, fog_nodes)
    share = min(1.0, gpus / actors) if gpus else 0.0
    return Placement(actors, max(1, cores // actors), share)


def _round_time(fog_nodes: int, actors: int, threads: int, threaded: float) -> float:
    """Return the time of a round in units of one node on one thread."""
    return math.ceil(fog_nodes / actors) * (1.0 - threaded + threaded / threads)


def threaded_share(model: str) -> float:
    """Return the part of a model's training step that runs on several threads.

    The model's module defines it: ``THREADED = 0.95``. The module is parsed, not imported, so that
    the launcher does not load TensorFlow.

    Parameters
    ----------
    model : str
        A built-in name, or ``module:function``.
    """
    for statement in ast.parse(_source(model)).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            if THREADED in names and isinstance(statement.value.value, int | float):
                return min(1.0, max(0.0, float(statement.value.value)))
    return UNSAID


def _source(model: str) -> str:
    spec = importlib.util.find_spec(MODELS.module_of(model) or model.partition(":")[0])
    return Path(spec.origin).read_text() if spec and spec.has_location and spec.origin else ""


def gpus() -> list[str]:
    """Return the GPUs that ``nvidia-smi`` lists; empty if the command is missing.

    TensorFlow is not used, because the launcher does not load it.
    """
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    listed = subprocess.run([command, "-L"], capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
