"""``fog-flower audit``: privacy attacks on what a run releases."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from fog_flower.suggestion import check_known
from simulations.cli.terminal import styled, terminal

OUT = (
    "folder for the findings; default: audit/ in the run's folder; for settings, results/audit/mine"
)
REPEAT_CHANGED = "also repeat audits that another version of fog-flower made"
AUDITS = (
    "shipments",
    "inversion",
    "membership",
    "sampling",
    "one-run",
    "share",
    "central-dp",
    "laplace",
)


def audit(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [KEY=VALUE]...", help="a run's folder, or the settings of a run"
        ),
    ] = None,
    only: Annotated[str, typer.Option(help=f"comma-separated, any of {', '.join(AUDITS)}")] = "",
    out: Annotated[str, typer.Option(help=OUT)] = "",
    repeat_changed: Annotated[bool, typer.Option("--repeat-changed", help=REPEAT_CHANGED)] = False,
) -> None:
    """Attack what a run releases, and compare the findings with the promises of its ledger.

    Attacks use the run's own data and code. Audits that are already recorded in --out are not
    repeated, unless your own code has changed since. `fog-flower show RUN` puts the bounds that
    were found beside the run's ledger.
    """
    from simulations.audits.audited import AUDIT, ELSEWHERE  # noqa: PLC0415
    from simulations.audits.make import make_audits  # noqa: PLC0415  (TensorFlow, pictures)
    from simulations.audits.other_code import OTHER_VERSION  # noqa: PLC0415
    from simulations.overrides import configure, configure_settings, parse_settings  # noqa: PLC0415
    from simulations.preflight import check, import_from_here  # noqa: PLC0415

    words, place = what or [], ELSEWHERE / "mine"
    chosen = [name.strip() for name in only.split(",") if name.strip()] or list(AUDITS)
    for name in chosen:
        check_known(f"--only {name!r}", name, AUDITS)
    import_from_here()
    if words and "=" not in words[0]:
        from fog_flower.records.reading import find_run, read_run  # noqa: PLC0415
        from fog_flower.records.same_run import first_difference  # noqa: PLC0415

        run = find_run(words[0])
        recorded = read_run(run)["config"]
        config = configure_settings({**recorded, **parse_settings(words[1:]), "run-name": "audit"})
        if first_difference(config.to_run_config(), recorded) is None:
            place = run / AUDIT
    else:
        config = configure("demo", [*words, "run-name=audit"])
    check(config)
    folder = Path(out).expanduser() if out else place
    findings = make_audits(
        config, folder.absolute(), chosen, terminal.say, repeat_changed=repeat_changed
    )
    table = Table("audit", "attack", "measure", "found", "95% interval", "promised", "verdict")
    for row in findings:
        interval = "" if row["low"] is None else f"{row['low']:.3g} to "
        interval += "" if row["high"] is None or not interval else f"{row['high']:.3g}"
        claim = "nothing" if row["claimed"] is None else f"epsilon {row['claimed']:.3g}"
        claim = "" if row["value"] is None else claim
        verdict = row["verdict"]
        shown = ", ".join(filter(None, (verdict, "other version" * row[OTHER_VERSION])))
        table.add_row(
            row["audit"],
            row["attack"],
            row["measure"],
            "" if row["value"] is None else f"{row['value']:.3g}",
            interval.removesuffix(" to "),
            claim,
            styled(shown, "red") if verdict == "refuted" else shown,
        )
    terminal.print(table)
    terminal.say(f"records: {folder}")
