"""``fog-flower keys``: explains the keys of a run's configuration."""

import dataclasses
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from simulations.cli.terminal import terminal

INDENT = "    "


@dataclasses.dataclass(frozen=True)
class Key:
    """A configuration key with its explanation.

    Attributes
    ----------
    group : str
        E.g. ``data``.
    choices : tuple of str
        All allowed values, if there is a fixed list of them.
    names : tuple of str
        Built-in names of a plug-in key, which also accepts the user's own.
    """

    name: str
    group: str
    default: Any
    meaning: str
    choices: tuple[str, ...]
    names: tuple[str, ...]

    def says(self, word: str) -> bool:
        """Check whether its name, meaning or one of its values contains the word."""
        texts = (self.name, self.meaning, *self.choices, *self.names)
        return any(word.lower() in text.lower() for text in texts)


def keys(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORD]...", help="show only keys that contain all of these words, e.g. noise"
        ),
    ] = None,
) -> None:
    """List the configuration keys by group, with default, meaning and possible names.

    WORD narrows the list, e.g. to noise, or to a group: data, tiers, training, cloud, attack, run.
    """
    every = list(explained())
    groups = {key.group for key in every} & {word.lower() for word in words or ()}
    wanted = [word for word in words or () if word.lower() not in groups]
    found = [
        key for key in every if (not groups or key.group in groups) and all(map(key.says, wanted))
    ]
    if not found:
        raise UserError(f"no key contains {' '.join(words or ())}; fog-flower keys lists all keys")
    group = ""
    for key in found:
        if key.group != group:
            group = key.group
            terminal.say(group.upper())
        for line in described(key, terminal.width):
            terminal.say(line)


def described(key: Key, width: int) -> list[str]:
    """Return the lines that explain a key, wrapped at ``width`` without breaking words."""
    lines = [f"  {key.name}={key.default}" + ("  (empty)" if key.default == "" else "")]
    paragraphs = [key.meaning]
    if key.choices:
        paragraphs.append(f"one of: {', '.join(key.choices)}")
    if key.names:
        paragraphs.append(f"names: {', '.join(key.names)}")
    for text in paragraphs:
        lines += textwrap.wrap(
            text,
            max(width, len(INDENT) + 20),
            initial_indent=INDENT,
            subsequent_indent=INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def explained() -> Iterator[Key]:
    """Yield all keys, in the order of ``RunConfig``."""
    from simulations.app_folder import default_run_config  # noqa: PLC0415

    defaults, catalogues, group = default_run_config(), _catalogues(), ""
    for name, field in RunConfig.keys().items():
        group = field.metadata.get("group", group)
        choices, meaning = tuple(field.metadata["choices"]), str(field.metadata["help"])
        yield Key(name, group, defaults[name], meaning, choices, catalogues.get(name, ()))


def _catalogues() -> dict[str, tuple[str, ...]]:
    """Return the built-in names of each plug-in key, without loading the plug-ins."""
    from fog_flower.config import NONE, OFF  # noqa: PLC0415
    from simulations.contract.kinds import KINDS  # noqa: PLC0415  (NumPy)

    before = {"attack": (NONE,), "features": (NONE,), "gate": (OFF,)}
    return {
        kind.key: (*before.get(kind.key, ()), *kind.catalogue.names())
        for kind in KINDS.values()
        if kind.catalogue
    }
