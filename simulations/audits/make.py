"""Runs the audits that are not recorded yet for this code, and records their findings."""

import importlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.errors import UserError
from fog_flower.records.files import write_json
from fog_flower.records.same_run import PLACES
from fog_flower.renamed import completed
from simulations.app_folder import default_run_config
from simulations.audits.cost import Cost
from simulations.audits.finding import FILE
from simulations.audits.kept_steps import forget_steps
from simulations.audits.other_code import OTHER_VERSION, changed_own, code_here, is_other_version
from simulations.quiet import load_tensorflow_quietly

SET_ASIDE = ".set-aside"  # folder of findings on the user's former code, and their pictures
_NOT_RECORDED = ("run-name", "results-dir")


def make_audits(
    config: RunConfig,
    folder: Path,
    chosen: Sequence[str],
    say: Callable[[str], None],
    *,
    repeat_changed: bool = False,
) -> list[dict[str, Any]]:
    """Run the chosen audits, and return all of their findings.

    Each audit is recorded as soon as it is done. A long one that was stopped goes on after its last
    complete step (``KeptSteps``). One that is recorded is repeated only if the
    user's own code has changed since, because it then attacked something else; its findings are
    set aside. If only fog-flower has changed, it stays, and its findings have ``OTHER_VERSION``.

    Parameters
    ----------
    config : RunConfig
        Already checked.
    folder : Path
        Folder of ``audit.json`` and the pictures.
    chosen : sequence of str
        Names of audits.
    say : callable
        Called with a message at the start of each step.
    repeat_changed : bool
        Also repeat audits that another version of fog-flower made.

    Raises
    ------
    UserError
        If the folder has findings for other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, code, told = folder / FILE, code_here(config), _recorded(config, folder)
    for number, name in enumerate(chosen, 1):
        which, known = f"audit {number}/{len(chosen)} {name}", told["audits"].get(name, {})
        own, other = changed_own(known, code), is_other_version(known, code)
        if known and not own and not (other and repeat_changed):
            by = " by another version of fog-flower; --repeat-changed makes it again"
            say(f"{which}: recorded already{by * other}")
            continue
        if known:
            say(f"{which}: {own or 'fog-flower'} has changed; old findings go to {SET_ASIDE}")
            _set_aside(folder, name, told)
        say(f"{which} ...")
        with Cost() as cost:
            findings = [one.to_json() for one in _made(name, config, folder, say)]
        told["audits"][name] = {
            "findings": findings,
            **cost.to_json(),
            "data": prepare_field(config).dataset.name,
            **code,
        }
        write_json(path, told)
        forget_steps(name, folder)
        say(f"{which}: {cost}")
    made = [told["audits"][name] for name in chosen]
    return [
        {**row, OTHER_VERSION: is_other_version(one, code)}
        for one in made
        for row in one["findings"]
    ]


def _recorded(config: RunConfig, folder: Path) -> dict[str, Any]:
    """Return the content of ``audit.json``, or that of a new one."""
    settings = {k: v for k, v in config.to_run_config().items() if k not in _NOT_RECORDED}
    path = folder / FILE
    if not path.exists():
        return {"config": settings, "audits": {}}
    told: dict[str, Any] = json.loads(path.read_text())
    before = {**default_run_config(), **completed(told["config"])}  # it lacks newer keys
    changed = [k for k, v in settings.items() if k not in PLACES and before.get(k) != v]
    if changed:
        raise UserError(
            f"--out {folder}: has findings with other {', '.join(changed)}; use another --out"
        )
    return told


def _set_aside(folder: Path, name: str, told: dict[str, Any]) -> None:
    """Take an audit out of ``audit.json``, and keep its findings and pictures in ``SET_ASIDE``."""
    place = folder / SET_ASIDE / f"{name}-{time.time_ns()}.json"
    place.parent.mkdir(exist_ok=True)
    write_json(place, {"config": told["config"], "audits": {name: told["audits"].pop(name)}})
    write_json(folder / FILE, told)
    for picture in list(folder.glob(f"{name}.*")):
        picture.rename(place.with_suffix(picture.suffix))


def _made(name: str, config: RunConfig, folder: Path, say: Callable[[str], None]) -> Any:
    load_tensorflow_quietly()
    module = importlib.import_module(f"simulations.audits.{name.replace('-', '_')}")
    return module.audit(config, folder, say)
