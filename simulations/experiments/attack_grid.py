"""An experiment that compares strategies under attacks, both chosen by the user."""

import dataclasses
import re
from collections.abc import Callable, Mapping

from clients.attacks import ATTACKS
from fog_flower.architecture import Scalar
from fog_flower.config import LEARNED, NONE, OFF
from fog_flower.data.trigger import SQUARE, TRIGGERS
from fog_flower.errors import UserError
from fog_flower.named import lying_here, split_names
from fog_flower.suggestion import did_you_mean
from simulations.experiments.attacked import attacked
from simulations.experiments.experiment import Cell, Experiment, Scale
from strategies.gates import GATES
from strategies.least_updates import LEAST_UPDATES
from strategies.rules import RULES

FEDAVG, GATE, HONEST = "FedAvg", "gate", "honest"
OPEN, CLOUD_ALONE, WITH_CLOUD, REFIT = "open", "cloud-alone", "+cloud", "+refit"
# Upper references, independent of the attack, without and with a cloud that trains.
REFERENCES = (
    HONEST,
    CLOUD_ALONE,
    HONEST + WITH_CLOUD,
    CLOUD_ALONE + REFIT,
    HONEST + WITH_CLOUD + REFIT,
)
# Keys that a cell may set.
ARGUMENTS = ("strategy-args", "gate-args", "cloud-examples", "refit-epochs")
CLOUD_EXAMPLES = 3_000  # the default number that the cloud trains on
ROUNDS = 7
# Arguments of robust rules that need the number of malicious nodes, and the least number of nodes
# for which a rule is defined (Krum: Blanchard et al. 2017; Bulyan: Mhamdi et al. 2018; a trimmed
# mean needs an honest value left in the middle).
_KNOWN_MALICIOUS = {
    "Krum": "num_malicious_nodes={m}",
    "MultiKrum": "num_malicious_nodes={m},num_nodes_to_select={h}",
    "Bulyan": "num_malicious_nodes={m}",
    "FedTrimmedAvg": "beta={beta}",
    "dnc": "num_malicious_nodes={m}",
    "nnm": "num_malicious_nodes={m}",
}
_LEAST_NODES: Mapping[str, Callable[[int], int]] = {
    **LEAST_UPDATES,
    "FedTrimmedAvg": lambda m: 2 * m + 1,
    "dnc": lambda m: 2 * m + 1,
    "nnm": lambda m: 2 * m + 1,
}
# Some of Flower's defaults are far too small or too large for a few rounds of whole epochs.
_USUAL = {
    "FedAdam": "eta=0.01,tau=0.001",
    "FedYogi": "eta=0.01,tau=0.001",
    "FedAvgM": "server_learning_rate=1.0,server_momentum=0.5",
    "FedProx": "proximal_mu=0.01",
}

_GATED = re.compile(
    r"gate(?:=(?P<policy>[\w.:-]+))?(?:\((?P<arguments>[^()]*)\))?(?:\+(?P<inner>.+))?"
)

_SETTINGS: dict[str, Scalar] = {
    "normalisation": "fitted",
    "train-examples": 5_600,
    "validation-examples": 3_000,
    "test-examples": 4_000,
    "model": "cnn-small",
    "learning-rate": 0.05,
    "batch-size": 8,
    "num-server-rounds": ROUNDS,
    "end-nodes": 6,
    "local-validation-examples": 100,
}

COMPARE_SCALE = Scale(
    name="small",
    settings={"any": _SETTINGS},
    engine="inline",
    seeded_data=True,
    note="5,600 training images, cnn-small, 7 rounds, batches of 8, learning rate 0.05: many runs "
    "of some seconds; KEY=VALUE changes it",
)


@dataclasses.dataclass(frozen=True)
class Federation:
    """A number of fog nodes, and how many of them are malicious."""

    fog_nodes: int
    malicious: int

    def __str__(self) -> str:
        return f"{self.fog_nodes}:{self.malicious}"


def parse_federations(text: str) -> tuple[Federation, ...]:
    """Parse ``7:3,7:6``: numbers of fog nodes, and how many of them are malicious.

    Raises
    ------
    UserError
        If the text has another form, or there are no fog nodes or fewer than malicious ones.
    """
    chosen = []
    for part in split_names(text):
        match = re.fullmatch(r"(\d+):(\d+)", part)
        if not match:
            raise UserError(f"--malicious {part!r}: write FOG-NODES:MALICIOUS, e.g. 7:3")
        if not 0 <= int(match[2]) <= int(match[1]) or not int(match[1]):
            raise UserError(
                f"--malicious {part!r}: of {match[1]} fog nodes at most {match[1]} are malicious, "
                f"e.g. {max(int(match[1]), 1)}:1"
            )
        chosen.append(Federation(int(match[1]), int(match[2])))
    return tuple(dict.fromkeys(chosen))


def parse_attacks(text: str) -> tuple[str, ...]:
    """Parse ``sign-flip,alie``, each with an optional strength: ``alie=2.5``.

    Raises
    ------
    UserError
        If an attack is unknown, or a strength is not a number above 0.
    """
    for part in split_names(text):
        name, _, strength = part.partition("=")
        if name != NONE and ":" not in name and not ATTACKS.has(name):
            near = did_you_mean(name, ATTACKS.names())
            near = lying_here(name, "--attacks ", "module:function") or near
            raise UserError(
                f"--attacks {part!r}: choose from {NONE}, {', '.join(ATTACKS.names())}, or your "
                "own as module:function, each with an optional strength, e.g. alie=2.5"
                f"{near}"
            )
        if strength and not _is_number(strength):
            raise UserError(
                f"--attacks {part!r}: the strength {strength!r} is not a number above 0; write "
                f"e.g. {name}=2.5, or {name} for the default strength"
            )
    return tuple(dict.fromkeys(map(_plain_attack, split_names(text))))


def _plain_attack(text: str) -> str:
    """Return an attack under its usual name: SIGN_FLIP becomes sign-flip."""
    name, _, strength = text.partition("=")
    if ATTACKS.has(name):
        name = next(
            known
            for known in ATTACKS.names()
            if ATTACKS.module_of(known) == ATTACKS.module_of(name)
        )
    return f"{name}={strength}" if strength else name


def comparison(
    strategies: str,
    attacks: str,
    malicious: str,
    cloud_examples: Scalar = CLOUD_EXAMPLES,
    refit_epochs: Scalar = ROUNDS,
) -> tuple[Experiment, list[str]]:
    """Return the grid as an experiment, and the reasons why combinations were left out.

    Parameters
    ----------
    strategies : str
        Comma-separated: a Flower strategy by name or ``module:Class``, which runs without a gate;
        ``gate`` (FedAvg behind the default gate), ``gate=POLICY`` (behind another gate),
        ``gate+NAME`` and ``gate=POLICY+NAME`` (another strategy behind a gate),
        ``gate=POLICY(slack=0,error=0.05)`` (with ``gate-args``), ``NAME(eta=0.1)`` (with
        ``strategy-args``), ``honest`` (FedAvg over the honest nodes only, as an upper reference);
        any of these with ``+cloud`` (the cloud adds its own update); ``cloud-alone`` (only the
        cloud's update is merged); any of these with ``+refit`` at the end (the cloud trains the
        final W on all of its examples).
    attacks, malicious : str
        See ``parse_attacks`` and ``parse_federations``.
    cloud_examples : int
        ``cloud-examples``: the number of examples on which the cloud trains, if it does.
    refit_epochs : int
        ``refit-epochs``, where a name ends with ``+refit``; by default as many as rounds.
    """
    names, left_out, cells = split_names(strategies), [], {}
    if not names:
        raise UserError("--strategies: name at least one, e.g. gate,FedAvg,honest")
    stamped = any(map(stamps, parse_attacks(attacks)))
    for federation in parse_federations(malicious):
        for attack in parse_attacks(attacks):
            if reason := _nobody_attacks(attack, federation):
                left_out.append(reason)
            if attack == NONE and federation.malicious:
                continue
            for name in dict.fromkeys(map(_canonical, names)):
                if reason := _undefined(name, federation):
                    left_out.append(reason)
                else:
                    cell = _cell(name, attack, federation, cloud_examples, refit_epochs)
                    if stamped and name in REFERENCES:  # how often they answer so by themselves
                        own = {**cell.settings, "trigger": "backdoor"}
                        cell = dataclasses.replace(cell, settings=own)
                    cells[cell.name] = cell
    if not cells:
        raise UserError(f"--strategies {strategies}: nothing is left: {'; '.join(left_out)}")
    experiment = Experiment(
        name="compare",
        source="strategies against attacks",
        varies="strategy, attack, and how many fog nodes are malicious",
        cells=tuple(cells.values()),
        scales={COMPARE_SCALE.name: COMPARE_SCALE},
    )
    return experiment, list(dict.fromkeys(left_out))


def stamps(attack: str) -> bool:
    """Return whether an attack, with or without a strength, trains with the square."""
    return TRIGGERS.get(attack.partition("=")[0]) is SQUARE


def _cell(
    name: str, attack: str, federation: Federation, cloud_examples: Scalar, refit_epochs: Scalar
) -> Cell:
    nodes, malicious = federation.fog_nodes, federation.malicious
    alone, with_cloud = merged_by(name), trains_cloud(name)
    settings: dict[str, Scalar] = {"fog-nodes": nodes}
    if with_cloud:
        settings["cloud-examples"] = cloud_examples
    if name.endswith(REFIT):
        settings["refit-epochs"] = refit_epochs
    if name in REFERENCES:  # attackers crash, or their updates are ignored
        gate = CLOUD_ALONE if alone == CLOUD_ALONE else OPEN if with_cloud else OFF
        settings |= {"gate": gate, "strategy": FEDAVG}
        settings |= attacked("crash", malicious)
        tags = _tags(federation, HONEST, name)
        return Cell(f"{nodes}-{malicious}/{name}", name, "any", settings, tags=tags)
    attack = attack if malicious else NONE
    settings |= attacked(attack, malicious) | _strategy(alone, federation)
    if with_cloud and settings["gate"] == OFF and not _asks_cloud(alone):
        settings["gate"] = OPEN  # only a gate adds the cloud's update to the replies
    place = f"{nodes}-{malicious}/{attack}/{name}".replace(":", ".")
    return Cell(place, name, "any", settings, tags=_tags(federation, attack, name))


def _tags(federation: Federation, attack: str, strategy: str) -> dict[str, Scalar]:
    """Return the tags of a cell for its runs' records, in the terms of the command line."""
    return {
        "fog_nodes": federation.fog_nodes,
        "malicious": federation.malicious,
        "attack": attack,
        "strategy": strategy,
    }


def gate_name(policy: str, inner: str, arguments: str = "") -> str:
    """Return the name of a strategy behind a gate policy, as ``comparison`` parses it."""
    gate = f"{GATE}={policy}" + (f"({arguments})" if arguments else "")
    return gate if inner == FEDAVG else f"{gate}+{inner}"


def is_gated(strategy: str) -> bool:
    """Check whether a strategy of a comparison is behind a gate."""
    return _GATED.fullmatch(strategy) is not None


def merged_by(strategy: str) -> str:
    """Return the name of a strategy without what the cloud adds: its own update, and a refit."""
    return strategy.removesuffix(REFIT).removesuffix(WITH_CLOUD)


def _asks_cloud(strategy: str) -> bool:
    """Check whether a rule itself uses the update that the cloud trains."""
    name, _ = _called(strategy)
    return RULES.has(name) and hasattr(RULES.load(name).item, "cloud_trainer")


def trains_cloud(strategy: str) -> bool:
    """Check whether the cloud trains its own update in a strategy of a comparison."""
    name = strategy.removesuffix(REFIT)
    return name == CLOUD_ALONE or name.endswith(WITH_CLOUD)


def _canonical(name: str) -> str:
    """Return one name for equal strategies: gate and gate+FedAvg become gate=learned."""
    alone = merged_by(name)
    if not is_gated(alone):
        return name
    policy, arguments, inner = _parse_strategy(alone)
    return gate_name(policy, inner, arguments) + name.removeprefix(alone)


def _parse_strategy(name: str) -> tuple[str, str, str]:
    """Return the policy (``off`` without a gate), its arguments, and the strategy behind it."""
    match = _GATED.fullmatch(name)
    if not match and name.startswith(f"{GATE}:"):
        rest = name.removeprefix(f"{GATE}:")
        raise UserError(f"--strategies {name!r}: for a gate, write {GATE}={rest}")
    if not match:
        return OFF, "", name
    policy = match["policy"] or LEARNED
    if ":" not in policy and not GATES.has(policy):
        near = did_you_mean(policy, GATES.names())
        near = lying_here(policy, f"{GATE}=", "module:Class") or near
        raise UserError(
            f"--strategies {name!r}: there is no gate {policy!r}; choose from "
            f"{', '.join(GATES.names())}; write gate=NAME or gate=NAME+STRATEGY, e.g. gate=greedy, "
            f"or gate=module:Class{near}"
        )
    return policy, match["arguments"] or "", match["inner"] or FEDAVG


def _called(inner: str) -> tuple[str, str]:
    """Split e.g. ``Krum(num_malicious_nodes=2)`` into name and arguments."""
    name, opened, rest = inner.partition("(")
    if opened and not rest.endswith(")"):
        raise UserError(f"--strategies {inner!r}: close the parenthesis, e.g. FedAdam(eta=0.1)")
    return name, rest.removesuffix(")")


def _strategy(name: str, federation: Federation) -> dict[str, Scalar]:
    policy, gate_arguments, inner = _parse_strategy(name)
    inner, typed = _called(inner)
    told = _KNOWN_MALICIOUS.get(inner, _USUAL.get(inner, ""))
    nodes, malicious = federation.fog_nodes, federation.malicious
    arguments = told.format(
        m=malicious, h=nodes - malicious, beta=round(malicious / nodes + 1e-6, 6)
    )
    parts = [part.strip() for part in f"{arguments},{typed}".split(",") if part.strip()]
    named = {part.partition("=")[0].strip(): part for part in parts}  # typed arguments override
    settings: dict[str, Scalar] = {
        "gate": policy,
        "strategy": inner,
        "strategy-args": ",".join(named.values()) if typed else arguments,
    }
    return settings | ({"gate-args": gate_arguments} if gate_arguments else {})


def _nobody_attacks(attack: str, federation: Federation) -> str:
    if attack == NONE and federation.malicious:
        return f"attack none with {federation}: {federation.malicious} would do nothing malicious"
    if attack != NONE and not federation.malicious:
        return f"attack {attack} with {federation}: nobody is malicious, so it is made as `none`"
    return ""


def _undefined(name: str, federation: Federation) -> str:
    alone = merged_by(name)
    if alone == HONEST and federation.malicious == federation.fog_nodes:
        return f"{name} is nobody where all fog nodes are malicious"
    if alone == HONEST and not federation.malicious:
        return f"{name} is {name.replace(HONEST, FEDAVG)} where no fog node is malicious"
    if alone == CLOUD_ALONE:
        return ""
    least = _LEAST_NODES.get(_called(_parse_strategy(alone)[2])[0])
    if least is None or federation.fog_nodes >= least(federation.malicious):
        return ""
    return (
        f"{name} is not defined for {federation.malicious} malicious of {federation.fog_nodes} "
        f"fog nodes: it needs {least(federation.malicious)}"
    )


def _is_number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
