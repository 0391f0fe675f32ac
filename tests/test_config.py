"""Bad configurations are named before anything starts; good ones are frozen as they are."""

import dataclasses

import pytest

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.renamed import GATE_ARGUMENTS, RENAMED
from simulations.app_folder import default_run_config
from simulations.cli.keys import explained
from simulations.overrides import configure
from simulations.presets import PRESETS


def test_pyproject_has_exactly_the_keys_of_the_dataclass():
    assert list(default_run_config()) == [key.name for key in explained()]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid(preset):
    configure(preset, [])


def test_paper_presets_are_the_papers_settings():
    mlp, cnn = configure("paper-mlp", []), configure("paper-cnn", [])
    assert (mlp.model, mlp.num_server_rounds) == ("mlp", 100)
    assert (cnn.model, cnn.num_server_rounds) == ("cnn", 20)
    for config in (mlp, cnn):
        assert (config.train_examples, config.validation_examples, config.test_examples) == (
            70_000,
            10_000,
            0,
        )
        assert (config.learning_rate, config.batch_size, config.end_nodes) == (0.1, 32, 6)
        assert (config.noise_sigma, config.noise_unit) == (0.01, "standardised")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("fog-node=3", ["fog-node=", "did you mean fog-nodes"]),
        ("zzz=1", ["zzz=", "fog-flower keys"]),
        ("fog-nodes=three", ["fog-nodes='three'", "whole number"]),
        ("fog-nodes=3.5", ["fog-nodes=3.5", "whole number"]),
        ("fog-nodes=true", ["fog-nodes=True", "whole number"]),
        ("fog-nodes=0", ["fog-nodes=0", "at least 1"]),
        ("num-server-rounds=-1", ["num-server-rounds=-1", "at least 1"]),
        ("learning-rate=fast", ["learning-rate='fast'", "number"]),
        ("learning-rate=0", ["learning-rate=0.0"]),
        ("learning-rate=nan", ["learning-rate=nan"]),
        ("learning-rate=inf", ["learning-rate=inf"]),
        ("share-fraction=1.5", ["share-fraction=1.5", "at most 1"]),
        ("share-fraction=0", ["share-fraction=0.0"]),
        ("upload=sometimes", ["upload='sometimes'", "per-epoch", "epoch-mean"]),
        ("merge=median", ["merge='median'", "sequential"]),
        ("run-name=a/b", ["run-name='a/b'", "plain folder name"]),
        ("attack-rounds=x", ["attack-rounds='x'"]),
        ("fog-nodes", ["'fog-nodes'", "key=value"]),
    ],
)
def test_bad_input_is_named_with_key_value_and_remedy(typed, words):
    with pytest.raises(UserError) as error:
        configure("demo", [typed])
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_preset():
    with pytest.raises(UserError, match=r"preset='nope'.*paper-cnn"):
        configure("nope", [])


def test_sequential_without_validation_is_contradictory():
    with pytest.raises(UserError, match="sequential"):
        configure("demo", ["merge=sequential", "gate=off"])


def test_a_missing_key_is_named():
    settings = default_run_config()
    del settings["seed"]
    with pytest.raises(UserError, match="seed is missing"):
        RunConfig.from_run_config(settings)


def test_whole_numbers_are_taken_where_a_float_is_meant():
    config = configure("demo", ["noise-sigma=1"])
    assert config.noise_sigma == 1.0
    assert isinstance(config.noise_sigma, float)


def test_whole_numbers_are_taken_where_text_is_meant():
    told = {**default_run_config(), "attack": "nan", "malicious-nodes": 1, "run-name": 7}
    config = RunConfig.from_run_config(told)
    assert (config.malicious_nodes, config.run_name) == (frozenset({2}), "7")


def test_text_needs_no_quotes_and_may_have_them():
    assert configure("demo", ["model=cnn"]).model == "cnn"
    assert configure("demo", ['model="cnn"']).model == "cnn"
    assert configure("demo", ["strategy-args=a=1,b=2"]).strategy_args == {"a": 1, "b": 2}


def test_relative_paths_become_absolute_and_flower_gets_no_relative_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    config = configure("demo", ["data-dir=here", "results-dir=there", "dataset=npz:a.npz"])
    assert config.data_dir == tmp_path / "here"
    assert config.results_dir == tmp_path / "there"
    assert config.dataset == f"npz:{tmp_path / 'a.npz'}"
    with pytest.raises(UserError, match="data-dir='here': must be absolute"):
        RunConfig.from_run_config({**config.to_run_config(), "data-dir": "here"})


def test_round_trip_and_frozen():
    config = configure("demo", [])
    assert RunConfig.from_run_config(config.to_run_config()) == config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1  # type: ignore[misc]


def test_malicious_nodes_by_count_and_by_list():
    def chosen(text):
        typed = ["attack=nan", "fog-nodes=5", f"malicious-nodes={text}"]
        return configure("demo", typed).malicious_nodes

    assert chosen("2") == {3, 4}
    assert chosen("nodes:0,3") == {0, 3}
    for bad in ("9", "-1", "nodes:7", "nodes:-1", "nodes:", "some", "1.5", ""):
        with pytest.raises(UserError, match="malicious-nodes"):
            chosen(bad)


def test_attack_rounds():
    def rounds(text):
        typed = ["num-server-rounds=4", f"attack-rounds={text}", "attack=gaussian"]
        typed.append("malicious-nodes=1")
        return list(configure("demo", typed).attack_rounds)

    assert rounds("") == [1, 2, 3, 4]
    assert rounds("2") == [2]
    assert rounds("2-3") == [2, 3]


def test_the_learning_rate_is_the_same_in_all_rounds_or_falls_along_half_a_cosine(make_config):
    constant = make_config(learning_rate=0.2, num_server_rounds=4)
    assert [constant.learning_rate_in(r) for r in (1, 2, 3, 4)] == [0.2] * 4
    cosine = make_config(learning_rate=0.2, num_server_rounds=4, learning_rate_schedule="cosine")
    half = 0.2 / 2
    assert [cosine.learning_rate_in(r) for r in (1, 2, 3, 4)] == pytest.approx(
        [0.2, half * (1 + 2**-0.5), half, half * (1 - 2**-0.5)]
    )


@pytest.mark.parametrize("key", [*RENAMED, *GATE_ARGUMENTS])
def test_every_old_key_is_refused_with_the_new_one(key):
    expected = RENAMED.get(key) or f"gate-args ({GATE_ARGUMENTS[key][0]}=...)"
    with pytest.raises(UserError) as error:
        configure("demo", [f"{key}=3"])
    assert str(error.value) == f"{key}='3': this key is now called {expected}"


def test_new_names_are_keys_and_old_ones_are_not():
    keys = RunConfig.keys()
    assert {*RENAMED.values(), "gate-args"} <= set(keys)
    assert not {*RENAMED, *GATE_ARGUMENTS} & set(keys)
