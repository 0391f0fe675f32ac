"""``fog-flower sweep`` makes the runs of an experiment, ``fog-flower report`` evaluates them."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from simulations.cli.plans import DRY_RUN, JOBS, REPEAT_CHANGED, RETRY_FAILED, check_code, make_runs
from simulations.cli.terminal import terminal

EXPERIMENT = typer.Argument(
    help="table1, table2, uploads, sharing, precision, epsilon, literature, trilemma or central-dp"
)
SCALE = typer.Option(
    help="reduced (about an hour for 10 seeds of table2), full (the paper's), or ours (table2 "
    "only); default: reduced, or the only one that there is"
)
DATASET = typer.Option(help="rendered-digits, svhn, mnist or npz:PATH")
OUT = typer.Option(help="folder of the sweep; default: results/EXPERIMENT/SCALE")


def sweep(
    experiment: Annotated[str, EXPERIMENT],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="applied to every run; needs a separate --out"
        ),
    ] = None,
    seeds: Annotated[str, typer.Option(help="0-9, 3 or 0-4,7")] = "0-9",
    scale: Annotated[str, SCALE] = "",
    only: Annotated[
        str, typer.Option(help="only cells whose name contains one of these, e.g. cnn,fog-5")
    ] = "",
    dataset: Annotated[str, DATASET] = "",
    data_dir: Annotated[str, typer.Option(help="folder of the data set's official files")] = "",
    engine: Annotated[str, typer.Option(help="ray or inline; default: depends on the scale")] = "",
    out: Annotated[str, OUT] = "",
    jobs: Annotated[int, JOBS] = 1,
    dry_run: Annotated[bool, DRY_RUN] = False,
    retry_failed: Annotated[bool, RETRY_FAILED] = False,
    repeat_changed: Annotated[bool, REPEAT_CHANGED] = False,
) -> None:
    """Make every run of an experiment that is not recorded yet; resumable at any time.

    KEY=VALUE (see `fog-flower keys`) applies to every run, and needs a separate --out.
    """
    from simulations.overrides import parse_settings  # noqa: PLC0415
    from simulations.preflight import import_from_here  # noqa: PLC0415
    from simulations.sweep.sweep_folder import (  # noqa: PLC0415
        find_experiment,
        left_out,
        sweep_folder,
    )
    from simulations.sweep.sweep_plan import parse_seeds, plan_sweep  # noqa: PLC0415

    import_from_here()
    chosen = find_experiment(experiment)
    size = chosen.scale(scale)
    overrides = parse_settings(settings or [])
    for key, text in (("dataset", dataset), ("data-dir", data_dir)):
        if text:
            overrides[key] = text
    folder = sweep_folder(chosen.name, size.name, str(overrides.get("dataset", "")), out)
    plan = plan_sweep(chosen, size, parse_seeds(seeds), only, overrides, folder)
    check_code(plan, set_aside=repeat_changed and not dry_run)
    used = engine or size.engine
    failed = make_runs(
        plan,
        used,
        jobs=jobs,
        dry_run=dry_run,
        retry_failed=retry_failed,
        repeat_changed=repeat_changed,
    )
    if dry_run:
        return
    terminal.say(f"{len(plan.runs) - failed} finished, {failed} failed, in {folder}/")
    typed = {"--scale": scale, "--dataset": dataset, "--out": out}
    where = "".join(f" {option} {shlex.quote(value)}" for option, value in typed.items() if value)
    if not out:  # a report on the default folder alone would lose the rows of the others
        where += "".join(f" --beside {_typed(path)}" for path in left_out(folder, ()))
    terminal.say(f"next: fog-flower report {experiment}{where}")
    if failed:
        raise typer.Exit(1)


def report(
    experiment: Annotated[str, EXPERIMENT],
    scale: Annotated[str, SCALE] = "",
    dataset: Annotated[str, DATASET] = "",
    out: Annotated[str, OUT] = "",
    results: Annotated[str, typer.Option(help="folder for tables, figures and page")] = "results",
    margin: Annotated[
        float, typer.Option(min=0.0, help="equivalence margin, in points of accuracy")
    ] = 1.5,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help="folder of a sweep with other settings, shown as more rows of Table 2; repeatable"
        ),
    ] = None,
) -> None:
    """Write an experiment's tables, figures, statistics and page, from its records alone."""
    from simulations.reports.experiment_report import write_report  # noqa: PLC0415  (pandas, seaborn: seconds)
    from simulations.sweep.sweep_folder import (  # noqa: PLC0415
        find_experiment,
        left_out,
        sweep_folder,
    )

    chosen = find_experiment(experiment)
    size = chosen.scale(scale)
    folder = sweep_folder(chosen.name, size.name, dataset, out)
    others = [Path(path) for path in beside or ()]
    files = write_report(chosen, size, folder, Path(results), margin / 100, others)
    for label, path in files:
        terminal.say(f"{label}: {path}")
    for path in left_out(folder, others):
        shown = _typed(path)
        terminal.say(
            f"not shown: the sweep with other settings in {shown}; --beside {shown} adds its rows"
        )


def _typed(path: Path) -> str:
    """Return a path relative to the current folder, quoted for the shell."""
    return shlex.quote(os.path.relpath(path))
