"""``fog-flower compare``: strategies against attacks, as a sweep with its own report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from clients.attacks import ATTACKS as KNOWN_ATTACKS
from simulations.cli.plans import DRY_RUN, JOBS, REPEAT_CHANGED, RETRY_FAILED, check_code, make_runs
from simulations.cli.terminal import terminal
from simulations.visible import counted

if TYPE_CHECKING:
    from simulations.reports.attack_grid.grid_records import ComparisonRecords

STRATEGIES = typer.Option(
    help="comma-separated: a Flower strategy or module:Class (without a gate); gate (FedAvg behind "
    "the default gate); gate=POLICY or gate=POLICY(KEY=VALUE,...) (another gate, with gate-args); "
    "NAME(KEY=VALUE,...) (with strategy-args); "
    "gate+NAME (another strategy behind the gate); honest (FedAvg over the honest nodes only); "
    "any of these with +cloud (the cloud adds its own update, from cloud-examples); cloud-alone "
    "(only the cloud's update); any of these with +refit at the end (the cloud trains the final "
    "model on all of its examples, refit-epochs times, by default as often as there are rounds)"
)
ATTACKS = typer.Option(
    help="comma-separated, with optional strength (sign-flip,alie=2.5): "
    + ", ".join(KNOWN_ATTACKS.names())
    + ", or module:function"
)
MALICIOUS = typer.Option(help="FOG-NODES:MALICIOUS, comma-separated: 7:3,7:6")
OUT = typer.Option(help="folder for records and report; the same folder is continued")


def compare(
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="applied to every run"),
    ] = None,
    strategies: Annotated[str, STRATEGIES] = "gate,FedAvg,honest",
    attacks: Annotated[str, ATTACKS] = "sign-flip",
    malicious: Annotated[str, MALICIOUS] = "7:3",
    seeds: Annotated[str, typer.Option(help="0-4, 3 or 0-2,7")] = "0-4",
    engine: Annotated[str, typer.Option(help="inline or ray")] = "inline",
    jobs: Annotated[int, JOBS] = 1,
    out: Annotated[str, OUT] = "results/compare/mine",
    dry_run: Annotated[bool, DRY_RUN] = False,
    retry_failed: Annotated[bool, RETRY_FAILED] = False,
    repeat_changed: Annotated[bool, REPEAT_CHANGED] = False,
    report_only: Annotated[
        bool, typer.Option("--report-only", help="make no runs; report all records in --out")
    ] = False,
) -> None:
    """Compare strategies under attack: make the runs that are not recorded yet, and report on all.

    KEY=VALUE (see `fog-flower keys`) applies to every run. Your own strategies are found in the
    current folder, as module:Class.
    """
    from simulations.experiments.attack_grid import (  # noqa: PLC0415
        CLOUD_EXAMPLES,
        COMPARE_SCALE,
        ROUNDS,
        comparison,
    )
    from simulations.overrides import parse_settings  # noqa: PLC0415
    from simulations.preflight import import_from_here  # noqa: PLC0415
    from simulations.reports.attack_grid.kept_tables import without_kept  # noqa: PLC0415  (pandas)
    from simulations.sweep.sweep_plan import parse_seeds, plan_sweep  # noqa: PLC0415

    folder = Path(out).expanduser().absolute()
    failed = 0
    if not report_only:
        import_from_here()
        overrides = parse_settings(settings or [])
        own = overrides.pop("cloud-examples", CLOUD_EXAMPLES)  # where the cloud trains
        rounds = overrides.get("num-server-rounds", ROUNDS)
        refit = overrides.pop("refit-epochs", rounds)  # where it refits
        experiment, left_out = comparison(strategies, attacks, malicious, own, refit)
        for reason in left_out:
            terminal.say(f"left out: {reason}")
        chosen = parse_seeds(seeds)
        plan = plan_sweep(experiment, COMPARE_SCALE, chosen, "", overrides, folder)
        check_code(plan, set_aside=repeat_changed and not dry_run)
        plan, kept = without_kept(plan)
        if kept:
            have = "is" if kept == 1 else "are"
            terminal.say(f"{counted(kept, 'run')} {have} already in the tables of {folder}")
        failed = make_runs(
            plan,
            engine,
            jobs=jobs,
            dry_run=dry_run,
            retry_failed=retry_failed,
            repeat_changed=repeat_changed,
        )
        if dry_run:
            return
    from simulations.reports.attack_grid import write_comparison  # noqa: PLC0415  (seaborn)
    from simulations.reports.attack_grid.grid_records import load_comparison  # noqa: PLC0415
    from simulations.reports.attack_grid.grid_tables import lost_updates  # noqa: PLC0415

    records = load_comparison(folder)
    written = write_comparison(folder, records)
    _print_worst(records)
    for _, row in lost_updates(records).iterrows():
        terminal.say(
            f"{row['federation']} malicious, attack {row['attack']}, {row['strategy']}: "
            f"{row['lost']} updates of {row['updates of']} never arrived: "
            f"{row['most often because']}"
        )
    for label, path in written:
        terminal.say(f"{label}: {path}")
    if failed:
        terminal.say(
            f"{counted(failed, 'run')} failed: see the table; --retry-failed repeats failed runs"
        )
        raise typer.Exit(1)


def _print_worst(records: "ComparisonRecords") -> None:
    """Print the attack that costs each strategy most, federation by federation."""
    from simulations.reports.attack_grid.grid_tables import WORST, worst_table  # noqa: PLC0415

    found = worst_table(records)
    if found.empty:
        return
    table = Table("malicious", "", "test accuracy", title=WORST, title_justify="left")
    for _, row in found.iterrows():
        federation = f"{row['malicious']} of {row['fog nodes']}"
        for name in found.columns.drop(["fog nodes", "malicious"]):
            table.add_row(federation, name, str(row[name]))
            federation = ""
        table.add_section()
    terminal.print(table)
