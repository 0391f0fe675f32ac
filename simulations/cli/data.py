"""``fog-flower data``: prepare, describe and draw data sets, and measure their realism."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from simulations.cli.terminal import terminal

app = typer.Typer(
    help="Prepare and describe data sets, and measure how realistic the rendered digits are.",
    no_args_is_help=True,
)
SOME = 1000  # examples whose range is printed


@app.command(epilog="Example: fog-flower data prepare dataset=mnist")
def prepare(
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="e.g. dataset=svhn")
    ] = None,
    preset: Annotated[str, typer.Option(help="demo, paper-mlp or paper-cnn")] = "demo",
) -> None:
    """Draw or download a run's data into the cache, and describe it.

    KEY=VALUE, e.g. dataset=svhn, changes the preset; see `fog-flower keys`.
    """
    from fog_flower.data.cache import cache_dir  # noqa: PLC0415
    from fog_flower.data.load import load_dataset, preprocess_of  # noqa: PLC0415
    from fog_flower.data.scale import told_scale  # noqa: PLC0415
    from fog_flower.data.split import held_out_sets, split_dataset  # noqa: PLC0415
    from simulations.cli.drawing import drawing  # noqa: PLC0415
    from simulations.overrides import configure  # noqa: PLC0415

    config = configure(preset, settings or [])
    with drawing(terminal) as drawn:
        dataset = load_dataset(config, drawn)
    split = split_dataset(dataset, config)
    validation, test = held_out_sets(dataset, split)
    sets = {
        name: [len(group) for group in dataset.task.groups(targets)]
        for name, targets in (
            ("training", dataset.train.targets[split.train]),
            ("validation", validation.targets),
            ("test", test.targets),
        )
    }
    table = Table("class", *sets, title=f"examples of {dataset.name}", title_justify="left")
    for number, group in enumerate(dataset.task.group_names):
        table.add_row(group, *(f"{counts[number]:,}" for counts in sets.values()))
    table.add_section()
    table.add_row("all", *(f"{sum(counts):,}" for counts in sets.values()))
    terminal.print(table)
    seen = preprocess_of(config, dataset, dataset.train)(dataset.train.inputs[:SOME])
    terminal.say(
        f"inputs {dataset.spec}, from {seen.min():g} to {seen.max():g} as a model sees the first "
        f"{len(seen):,}"
    )
    if told := told_scale(config, dataset, split.train):
        terminal.say(told)
    terminal.say(f"sha256 {dataset.sha256}")
    terminal.say(f"cache {cache_dir()}")


@app.command(epilog="Example: fog-flower data sheet digits.png data-seed=1")
def sheet(
    path: Annotated[Path, typer.Argument(help="PNG file to write")],
    settings: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
    preset: Annotated[str, typer.Option(help="demo, paper-mlp or paper-cnn")] = "demo",
) -> None:
    """Draw the first images of a data set, one row per digit."""
    from fog_flower.data.load import load_dataset  # noqa: PLC0415
    from simulations.overrides import configure  # noqa: PLC0415
    from simulations.reports.contact_sheet import draw_contact_sheet  # noqa: PLC0415

    draw_contact_sheet(load_dataset(configure(preset, settings or [])), path)
    terminal.say(f"picture: {path}")


@app.command(epilog="Example: fog-flower data realism --mat test_32x32.mat --epochs 1")
def realism(
    mat: Annotated[list[Path], typer.Option(help="a .mat file in SVHN's format; repeatable")],
    train_images: Annotated[int, typer.Option(min=32, help="rendered digits to train on")] = 73_257,
    epochs: Annotated[int, typer.Option(min=1)] = 4,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or auto")] = "float32",
    out: Annotated[Path | None, typer.Option(help="JSON file for the results")] = None,
) -> None:
    """Train the paper's CNN only on rendered digits, and measure its accuracy on real ones."""
    from fog_flower.errors import UserError  # noqa: PLC0415
    from fog_flower.records.environment import hardware  # noqa: PLC0415
    from fog_flower.records.files import write_json  # noqa: PLC0415
    from simulations.cli.drawing import drawing  # noqa: PLC0415
    from simulations.cli.run_display import print_realism  # noqa: PLC0415
    from simulations.experiments.realism import Training, measure_realism  # noqa: PLC0415

    if out and not out.parent.is_dir():
        raise UserError(f"--out {out}: there is no folder {out.parent}; create it first")
    training = Training(images=train_images, epochs=epochs, precision=precision)
    with drawing(terminal) as drawn:
        result = measure_realism(
            mat,
            training=training,
            seed=seed,
            rendered=drawn,
            trained=lambda epoch, accuracy: terminal.say(
                f"epoch {epoch}/{epochs}: accuracy {accuracy:.2%} on the rendered digits"
            ),
        )
    print_realism(terminal, result)
    if out:
        write_json(out, {**dataclasses.asdict(result), "hardware": hardware()})
        terminal.say(f"saved in {out}")
