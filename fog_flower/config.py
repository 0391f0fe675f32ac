"""The run configuration: parsed once, from Flower's run config, into a frozen dataclass."""

import dataclasses
import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fog_flower.architecture import CENTRALIZED, FOG, Scalar, settings_of
from fog_flower.artifacts import parse_artifacts
from fog_flower.attack_settings import ATTACKS, attack_rounds, malicious_nodes
from fog_flower.errors import UserError

MODEL_NAMES = (
    *("mlp", "mlp-2-hidden", "mlp-narrow", "mlp-shift"),
    *("cnn", "cnn-narrow", "cnn-shift", "cnn-small"),
)
PER_EPOCH, EPOCH_MEAN = "per-epoch", "epoch-mean"
OFF, OPEN, ALONE, GREEDY, TRUSTED = "off", "open", "alone", "greedy", "trusted"
LEAVE_ONE_OUT, NORM, COSINE, ZENO = "leave-one-out", "norm", "cosine", "zeno"
AUDITED = "audited"
VALIDATIONS = (OFF, OPEN, TRUSTED, GREEDY, LEAVE_ONE_OUT, ALONE, NORM, COSINE, ZENO, AUDITED)
MEAN, SUM, SEQUENTIAL = "mean", "sum", "sequential"
FLOAT32, BFLOAT16, AUTO = "float32", "bfloat16", "auto"
CONSTANT = "constant"  # or COSINE
STANDARDISED, PIXEL = "standardised", "pixel"


LARGEST = 2**63 - 1  # Flower sends 64-bit integers


def _key(
    text: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: tuple[str, ...] = (),
) -> Any:
    return dataclasses.field(
        metadata={"help": text, "low": low, "high": high, "choices": choices},
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides a run. The defaults live in ``pyproject.toml``, and only there.

    Attribute ``train_images`` is the run-config key ``train-images``, and so on. The help of each
    key is its field's metadata (``fog-flower keys`` prints it).
    """

    # Data
    dataset: str = _key("rendered-digits, svhn, or npz:PATH (arrays x_train y_train x_test y_test)")
    data_dir: str = _key("folder of train_32x32.mat and test_32x32.mat; empty: cache, or download")
    data_seed: int = _key("seed of the rendered digits, apart from the run's seed", low=0)
    train_images: int = _key("training images over all end nodes; 0: all there are", low=0)
    validation_images: int = _key("held-out images in the cloud, which judge updates", low=1)
    local_validation_images: int = _key(
        "how many of these evaluate local models, in all rounds but the last; 0: all", low=0
    )
    test_images: int = _key("untouched test images; 0: all that validation leaves", low=0)
    # Tiers
    architecture: str = _key(
        "fog, or centralized: a cloud with all raw data, the paper's baseline; it sets "
        "fog-nodes=1, end-nodes=1, noise-sigma=0.0 and validation=off",
        choices=(FOG, CENTRALIZED),
    )
    fog_nodes: int = _key("fog nodes (Flower clients); the paper has 3, 5, 7", low=1)
    end_nodes: int = _key("end nodes per fog node; the paper has 6", low=1)
    partition: str = _key(
        "iid, dirichlet:ALPHA, pathological:CLASSES, shard:SHARDS, linear, square or exponential"
    )
    share_fraction: float = _key("fraction of its images an end node shares", low=0.0, high=1.0)
    noise_sigma: float = _key("standard deviation of the end node's Gaussian noise", low=0.0)
    noise_unit: str = _key("unit of noise-sigma", choices=(STANDARDISED, PIXEL))
    # Training
    model: str = _key(f"{', '.join(MODEL_NAMES)}, or module:function returning a model")
    learning_rate: float = _key("of SGD", low=0.0)
    learning_rate_schedule: str = _key(
        "over the rounds: constant (the paper), or falling along half a cosine towards 0",
        choices=(CONSTANT, COSINE),
    )
    batch_size: int = _key("images per SGD step", low=1)
    precision: str = _key(
        "of all computing; bfloat16 is mixed; auto takes it where the hardware has it",
        choices=(FLOAT32, BFLOAT16, AUTO),
    )
    clip_norm: float = _key("global gradient norm bound; 0: none (the paper)", low=0.0)
    upload: str = _key(
        "what a round uploads: the last epoch's dW, or the mean over its epochs",
        choices=(PER_EPOCH, EPOCH_MEAN),
    )
    local_epochs: int = _key("epochs per round; 1 with per-epoch is the paper's protocol", low=1)
    rounds: int = _key("rounds of download, training, upload, merge", low=1)
    # Cloud
    strategy: str = _key("a Flower strategy by name (FedAvg, Krum, ...) or module:Class")
    strategy_args: str = _key("its arguments, e.g. num_malicious_nodes=1,server_learning_rate=0.5")
    validation: str = _key(
        "how updates are judged: off (plain strategy), open (finite ones pass), trusted (what it "
        "does to the merge, and whether it agrees with the cloud), others to compare with",
        choices=VALIDATIONS,
    )
    validation_tolerance: float = _key(
        "relative loss increase that trusted, greedy and leave-one-out allow", low=0
    )
    gate_images: int = _key(
        "validation images per trial merge, with trusted those of the first look; 0: all", low=0
    )
    gate_error: float = _key(
        "chance with which trusted rejects an update on the edge", low=1e-6, high=0.5
    )
    reference_images: int = _key(
        "validation images on which the cloud trains a direction to compare updates with; more in "
        "the first three rounds",
        low=1,
    )
    merge: str = _key("how accepted updates form one step", choices=(MEAN, SUM, SEQUENTIAL))
    # Misbehaving fog nodes
    attack: str = _key(
        "what malicious nodes do (simulations/attacks/catalogue.py explains each)", choices=ATTACKS
    )
    malicious_nodes: str = _key("how many (the last ones), or which: nodes:0,3")
    attack_strength: float = _key("its strength; 0: the attack's usual one", low=0.0)
    attack_rounds: str = _key("rounds in which they do it, e.g. 2, 3-5 or 3-; empty: all")
    attack_probability: float = _key("with which a node attacks in a round", low=0.0, high=1.0)
    # Run
    seed: int = _key("drives split, shards, initial weights, noise and shuffles", low=0)
    client_threads: int = _key("of a fog node; 0: its CPUs; changes last bits", low=0)
    round_timeout: float = _key("seconds after which a fog node counts as missing", low=0.1)
    artifacts: str = _key(
        "what a run leaves besides its tables, any of model, curves, tensorboard, and, until it "
        "has finished, checkpoint (see continue-from); empty: nothing"
    )
    continue_from: str = _key(
        "folder of a stopped run, with which this one goes on after its last complete round"
    )
    results_dir: str = _key(
        "absolute folder for run folders; empty: results/runs here with fog-flower, "
        "~/fog-flower-results with plain flwr run"
    )
    run_name: str = _key("name of the run's folder; empty: made from the configuration and time")

    @classmethod
    def from_run_config(cls, run_config: Mapping[str, Scalar]) -> "RunConfig":
        """Check and freeze a Flower run config.

        What ``architecture`` fixes (``fog_flower.architecture``) replaces the given values, so
        that the configuration, and every record of it, says what really runs.

        Raises
        ------
        UserError
            For an unknown or missing key, a wrong type, or a value out of range.
        """
        fields = {field.name.replace("_", "-"): field for field in dataclasses.fields(cls)}
        for key in run_config:
            if key not in fields:
                near = difflib.get_close_matches(key, fields, n=1)
                hint = f"did you mean {near[0]}?" if near else "`fog-flower keys` lists the keys"
                raise UserError(f"unknown key {key}={run_config[key]!r}: {hint}")
        values: dict[str, Scalar] = {}
        for key, field in fields.items():
            if key not in run_config:
                raise UserError(f"key {key} is missing: set it in [tool.flwr.app.config]")
            values[field.name] = _checked(key, run_config[key], field)
        for key, value in settings_of(str(values["architecture"])).items():
            values[fields[key].name] = value
        config = cls(**values)  # type: ignore[arg-type]
        config._check_combinations()
        return config

    def to_run_config(self) -> dict[str, Scalar]:
        """Return the configuration as Flower writes it, kebab-case."""
        return {name.replace("_", "-"): value for name, value in dataclasses.asdict(self).items()}

    def learning_rate_in(self, server_round: int) -> float:
        """Return the step size of SGD in a round, from 1 to ``rounds``.

        ``cosine`` is Loshchilov & Hutter 2017, arXiv:1608.03983, equation 5, without restarts: it
        begins with ``learning-rate``, and after the last round it would be 0.
        """
        if self.learning_rate_schedule == CONSTANT:
            return self.learning_rate
        return self.learning_rate * (1 + math.cos(math.pi * (server_round - 1) / self.rounds)) / 2

    def _check_combinations(self) -> None:
        if self.share_fraction == 0.0:
            raise UserError("share-fraction=0.0: end nodes would share nothing; use e.g. 1.0")
        if self.learning_rate == 0.0:
            raise UserError("learning-rate=0.0: nothing would be learnt; the paper uses 0.1")
        if self.validation == OFF and self.merge == SEQUENTIAL:
            raise UserError(
                "merge='sequential' judges each update against the W left by the one before, but "
                "validation='off' judges none; use validation=open or merge=sum"
            )
        for key, path in (
            ("data-dir", self.data_dir),
            ("results-dir", self.results_dir),
            ("continue-from", self.continue_from),
        ):
            if path and not Path(path).expanduser().is_absolute():
                raise UserError(
                    f"{key}={path!r}: must be absolute, because Flower runs the app elsewhere "
                    "(`fog-flower run` makes it absolute for you)"
                )
        malicious_nodes(self)
        attack_rounds(self)
        parse_artifacts(self.artifacts)
        if self.run_name and Path(self.run_name).name != self.run_name:
            raise UserError(f"run-name={self.run_name!r}: must be a plain folder name without '/'")


def _checked(key: str, value: Scalar, field: "dataclasses.Field[Any]") -> Scalar:
    # `eta=1` arrives as int from Flower's TOML parser, also where a float is meant.
    if field.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, field.type) or isinstance(value, bool):  # type: ignore[arg-type]
        wanted = {int: "a whole number", float: "a number", str: "text"}[field.type]  # type: ignore[index]
        raise UserError(
            f"{key}={value!r}: must be {wanted}, not {type(value).__name__} ({_help(field)})"
        )
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
