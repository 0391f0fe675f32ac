"""``fog-flower demo``: three short runs that show the effect of the gate, and a page."""

import time
from pathlib import Path
from typing import Annotated

import typer

from fog_flower.errors import UserError
from fog_flower.processor import usable_cores
from simulations.cli.terminal import terminal

SETTINGS = typer.Argument(
    metavar="[KEY=VALUE]...", help="applied to every run; needs a separate --out"
)
OUT = typer.Option(help="folder for records and page; recorded runs are not repeated")
JOBS = typer.Option(min=0, help="runs in parallel; 0: all three if there is more than one core")


def demo(
    settings: Annotated[list[str] | None, SETTINGS] = None,
    out: Annotated[str, OUT] = "results/runs/demo",
    jobs: Annotated[int, JOBS] = 0,
) -> None:
    """Show in three minutes what one malicious fog node does, and how the gate stops it.

    There are three runs of 4 fog nodes on rendered digits: without an attack, with one attacker and
    plain FedAvg, and with one attacker and the gate. The demo ends with a table, a picture and a
    page. Meanwhile `fog-flower watch results/runs/demo` shows live curves.
    """
    began = time.monotonic()
    terminal.say("demo: 3 runs of 4 fog nodes x 6 end nodes; a few minutes on 2 cores")
    terminal.say("loading Flower and checking the runs")
    from simulations.cli.demo_display import DemoDisplay, print_demo  # noqa: PLC0415
    from simulations.experiments import demo as demo_runs  # noqa: PLC0415
    from simulations.overrides import parse_settings  # noqa: PLC0415
    from simulations.preflight import import_from_here  # noqa: PLC0415
    from simulations.sweep.check_code import check_all_code  # noqa: PLC0415
    from simulations.sweep.execute import execute  # noqa: PLC0415
    from simulations.sweep.sweep_plan import plan_sweep  # noqa: PLC0415

    import_from_here()
    folder, size = Path(out).expanduser().absolute(), demo_runs.SCALE
    overrides = parse_settings(settings or [])
    plan = plan_sweep(demo_runs.demo(), size, (0,), "", overrides, folder)
    check_all_code(plan)
    together = jobs or (len(plan.runs) if usable_cores() > 1 else 1)
    with DemoDisplay(terminal, plan) as display:
        statuses = execute(plan, size.engine, display.update, jobs=together, drawn=display.drawn)
    if any(status != "finished" for status in statuses):
        raise UserError(f"a run failed; see {folder} for the cause")
    terminal.say("drawing the picture and the page")
    from simulations.reports.demo.demo_page import note_times, write_demo  # noqa: PLC0415  (seaborn)

    if display.made == len(plan.runs):  # otherwise an earlier call spent part of the time
        note_times(folder, display.drawing_seconds, time.monotonic() - began, together)
    print_demo(terminal, write_demo(folder))
