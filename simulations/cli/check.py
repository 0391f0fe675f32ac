"""``fog-flower check``: tests whether a plug-in fulfils the contract of its kind."""

import os
from typing import Annotated

import typer

from simulations.cli.terminal import styled, terminal

WORDS = typer.Argument(
    metavar="[KIND] NAME [KEY=VALUE]...",
    help="KIND: strategy, gate, model, dataset, features, partition, attack, protection, "
    "fog-protection, mod or tracker, or its key, e.g. client-mods; it can be omitted if NAME makes "
    "it clear",
)


def check(words: Annotated[list[str], WORDS]) -> None:
    """Check a plug-in in seconds on small synthetic data, instead of after hours in a run.

    NAME is a built-in part, or module:name in the current folder. KEY=VALUE (see `fog-flower keys`)
    sets its arguments or its environment: strategy-args="beta=0.1", dataset=mine:data.
    """
    from simulations.contract.kinds import check_contract, kind_of  # noqa: PLC0415
    from simulations.overrides import parse_settings  # noqa: PLC0415
    from simulations.preflight import import_from_here  # noqa: PLC0415
    from simulations.quiet import (  # noqa: PLC0415
        only_errors_of_flower,
        without_native_chatter,
    )

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the user's module may load TensorFlow
    import_from_here()
    first_setting = next((n for n, word in enumerate(words) if n and "=" in word), len(words))
    with without_native_chatter():
        kind, name = kind_of(words[:first_setting])
    settings = parse_settings(words[first_setting:])
    with only_errors_of_flower(), without_native_chatter():
        found = check_contract(kind, name, settings)
    told = set()
    for finding in found:
        mark = styled("no  ", "red") if finding.problem else styled("yes ", "green")
        terminal.print(mark.append(finding.name))
        if finding.problem and finding.problem not in told:
            terminal.say(f"    {finding.problem}")
        told.add(finding.problem)
    broken = sum(bool(finding.problem) for finding in found)
    terminal.say(f"{kind} {name}: {len(found) - broken} of {len(found)} checks passed")
    if broken:
        raise typer.Exit(1)
