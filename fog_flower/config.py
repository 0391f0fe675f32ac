"""The run configuration: Flower's run config, parsed into typed values once per process."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fog_flower.annealing import cosine
from fog_flower.architecture import CENTRALIZED, FOG, Scalar, settings_of
from fog_flower.artifacts import parse_artifacts
from fog_flower.attack_schedule import parse_malicious_nodes, parse_rounds
from fog_flower.errors import UserError
from fog_flower.named import parse_arguments, split_names
from fog_flower.privacy.disclosure import EQUAL, LAPLACE, Disclosure, counts, metrics
from fog_flower.renamed import new_name
from fog_flower.suggestion import did_you_mean

PER_EPOCH, EPOCH_MEAN = "per-epoch", "epoch-mean"
OFF, LEARNED = "off", "learned"  # of `gate`; the others are the files in strategies/gates
OF_ATTACK = "attack"  # of `trigger`; the others are attacks with a trigger
NONE = "none"  # of `attack` and `features`
MEAN, SUM, SEQUENTIAL = "mean", "sum", "sequential"
FLOAT32, BFLOAT16, AUTO = "float32", "bfloat16", "auto"
CONSTANT, HALF_COSINE = "constant", "cosine"
STANDARDISED, PIXEL = "standardised", "pixel"
PUBLIC, FITTED = "public", "fitted"
TEST_FILE, SPARE = "test", "spare"
SEEDED_ORDER, FILE_ORDER = "seeded", "file"
FINAL = "final"
SEEDED, ENTROPY = "seeded", "entropy"

LARGEST = 2**63 - 1  # Flower sends 64-bit integers

# Keys whose value may be `module:Name`, the user's own code.
PLUG_INS = (
    *("dataset", "features", "partition", "model", "protection", "fog-protection"),
    *("client-mods", "strategy", "gate", "attack", "trackers"),
)


def _key(
    text: str,
    *,
    group: str = "",
    low: float = -math.inf,
    high: float = math.inf,
    choices: tuple[str, ...] = (),
    parse: Callable[[str], Any] | None = None,
) -> Any:
    metadata = {"help": text, "low": low, "high": high, "choices": choices, "parse": parse}
    return dataclasses.field(metadata=metadata | ({"group": group} if group else {}))


def _arguments(key: str, example: str) -> Callable[[str], Mapping[str, Any]]:
    return lambda text: parse_arguments(text, key, example)


def _absolute_path(key: str) -> Callable[[str], Path | None]:
    def parse(text: str) -> Path | None:
        if text and not Path(text).expanduser().is_absolute():
            raise UserError(
                f"{key}={text!r}: must be absolute, because Flower runs the app elsewhere "
                "(`fog-flower run` makes it absolute for you)"
            )
        return Path(text).expanduser() if text else None

    return parse


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class RunConfig:
    """All settings of a run. Their defaults are in ``pyproject.toml``, and only there.

    Attribute ``train_examples`` is the run-config key ``train-examples``, and so on. The help of
    each key is in its field's metadata (``fog-flower keys`` prints it). Lists, paths and arguments,
    which Flower can only send as text, are parsed here.
    """

    # Data
    dataset: str = _key(
        "rendered-digits, svhn, mnist, npz:PATH, hf:NAME or hf:/FOLDER, or module:function",
        group="data",
    )
    dataset_args: Mapping[str, Any] = _key(
        "arguments of the data set, e.g. inputs='image',targets='label'",
        parse=_arguments("dataset-args", "inputs='image',targets='label'"),
    )
    data_dir: Path | None = _key(
        "folder with the data set's official files; empty: use the cache, or download",
        parse=_absolute_path("data-dir"),
    )
    data_seed: int = _key("seed of the rendered digits, independent of the run's seed", low=0)
    train_examples: int = _key(
        "training examples of all end nodes together; 0: all available", low=0
    )
    validation_examples: int = _key("held-out examples in the cloud, used to judge updates", low=1)
    local_validation_examples: int = _key(
        "validation examples that evaluate local models in every round but the last; with more "
        "than ten fog nodes, ten models per round; 0: all examples and all models",
        low=0,
    )
    test_examples: int = _key("test examples, used only to measure; 0: all that are left", low=0)
    test_source: str = _key(
        "source of the test examples: test (the test file without validation examples) or spare "
        "(training examples that no end node has)",
        choices=(TEST_FILE, SPARE),
    )
    held_out_order: str = _key(
        "how validation examples are chosen from the test file: at random by the run's seed "
        "(seeded), or the first ones of the file, for every seed (file); the rest may test",
        choices=(SEEDED_ORDER, FILE_ORDER),
    )
    normalisation: str = _key(
        "constants of preprocessing: the data set's public ones, or fitted to all training "
        "examples (the paper), which in reality would require sharing them",
        choices=(PUBLIC, FITTED),
    )
    features: str = _key(
        "fixed map that every tier applies to inputs before a model sees them: none, a file of "
        "fog_flower/data/features, or module:function, with optional arguments, e.g. hog(cell=8)"
    )
    # Tiers
    architecture: str = _key(
        "fog, or centralized (the paper's baseline: a cloud with all raw data), which sets "
        "fog-nodes=1, end-nodes=1, noise-sigma=0.0 and gate=off",
        group="tiers",
        choices=(FOG, CENTRALIZED),
    )
    fog_nodes: int = _key("number of fog nodes (Flower clients); the paper has 3, 5 and 7", low=1)
    end_nodes: int = _key("end nodes per fog node; the paper has 6", low=1)
    partition: str = _key(
        "iid, dirichlet:ALPHA, pathological:CLASSES, shard:SHARDS, linear, square, exponential, or "
        "module:function"
    )
    share_fraction: float = _key(
        "fraction of its examples that an end node shares", low=0.0, high=1.0
    )
    protection: tuple[str, ...] = _key(
        "what an end node does to its share before shipping it, in this order: comma-separated "
        "names of clients/privacy/end_node or module:function, with optional arguments, e.g. "
        "gaussian(epsilon=8,delta=1e-5); empty: nothing",
        parse=split_names,
    )
    fog_protection: tuple[str, ...] = _key(
        "what a fog node does to its training and its dW, in this order: comma-separated names of "
        "clients/privacy/fog_node or module:Name, e.g. dp-sgd(epsilon=3); empty: nothing",
        parse=split_names,
    )
    training_metrics: Disclosure = _key(
        "loss and accuracy of a fog node, which go into the records: sent (from training), "
        "dropped, or laplace(epsilon=1,largest_loss=5): those of W on its examples, with noise; "
        "epsilon is for all rounds together",
        parse=metrics,
    )
    example_counts: Disclosure = _key(
        "number of examples that a fog node reports, which weights its update: sent (the true "
        "number), equal (all nodes count the same), or laplace(epsilon=1): with noise, drawn once",
        parse=counts,
    )
    mask_groups: int = _key(
        "smallest size of a group of fog nodes that mask dW, so that only the group's sum can be "
        "read; gate and strategy see means of groups; 0: no masks",
        low=0,
    )
    noise_sigma: float = _key(
        "standard deviation of the Gaussian protection=noise, in noise-unit; with features it is "
        "in their unit, where 0.01 may be large",
        low=0.0,
    )
    noise_unit: str = _key(
        "unit of noise-sigma: of inputs as a model sees them, which are standardised if "
        "normalisation does that (standardised), or of stored pixels from 0 to 1 (pixel)",
        choices=(STANDARDISED, PIXEL),
    )
    noise_source: str = _key(
        "randomness of all protections: seeded by the run (repeatable, but anybody who knows the "
        "seed can remove the noise), or the system's entropy, required outside simulation",
        choices=(SEEDED, ENTROPY),
    )
    # Training
    model: str = _key(
        "a file of fog_flower/models (mlp, cnn, ...), or module:function returning a model",
        group="training",
    )
    learning_rate: float = _key("learning rate of SGD", low=0.0)
    learning_rate_schedule: str = _key(
        "learning rate over the rounds: constant (the paper), or falling to 0 as half a cosine",
        choices=(CONSTANT, HALF_COSINE),
    )
    batch_size: int = _key("examples per SGD step", low=1)
    precision: str = _key(
        "precision of all computation; bfloat16 is mixed precision; auto uses it if the hardware "
        "supports it",
        choices=(FLOAT32, BFLOAT16, AUTO),
    )
    clip_norm: float = _key("bound of the global gradient norm; 0: none (the paper)", low=0.0)
    upload: str = _key(
        "what a round uploads: dW after its last epoch, or the mean over its epochs",
        choices=(PER_EPOCH, EPOCH_MEAN),
    )
    local_epochs: int = _key("epochs per round; 1 with per-epoch is the paper's protocol", low=1)
    num_server_rounds: int = _key("rounds of download, training, upload, merge", low=1)
    own_evaluation: str = _key(
        "whether each fog node reports loss and accuracy of the final W on the data that its end "
        "nodes shipped (section 3 of the paper): none, or final",
        choices=(NONE, FINAL),
    )
    client_mods: tuple[str, ...] = _key(
        "your own Flower mods around the ClientApp: comma-separated module:mod",
        parse=split_names,
    )
    # Cloud
    strategy: str = _key(
        "a Flower strategy by name (FedAvg, Krum, ...), a file of strategies/rules, or "
        "module:Class",
        group="cloud",
    )
    strategy_args: Mapping[str, Any] = _key(
        "arguments of the strategy, e.g. num_malicious_nodes=1,server_learning_rate=0.5",
        parse=_arguments("strategy-args", "num_malicious_nodes=1,server_learning_rate=0.5"),
    )
    fraction_train: float = _key("fraction of the fog nodes that train in a round", low=0, high=1)
    min_available_nodes: int = _key(
        "fog nodes that must be connected for a round to begin; 0: all", low=0
    )
    gate: str = _key(
        "how updates are judged: off (plain strategy), learned, another file of strategies/gates, "
        "or module:Class"
    )
    gate_args: Mapping[str, Any] = _key(
        "arguments of the gate, e.g. tolerance=0.1,examples=500",
        parse=_arguments("gate-args", "tolerance=0.1,examples=500"),
    )
    cloud_examples: int = _key(
        "the cloud's own labelled examples (spare training examples), on which it trains one more "
        "update; 0: the cloud does not train (the paper)",
        low=0,
    )
    refit_epochs: int = _key(
        "epochs that the cloud trains W after the last round, on all of its labelled examples (its "
        "own and the validation examples), with a learning rate that falls along a cosine; 0: none "
        "(the paper)",
        low=0,
    )
    reference_examples: int = _key(
        "validation examples on which the cloud trains a reference direction to compare updates "
        "with (gate=trusted, strategy=fltrust, own gates); more in the first three rounds",
        low=1,
    )
    merge: str = _key(
        "how accepted updates are combined into one step", choices=(MEAN, SUM, SEQUENTIAL)
    )
    # Misbehaving fog nodes
    attack: str = _key(
        "what malicious nodes do: none, a file of clients/attacks, or module:function",
        group="attack",
    )
    malicious_nodes: frozenset[int] = _key(
        "number of malicious fog nodes (the last ones), or which ones: nodes:0,3",
        parse=lambda text: text,
    )
    attack_strength: float = _key("strength of the attack; 0: its default", low=0.0)
    attack_rounds: range = _key(
        "rounds with attacks, e.g. 2, 3-5 or 3-; empty: all", parse=lambda text: text
    )
    attack_probability: float = _key(
        "probability that a malicious node attacks in a round", low=0.0, high=1.0
    )
    trigger: str = _key(
        "trigger that backdoor_success measures: that of the attack, if it is a backdoor, or that "
        "of a named one, also if nobody uses it: how often a model answers so by itself",
        choices=(OF_ATTACK, "backdoor", "edge-case"),
    )
    # Run
    seed: int = _key(
        "seed of split, shards, initial weights, noise and shuffles", group="run", low=0
    )
    client_threads: int = _key(
        "threads of a fog node; 0: one per CPU; changes the last bits of results", low=0
    )
    round_timeout: float = _key("seconds after which a fog node counts as missing", low=0.1)
    artifacts: frozenset[str] = _key(
        "what a run saves besides its tables: any of model, curves and checkpoint (until it has "
        "finished; see continue-from); empty: nothing",
        parse=parse_artifacts,
    )
    trackers: tuple[str, ...] = _key(
        "trackers that follow the run: comma-separated tensorboard, wandb, mlflow or module:Class",
        parse=split_names,
    )
    continue_from: Path | None = _key(
        "folder of a stopped run that this one continues after its last complete round",
        parse=_absolute_path("continue-from"),
    )
    results_dir: Path | None = _key(
        "absolute path of the folder for run folders; empty: results/runs here with fog-flower, "
        "~/fog-flower-results with plain flwr run",
        parse=_absolute_path("results-dir"),
    )
    run_name: str = _key("name of the run's folder; empty: derived from configuration and time")
    # Flower's run config, with the settings that the architecture fixes.
    _run_config: tuple[tuple[str, Scalar], ...] = dataclasses.field(default=(), repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunConfig) and self._run_config == other._run_config

    def __hash__(self) -> int:
        return hash(self._run_config)

    @classmethod
    def from_run_config(cls, run_config: Mapping[str, Scalar]) -> "RunConfig":
        """Check and parse a Flower run config; the result is cached.

        Settings that ``architecture`` fixes (``fog_flower.architecture``) replace the given values,
        so that the configuration, and every record of it, states what really runs.

        Raises
        ------
        UserError
            For an unknown, renamed or missing key, a wrong type, or a value out of range.
        """
        typed = tuple((key, type(value), value) for key, value in run_config.items())
        return _parsed(typed)

    @classmethod
    def keys(cls) -> dict[str, "dataclasses.Field[Any]"]:
        """Return all run-config keys, in order, with their fields."""
        return {
            field.name.replace("_", "-"): field
            for field in dataclasses.fields(cls)
            if not field.name.startswith("_")
        }

    def to_run_config(self) -> dict[str, Scalar]:
        """Return the configuration as a Flower run config: kebab-case keys, numbers and text."""
        return dict(self._run_config)

    def changed(self, settings: Mapping[str, Scalar]) -> "RunConfig":
        """Return a copy with some keys changed, which is checked again."""
        return RunConfig.from_run_config({**self.to_run_config(), **settings})

    def learning_rate_in(self, server_round: int) -> float:
        """Return the step size of SGD in a round, from 1 to ``num-server-rounds``.

        ``cosine`` starts at ``learning-rate`` and would reach 0 after the last round.
        """
        if self.learning_rate_schedule == CONSTANT:
            return self.learning_rate
        return self.learning_rate * cosine((server_round - 1) / self.num_server_rounds)

    def _check_combinations(self) -> None:
        if self.share_fraction == 0.0:
            raise UserError("share-fraction=0.0: end nodes would share nothing; use e.g. 1.0")
        if self.learning_rate == 0.0:
            raise UserError("learning-rate=0.0: nothing would be learnt; the paper uses 0.1")
        if self.fraction_train == 0.0:
            raise UserError("fraction-train=0.0: no fog node would train; use e.g. 1.0")
        if self.min_available_nodes > self.fog_nodes:
            raise UserError(
                f"min-available-nodes={self.min_available_nodes}: there are only "
                f"fog-nodes={self.fog_nodes}; ask for at most that many, or 0 for all"
            )
        self._check_disclosure()
        if self.mask_groups:
            self._check_masks()
        if self.gate == OFF and self.merge == SEQUENTIAL:
            raise UserError(
                "merge='sequential' judges each update against the W left by the one before, but "
                "gate='off' judges none; use gate=open or merge=sum"
            )
        if self.run_name and Path(self.run_name).name != self.run_name:
            raise UserError(f"run-name={self.run_name!r}: must be a plain folder name without '/'")
        if self.run_name in (".", "..") or not self.run_name.isprintable():
            raise UserError(
                f"run-name={self.run_name!r}: must be a folder name of printable characters"
            )

    def _check_disclosure(self) -> None:
        if self.own_evaluation == FINAL and (self.fog_protection or self.mask_groups):
            hides = "fog-protection" if self.fog_protection else "mask-groups"
            raise UserError(
                f"own-evaluation={FINAL!r}: loss and accuracy on a fog node's data would tell the "
                f"cloud what {hides} hides; use own-evaluation=none, or remove {hides}"
            )
        if self.example_counts.how == EQUAL and self.cloud_examples:
            raise UserError(
                f"example-counts='equal': the cloud would count as cloud-examples="
                f"{self.cloud_examples} fog nodes; use laplace(epsilon=1), or cloud-examples=0"
            )

    def _check_masks(self) -> None:
        told = f"mask-groups={self.mask_groups}"
        if self.mask_groups == 1:
            raise UserError(
                f"{told}: the sum of a single dW is that dW; use 2 or more, or 0 for none"
            )
        if self.mask_groups > self.fog_nodes:
            raise UserError(
                f"{told}: there are only fog-nodes={self.fog_nodes}; use at most that many, or 0"
            )
        if self.fraction_train < 1.0:
            raise UserError(
                f"fraction-train={self.fraction_train:g}: different fog nodes in each round "
                f"give sums whose differences reveal what {told} hides; use 1.0, or mask-groups=0"
            )
        if 0 < self.min_available_nodes < self.mask_groups:
            raise UserError(
                f"min-available-nodes={self.min_available_nodes}: {told} opens no sum over fewer "
                f"fog nodes; use at least {self.mask_groups}, or 0 for all"
            )
        if self.merge != MEAN:
            raise UserError(
                f"merge={self.merge!r}: {told} gives means of groups, so the sum over all dW is "
                "not known; use merge=mean, or mask-groups=0"
            )
        if self.training_metrics.how == LAPLACE:
            raise UserError(
                f"training-metrics='laplace': behind masks ({told}) fog nodes send neither loss "
                "nor accuracy; use sent or dropped, or mask-groups=0"
            )
        if self.client_mods:
            raise UserError(
                f"client-mods={','.join(self.client_mods)!r}: a mod may send more than dW, "
                f"without masks ({told}); leave it out, or use mask-groups=0"
            )


@functools.lru_cache(maxsize=8)
def _parsed(typed: tuple[tuple[str, type, Scalar], ...]) -> RunConfig:
    run_config = {key: value for key, _, value in typed}
    fields = RunConfig.keys()
    _check_names(run_config, fields)
    scalars = {key: _checked(key, run_config[key], field) for key, field in fields.items()}
    scalars |= settings_of(str(scalars["architecture"]))
    values: dict[str, Any] = {}
    for key, field in fields.items():
        parse = field.metadata["parse"]
        values[field.name] = parse(scalars[key]) if parse else scalars[key]
    values["malicious_nodes"] = parse_malicious_nodes(
        str(scalars["malicious-nodes"]), values["fog_nodes"], attacked=values["attack"] != NONE
    )
    values["attack_rounds"] = parse_rounds(
        str(scalars["attack-rounds"]), values["num_server_rounds"]
    )
    config = RunConfig(**values, _run_config=tuple(scalars.items()))
    config._check_combinations()
    return config


def _check_names(
    run_config: Mapping[str, Scalar], fields: Mapping[str, "dataclasses.Field[Any]"]
) -> None:
    for key in run_config:
        if key not in fields:
            if renamed := new_name(key):
                raise UserError(f"{key}={run_config[key]!r}: this key is now called {renamed}")
            hint = did_you_mean(key, fields) or "; `fog-flower keys` lists the keys"
            raise UserError(f"unknown key {key}={run_config[key]!r}: {hint.removeprefix('; ')}")
    for key in fields:
        if key not in run_config:
            raise UserError(f"key {key} is missing: set it in [tool.flwr.app.config]")


def _checked(key: str, value: Scalar, field: "dataclasses.Field[Any]") -> Scalar:
    kind = field.type if field.type in (int, float, str) else str
    # Flower's TOML parser returns an int for `eta=1`, also where a float is meant.
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    # The same holds for `malicious-nodes=2`, a key of text such as `2` or `nodes:0,3`.
    if kind is str and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = {int: "a whole number", float: "a number", str: "text"}[kind]
        got = "text" if isinstance(value, str) else f"the {type(value).__name__} {value}"
        raise UserError(f"{key}={value!r}: must be {wanted}, not {got} ({_help(field)})")
    low, high, choices = (field.metadata[name] for name in ("low", "high", "choices"))
    if choices and value not in choices:
        raise UserError(f"{key}={value!r}: must be one of {', '.join(choices)}")
    if isinstance(value, int | float) and not math.isfinite(value):
        raise UserError(f"{key}={value!r}: must be a finite number ({_help(field)})")
    if isinstance(value, int) and value > LARGEST:
        raise UserError(f"{key}={value!r}: must be at most {LARGEST}, Flower's largest number")
    if isinstance(value, int | float) and not low <= value <= high:
        upper = "" if high == math.inf else f" and at most {high:g}"
        raise UserError(f"{key}={value!r}: must be at least {low:g}{upper} ({_help(field)})")
    checked: Scalar = value
    return checked


def _help(field: "dataclasses.Field[Any]") -> str:
    return str(field.metadata["help"])
