"""The configuration that continues a stopped run."""

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
    """Return the configuration that continues a stopped run, in a new folder beside it.

    Parameters
    ----------
    stopped : Path
        The run's folder.
    typed : sequence of str
        ``key=value`` settings to change. Whether they may differ is checked later.

    Raises
    ------
    UserError
        If the run has no checkpoint, an argument is not ``key=value``, or a deployment made the
        run. In the last case, the configuration is written to a file, and the message gives the
        command that continues the run there.
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
