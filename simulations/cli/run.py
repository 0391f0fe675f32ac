"""``fog-flower run`` makes a run, ``continue`` resumes a stopped one, ``show`` prints results."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fog_flower.errors import UserError
from simulations.cli.terminal import terminal
from simulations.visible import counted

if TYPE_CHECKING:
    from fog_flower.config import RunConfig

SETTINGS = typer.Argument(metavar="[KEY=VALUE]...", help="see `fog-flower keys`")
ENGINE = typer.Option(help="ray: `flwr run`; inline: all in this process, for debugging")
ACTORS = typer.Option(
    min=1, help="fog nodes that train at the same time; default: the fastest number"
)
RUN = typer.Argument(help="folder or name of a run")


def run(
    settings: Annotated[list[str] | None, SETTINGS] = None,
    preset: Annotated[str, typer.Option(help="demo, paper-mlp or paper-cnn")] = "demo",
    engine: Annotated[str, ENGINE] = "ray",
    actors: Annotated[int | None, ACTORS] = None,
) -> None:
    """Run a fog simulation or the centralized baseline, and report how it ended.

    KEY=VALUE changes the preset; `fog-flower keys` lists the keys.
    """
    # Imported here, as in all commands, so that --help and errors in the input appear at once.
    from simulations.overrides import configure  # noqa: PLC0415

    _run(lambda: configure(preset, settings or []), engine, actors)


def go_on(
    run: Annotated[str, RUN],
    settings: Annotated[list[str] | None, SETTINGS] = None,
    engine: Annotated[str, ENGINE] = "ray",
    actors: Annotated[int | None, ACTORS] = None,
) -> None:
    """Continue a stopped run after its last complete round, in a new folder.

    RUN is its folder, or its name in results/runs. KEY=VALUE may change the place (run-name), but
    nothing else: settings, data and code must be those of the stopped run.
    """
    from fog_flower.records.reading import find_run  # noqa: PLC0415
    from simulations.cli.continued import settings_to_go_on  # noqa: PLC0415

    _run(lambda: settings_to_go_on(find_run(run), settings or []), engine, actors)


def show(run: Annotated[str, RUN]) -> None:
    """Show a run's results from its records.

    RUN is its folder, or its name in results/runs.
    """
    from fog_flower.records.reading import find_run  # noqa: PLC0415
    from simulations.cli.run_display import print_run  # noqa: PLC0415

    print_run(terminal, find_run(run))


def _run(configured: "Callable[[], RunConfig]", engine: str, actors: int | None) -> None:
    from fog_flower.records.run_folder import folder_of  # noqa: PLC0415
    from simulations.cli.drawing import drawing  # noqa: PLC0415
    from simulations.cli.run_display import (  # noqa: PLC0415
        ARGUMENTS,
        RunDisplay,
        describe_arguments,
        describe_tiers,
        print_run,
    )
    from simulations.engines import RAY, engine_named  # noqa: PLC0415
    from simulations.preflight import check_data, check_quickly, import_from_here  # noqa: PLC0415

    make = engine_named(engine)
    import_from_here()
    config = configured()
    check_quickly(config)
    with make.prepared(config, actors) as launch:  # loads Flower in the meantime
        with drawing(terminal) as drawn:
            dataset = check_data(config, drawn, spare_tensorflow=engine == RAY)
        values = config.to_run_config()
        terminal.say(
            f"{describe_tiers(values)}, {config.model}, "
            f"{counted(config.num_server_rounds, 'round')} on {dataset.name}"
            + describe_arguments(values, *ARGUMENTS, "client-mods")
        )
        rounds, folder = config.num_server_rounds, folder_of(config)
        with RunDisplay(terminal, rounds, folder, _taken_over(config)) as display:
            outcome = launch(display.update)
    if (outcome.folder / "run.json").exists():
        print_run(terminal, outcome.folder)
    if outcome.cause:
        raise UserError(f"the run failed: {outcome.cause}")


def _taken_over(config: "RunConfig") -> int:
    """Return how many rounds are taken over from a stopped run, and print it."""
    if not config.continue_from:
        return 0
    from strategies.continuing.checkpoint import read_checkpoint  # noqa: PLC0415  (Flower)

    rounds = read_checkpoint(Path(config.continue_from)).server_round
    terminal.say(f"continues after round {rounds} of {config.continue_from}")
    return rounds
