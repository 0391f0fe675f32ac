"""Everything that can be checked before any process is started."""

import importlib.util
import sys
from pathlib import Path

from fog_flower.attack_settings import NONE
from fog_flower.config import MODEL_NAMES, RunConfig
from fog_flower.data.embedded import Progress
from fog_flower.data.images import Dataset
from fog_flower.data.shards import assign_shards
from fog_flower.data.sources import load_dataset
from fog_flower.data.split import split_dataset
from fog_flower.errors import UserError
from fog_flower.records.run_folder import run_folder
from fog_flower.topology import Topology
from simulations.quiet import only_errors_of_flower, without_native_chatter


def check(config: RunConfig, progress: Progress | None = None) -> Dataset:
    """Check folder, strategy, model, data and shards; the data is in the cache afterwards.

    Raises
    ------
    UserError
        As the run itself would, but before any Flower process starts.
    """
    run_folder(config)
    check_code(config)
    _check_attack(config)
    dataset = load_dataset(config, progress)
    _check_stopped(config, dataset)
    split = split_dataset(dataset, config)
    assign_shards(
        dataset.train.labels[split.train],
        Topology(config.fog_nodes, config.end_nodes),
        config.partition,
        config.seed,
    )
    return dataset


def check_code(config: RunConfig) -> None:
    """Check that strategy and model are there and can be built.

    Raises
    ------
    UserError
        If not.
    """
    _check_strategy(config)
    _check_model(config)


def user_folders(config: RunConfig) -> list[str]:
    """Return the folders that hold the user's own modules, for the processes of the run."""
    folders = []
    for reference in (config.strategy, config.model):
        module = reference.partition(":")[0].partition(".")[0]
        if ":" not in reference or not (spec := importlib.util.find_spec(module)):
            continue
        if spec.origin:
            parent = Path(spec.origin).parent
            folders.append(str(parent.parent if spec.submodule_search_locations else parent))
    # What is installed is found anyway, and our own checkout must not be put before the bundle.
    root = str(Path(__file__).resolve().parent.parent)
    return [
        folder for folder in dict.fromkeys(folders) if "-packages" not in folder and folder != root
    ]


def import_from_here() -> None:
    """Let ``module:name`` find the user's files in the current folder."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last: a user's folder `strategies` must not hide ours


def _check_stopped(config: RunConfig, dataset: Dataset) -> None:
    if not config.continue_from:
        return
    with without_native_chatter():
        from simulations.continuing.stopped_run import read_stopped  # noqa: PLC0415  (TensorFlow)

        read_stopped(config, dataset.sha256)


def _check_attack(config: RunConfig) -> None:
    """Refuse an attack by nobody, and attackers who do nothing."""
    nobody = config.malicious_nodes.strip() in ("", "0")
    if config.attack != NONE and nobody:
        raise UserError(
            f"attack={config.attack!r}, but malicious-nodes={config.malicious_nodes!r}: say how "
            "many, e.g. malicious-nodes=1"
        )
    if config.attack == NONE and not nobody:
        raise UserError(
            f"malicious-nodes={config.malicious_nodes!r}, but attack='none': say what they do, "
            "e.g. attack=sign-flip"
        )


def _check_strategy(config: RunConfig) -> None:
    # Flower takes a second to import, so only where something is to be checked.
    from strategies.cloud import inner_strategy  # noqa: PLC0415

    # Built here only to see whether it can be: its remarks belong to the run's own log.
    with only_errors_of_flower():
        inner_strategy(config)


def _check_model(config: RunConfig) -> None:
    if config.model in MODEL_NAMES:
        return
    if ":" not in config.model:
        raise UserError(
            f"model={config.model!r}: there are {', '.join(MODEL_NAMES)}, or your own as "
            "module:function"
        )
    with without_native_chatter():
        from fog_flower.models import build_untrained  # noqa: PLC0415  (TensorFlow: seconds)

        build_untrained(config.model, config.seed)
