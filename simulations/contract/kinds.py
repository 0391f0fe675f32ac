"""The kinds of plug-ins, and the contract of each."""

import dataclasses
import importlib
import inspect
from collections.abc import Mapping, Sequence

from clients.attacks import ATTACKS
from clients.privacy import FOG_PROTECTIONS, PROTECTIONS
from fog_flower.architecture import Scalar
from fog_flower.data.features import FEATURES
from fog_flower.data.partitions import PARTITIONS
from fog_flower.data.sources import SOURCES
from fog_flower.errors import UserError
from fog_flower.models import MODELS
from fog_flower.named import Catalogue, load_reference, split_call
from fog_flower.records.trackers import TRACKERS
from fog_flower.suggestion import did_you_mean
from simulations.contract.finding import Finding, findings
from simulations.contract.made_up import SETTINGS
from simulations.overrides import configure_settings
from strategies.gates import GATES


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of plug-in.

    Attributes
    ----------
    key : str
        The configuration key that names a plug-in of this kind.
    catalogue : Catalogue or None
        The built-in plug-ins.
    settings : mapping
        Further settings that the contract needs, unless the user overrides them.
    parameters : tuple of str
        First parameters of its functions, or methods of its classes, by which it is recognised.
    """

    key: str
    catalogue: Catalogue | None
    settings: Mapping[str, Scalar]
    parameters: tuple[str, ...]

    def has(self, name: str) -> bool:
        """Check whether there is a built-in plug-in of this name."""
        if self.catalogue:
            return self.catalogue.has(name)
        if self.key != "strategy":
            return False
        from strategies.build import strategy_names  # noqa: PLC0415  (Flower takes a second)

        return name in strategy_names()


_ATTACKED: dict[str, Scalar] = {"malicious-nodes": "1"}
# By name; the contract of a kind is the function ``checks`` of the module ``of_NAME``.
KINDS: dict[str, Kind] = {
    "strategy": Kind(
        "strategy",
        None,
        {"fog-nodes": 7, "gate": "off"},
        ("configure_train",),
    ),
    "gate": Kind("gate", GATES, {}, ("judge",)),
    "model": Kind("model", MODELS, {}, ("spec", "task")),
    "dataset": Kind("dataset", SOURCES, {}, ()),
    "features": Kind("features", FEATURES, {}, ("inputs",)),
    "partition": Kind("partition", PARTITIONS, {}, ("groups", "fog_nodes", "seed")),
    "attack": Kind("attack", ATTACKS, _ATTACKED, ("attacker",)),
    "protection": Kind("protection", PROTECTIONS, {}, ("share", "context")),
    "fog-protection": Kind("fog-protection", FOG_PROTECTIONS, {}, ("delta", "context")),
    "mod": Kind("client-mods", None, {}, ("message", "context", "call_next")),
    "tracker": Kind("trackers", TRACKERS, {}, ("start", "log", "end")),
}

_OF_KEY = {one.key: kind for kind, one in KINDS.items()}  # a key's name is accepted, too


def check_contract(kind: str, name: str, settings: Mapping[str, Scalar]) -> list[Finding]:
    """Run all checks of a kind on the plug-in ``name``.

    Parameters
    ----------
    kind : str
        A key of ``KINDS``.
    name : str
        A value of the kind's configuration key.
    settings : mapping
        Changes to the configuration; by default, it uses small synthetic data.

    Raises
    ------
    UserError
        If the plug-in cannot be loaded and built.
    """
    one = KINDS[kind]
    config = configure_settings({**SETTINGS, **one.settings, **settings, one.key: name})
    module = importlib.import_module(f"{__package__}.of_{kind.replace('-', '_')}")
    return findings(module.checks(config))


def kind_of(words: Sequence[str]) -> tuple[str, str]:
    """Return kind and name from ``KIND NAME``, or from a name whose kind can be inferred.

    KIND may also be the configuration key of a kind: ``client-mods`` for ``mod``.

    Raises
    ------
    UserError
        If the kind is unknown, or cannot be inferred.
    """
    words = [_OF_KEY.get(words[0], words[0]), *words[1:]] if words else []
    if len(words) == 2 and words[0] in KINDS:
        return words[0], words[1]
    listed = ", ".join(KINDS)
    if len(words) != 1:
        wrong = words[0] if words else ""
        near = did_you_mean(wrong, KINDS)
        raise UserError(f"check {wrong}: write KIND NAME, where KIND is one of {listed}{near}")
    (name,) = words
    if name in KINDS:
        raise UserError(f"check {name}: say which, e.g. fog-flower check {name} mine:Mine")
    found = [kind for kind, one in KINDS.items() if one.has(name)]
    found = found or _told_by(name)
    if len(found) != 1:
        several = f"is there as {' and '.join(found)}" if found else "does not say what it is"
        raise UserError(
            f"check {name}: {several}; write KIND before it, one of {listed}, e.g. fog-flower "
            f"check {found[0] if found else 'attack'} {name}"
        )
    return found[0], name


def _told_by(name: str) -> list[str]:
    """Return the kinds whose methods or parameters a user's object has."""
    if ":" not in name:
        return []
    item = load_reference(split_call(name, "check")[0], "check")
    called = inspect.isclass(item) and "__call__" in vars(item)  # its objects are functions
    if inspect.isclass(item) and not called:
        return [
            kind
            for kind, one in KINDS.items()
            if one.parameters and all(hasattr(item, method) for method in one.parameters)
        ]
    try:
        takes = tuple(inspect.signature(item.__call__ if called else item).parameters)[called:]
    except (TypeError, ValueError):
        return []
    return [
        kind
        for kind, one in KINDS.items()
        if one.parameters and takes[: len(one.parameters)] == one.parameters
    ]
