"""Runs the audits that are not recorded yet, and records their findings."""

import importlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.errors import UserError
from fog_flower.records.files import write_json
from simulations.audits.finding import FILE
from simulations.quiet import load_tensorflow_quietly

_NOT_COMPARED = ("run-name", "results-dir")


def make_audits(
    config: RunConfig, folder: Path, chosen: Sequence[str], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Run the chosen audits, and return all of their findings.

    Each audit is recorded as soon as it is done.

    Parameters
    ----------
    config : RunConfig
        Already checked.
    folder : Path
        Folder of ``audit.json`` and the pictures. An audit that is recorded there is not repeated.
    chosen : sequence of str
        Names of audits.
    say : callable
        Called with a message at the start of each step.

    Raises
    ------
    UserError
        If the folder has findings for other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    settings = {k: v for k, v in config.to_run_config().items() if k not in _NOT_COMPARED}
    told: dict[str, Any] = {"config": settings, "audits": {}}
    if path.exists():
        known = json.loads(path.read_text())
        if known["config"] != settings:
            changed = [k for k, v in settings.items() if known["config"].get(k) != v]
            raise UserError(f"--out {folder}: has findings with other {', '.join(changed)}")
        told = known
    for number, name in enumerate(chosen, 1):
        if name in told["audits"]:
            say(f"audit {number}/{len(chosen)} {name}: recorded already")
            continue
        say(f"audit {number}/{len(chosen)} {name} ...")
        began = time.perf_counter()
        findings = [one.to_json() for one in _made(name, config, folder, say)]
        told["audits"][name] = {
            "findings": findings,
            "seconds": round(time.perf_counter() - began, 1),
            "data": prepare_field(config).dataset.name,
            "code_identity": code_identity(),
        }
        write_json(path, told)
    return [row for name in chosen for row in told["audits"][name]["findings"]]


def _made(name: str, config: RunConfig, folder: Path, say: Callable[[str], None]) -> Any:
    load_tensorflow_quietly()
    module = importlib.import_module(f"simulations.audits.{name.replace('-', '_')}")
    return module.audit(config, folder, say)
