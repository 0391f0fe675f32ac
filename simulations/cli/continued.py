"""The configuration with which a stopped run goes on."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import tomli_w

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.files import write_text
from fog_flower.records.reading import read_run
from fog_flower.simulated import DEPLOYMENT
from simulations.overrides import configure_settings, parse_settings
from strategies.continuing.checkpoint import read_checkpoint

_SUFFIX = r"-from-round-\d+(-\d+)?$"


def settings_to_go_on(stopped: Path, typed: Sequence[str]) -> RunConfig:
    """Return the stopped run's own configuration, in a folder beside it.

    Parameters
    ----------
    stopped : Path
        The run's folder.
    typed : sequence of str
        ``key=value``, for what may differ; whether it may is checked with all the rest.

    Raises
    ------
    UserError
        If the run has no checkpoint, an argument is no key and value, or a deployment made it: then
        it says the command that continues it there.
    """
    folder = stopped.absolute()
    run = read_run(folder)
    config = run["config"]
    last = read_checkpoint(folder).server_round
    name = f"{re.sub(_SUFFIX, '', folder.name)}-from-round-{last + 1}"
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    free = next(n for n in itertools.chain([name], numbered) if not (folder.parent / n).exists())
    settings = configure_settings(
        {
            **config,
            "results-dir": str(folder.parent),
            "run-name": free,
            "continue-from": str(folder),
            **parse_settings(typed),
        }
    )
    if run.get("federation") == DEPLOYMENT:
        file = folder.parent / f"{settings.run_name}.toml"
        write_text(file, tomli_w.dumps(settings.to_run_config()))
        raise UserError(
            f"{folder} was made by a deployment, but this command simulates; continue it there: "
            f"flwr run . YOUR-SUPERLINK --run-config {file}"
        )
    return settings
