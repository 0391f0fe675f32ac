"""The ledger: what a run's releases promise, and how promises add up."""

import dataclasses
import io
import json
import math
import re

import pytest
from rich.color import ColorSystem

from clients.privacy.fog_node.dp_sgd import DpSgd
from clients.privacy.releases import releases_of
from fog_flower.errors import UserError
from fog_flower.privacy.guarantee import BOTH, INPUTS, TARGETS, Guarantee, best_of
from fog_flower.privacy.ledger import UPDATES, Release, packed, unpacked, worst_of_nodes
from fog_flower.privacy.repeats import Repeats
from simulations.cli.ledger_display import print_ledger
from simulations.cli.run_display import print_run
from simulations.cli.terminal import Terminal
from strategies.build import inner_strategy
from strategies.handshake import Introduction
from strategies.ledger import LEDGER, Ledger
from tests.runs import run_here


class Quiet(DpSgd):
    """DP-SGD with another name."""


def ledger(config):
    told = json.loads((run_here(config) / LEDGER).read_text())
    return told, {row["release"]: row for row in told["releases"]}


def test_the_paper_s_noise_promises_nothing(make_config):
    told, rows = ledger(make_config())
    assert rows["shipment: inputs"]["epsilon"] is None
    assert "blur" in rows["shipment: inputs"]["mechanism"]
    assert all(row["epsilon"] is None for row in rows.values())
    assert told["warning"] == ""  # nothing is promised, so nothing is taken back
    assert "constants of preprocessing, fitted to all training examples" in rows


def test_what_a_node_computes_of_protected_shipments_keeps_their_promise(make_config):
    protection = "gaussian(epsilon=2),randomised-response(epsilon=1)"
    _, rows = ledger(make_config(protection=protection, own_evaluation="final"))
    for name in (
        "dW of all rounds",
        "loss and accuracy of training",
        "loss and accuracy of the final W on its data",
    ):
        assert rows[name]["epsilon"] == pytest.approx(3.0)
        assert rows[name]["mechanism"].startswith("post-processing of the shipment")


@pytest.mark.parametrize(
    ("strategy", "epsilon"),
    [("FedAvg", 5.0), ("QFedAvg", 7.0), ("tests.user_strategies:Remembers", 7.0)],
)
def test_w_costs_what_comes_with_dw_too_where_a_strategy_may_read_it(
    make_config, strategy, epsilon
):
    _, rows = ledger(
        make_config(
            strategy=strategy,
            strategy_args="client_learning_rate=0.1" if strategy == "QFedAvg" else "",
            gate="off",
            fog_protection="dp-sgd(epsilon=5)",
            training_metrics="laplace(epsilon=2)",
            batch_size=12,
        )
    )
    assert rows["dW of all rounds"]["epsilon"] == pytest.approx(5.0, abs=0.05)
    assert rows["W after each round"]["epsilon"] == pytest.approx(epsilon, abs=0.05)


def test_counts_weigh_each_dw_so_w_costs_them_too(make_config):
    settings = {"fog_protection": "dp-sgd(epsilon=5)", "batch_size": 12}
    _, rows = ledger(make_config(**settings, run_name="sent"))
    assert "numbers of examples" in " ".join(rows["W after each round"]["not_covered"])
    _, rows = ledger(
        make_config(**settings, example_counts="laplace(epsilon=1)", run_name="noised")
    )
    assert rows["W after each round"]["epsilon"] == pytest.approx(6.0, abs=0.1)


def test_what_w_tells_of_the_clouds_examples_is_named_without_a_gate_too(make_config):
    for strategy, told in {
        "FedAvg": "loss and accuracy of W",
        "fltrust": "W, trained with them, and its accuracy",
    }.items():
        _, rows = ledger(make_config(strategy=strategy, gate="off", run_name=strategy))
        row = rows[f"{told}: what they tell of the cloud's examples"]
        assert row["epsilon"] is None
        assert row["not_covered"] == ["the cloud's validation examples"]


def test_fitted_constants_are_not_covered_by_any_promise(make_config):
    settings = {"fog_protection": "dp-sgd(epsilon=5)", "batch_size": 12}
    _, rows = ledger(make_config(**settings))
    for name in ("dW of all rounds", "W after each round"):
        assert (
            "constants of preprocessing, fitted to all training examples"
            in rows[name]["not_covered"]
        )


def test_inputs_alone_promise_nothing_of_training(make_config):
    _, rows = ledger(make_config(protection="gaussian(epsilon=2)"))
    assert rows["shipment: inputs"]["epsilon"] == pytest.approx(2.0)
    assert rows["loss and accuracy of training"]["epsilon"] is None


def test_dp_sgd_covers_dw_and_what_is_made_of_it(make_config):
    told, rows = ledger(make_config(fog_protection="dp-sgd(epsilon=5)", batch_size=12))
    for name in (
        "dW of all rounds",
        "W after each round",
        "decisions and weights: what they tell of fog nodes",
    ):
        assert rows[name]["epsilon"] == pytest.approx(5.0, abs=0.05)
        assert rows[name]["noise_can_be_drawn_again"]
    assert rows["W after each round"]["mechanism"].startswith("post-processing of every dW")
    assert rows["loss and accuracy of training"]["mechanism"] == "not sent"
    assert rows["number of examples that it reports"]["epsilon"] is None
    assert rows["decisions and accuracy of W: what they tell of the cloud's examples"][
        "not_covered"
    ]
    assert "seeded" in told["warning"]


def test_entropy_takes_the_warning_away(make_config):
    settings = {"noise_source": "entropy", "normalisation": "public"}
    told, rows = ledger(make_config(fog_protection="dp-sgd", batch_size=12, **settings))
    assert told["warning"] == ""
    assert not rows["dW of all rounds"]["noise_can_be_drawn_again"]
    assert not any("fitted" in name for name in rows)


def test_it_is_written_again_where_somebody_came_later(make_config, tmp_path):
    config = make_config(fog_nodes=2, fog_protection="dp-sgd(epsilon=5)", batch_size=12)

    def introduction(fog_node, examples):
        told = tuple(releases_of(config, examples))
        return Introduction(fog_node, examples, (), 0, (), "float32", 1, told)

    def epsilon():
        told = json.loads((tmp_path / LEDGER).read_text())["releases"]
        return next(row["epsilon"] for row in told if row["release"] == "dW of all rounds")

    nodes = [introduction(0, 100)]
    written = Ledger(tmp_path, config)
    written.write(nodes)
    first = epsilon()
    (tmp_path / LEDGER).unlink()
    written.write(nodes)
    assert not (tmp_path / LEDGER).exists()  # as nobody else is there
    other = Release("dW of all rounds", "fog node", "cloud", Guarantee("none", part=BOTH), False)
    written.write([*nodes, dataclasses.replace(introduction(1, 100), releases=(other,))])
    assert first == pytest.approx(5.0, abs=0.05)
    assert epsilon() is None  # the later one promises nothing


def named(config, count=100):
    return {one.name: one.guarantee for one in releases_of(config, count)}


def test_a_protected_shipment_protects_what_is_trained_on_it(make_config):
    both = "gaussian(epsilon=2,delta=1e-6),randomised-response(epsilon=1)"
    told = named(make_config(protection=both))
    assert told["shipment: inputs"].epsilon == pytest.approx(2.0)
    assert told["shipment: targets"].epsilon == pytest.approx(1.0)
    assert told["dW of all rounds"].epsilon == pytest.approx(3.0)
    assert told["dW of all rounds"].delta == pytest.approx(1e-6)
    half = named(make_config(protection="gaussian(epsilon=2)"))
    assert not half["dW of all rounds"].promises  # the labels are in clear


def test_the_better_of_both_tiers_holds_for_dw(make_config):
    both = "gaussian(epsilon=2),randomised-response(epsilon=1)"
    config = make_config(protection=both, fog_protection="dp-sgd(epsilon=1.5)", batch_size=12)
    told = named(config, 120)["dW of all rounds"]
    assert told.epsilon == pytest.approx(1.5, abs=0.02)
    assert told.relation == "add or remove"


def test_what_nobody_accounted_for_promises_nothing(make_config):
    told = named(make_config(protection="tests.any_data:spoil"))["shipment: inputs"]
    assert not told.promises
    assert any("nobody accounted for it" in text for text in told.uncovered)


def test_of_mechanisms_that_follow_each_other_the_best_holds():
    strong, weak = Guarantee("a", 1.0, 1e-5, part=INPUTS), Guarantee("b", 4.0, 1e-6, part=INPUTS)
    found = best_of([weak, strong, Guarantee("c", part=INPUTS)], INPUTS)
    assert (found.epsilon, found.mechanism) == (1.0, "b, then a, then c")
    assert not best_of([strong], TARGETS).promises


def test_of_nodes_with_examples_of_their_own_the_worst_holds():
    def told(epsilon):
        return [Release("dW", "fog node", "cloud", Guarantee("m", epsilon, 1e-5, part=BOTH))]

    assert worst_of_nodes([told(1.0), told(3.0), told(2.0)])[0].guarantee.epsilon == 3.0
    assert not worst_of_nodes([told(1.0), told(math.inf)])[0].guarantee.promises


def test_it_travels():
    releases = [Release("a", "b", "c", Guarantee("m", uncovered=("x", "y")), seeded=True)]
    assert unpacked(packed(releases)) == releases
    for text in ("[]x", '[{"name": 1}]', "3"):
        with pytest.raises(ValueError):  # noqa: PT011  (of several kinds)
            unpacked(text)


def test_central_dp_promises_each_fog_node_something_of_w(make_config):
    settings = {"strategy": "central-dp", "strategy_args": "epsilon=3.0,clip=0.5"}
    told, rows = ledger(make_config(gate="off", **settings))
    assert rows["W of all rounds"]["epsilon"] == pytest.approx(3.0, abs=0.02)
    assert rows["W of all rounds"]["unit"] == "one fog node's dW, add or remove"
    assert rows["dW of all rounds"]["epsilon"] is None  # the cloud sees it
    assert "W after each round" not in rows  # one promise of W, not two
    assert "seeded" in told["warning"]


@pytest.mark.parametrize(
    ("settings", "asked"),
    [({}, 3), ({"fog_nodes": 9, "fraction_train": 0.5}, 4), ({"min_available_nodes": 2}, 3)],
)
def test_central_dp_divides_by_the_nodes_that_a_round_asks_for(make_config, settings, asked):
    config = make_config(strategy="central-dp", strategy_args="noise=0.0", gate="off", **settings)
    assert inner_strategy(config).nodes == asked


FIGURES = "length of dW, validation loss and accuracy of W + dW, training time"


@pytest.mark.parametrize("gate", ["off", "learned"])
@pytest.mark.parametrize(("protection", "epsilon"), [("", None), ("dp-sgd(epsilon=5)", 5.0)])
def test_what_the_records_say_of_each_dw_has_the_promise_of_dw(
    make_config, gate, protection, epsilon
):
    _, rows = ledger(make_config(gate=gate, fog_protection=protection, batch_size=12))
    row = rows[FIGURES]
    assert row["epsilon"] == (epsilon and pytest.approx(epsilon, abs=0.05))
    assert row["epsilon"] == rows["dW of all rounds"]["epsilon"]
    assert row["noise_can_be_drawn_again"] == rows["dW of all rounds"]["noise_can_be_drawn_again"]
    assert (row["from"], row["to"]) == ("cloud", "readers of the run's folder")
    assert "training time" in row["not_covered"]


def test_figures_of_each_fog_node_go_to_trackers_but_not_with_central_dp(make_config):
    named = (FIGURES, "loss and accuracy of training", "number of examples that it reports")
    settings = {"trackers": "tests.test_trackers:follow", "gate": "off"}
    _, rows = ledger(make_config(**settings))
    assert all(rows[name]["to"].endswith(", tests.test_trackers:follow") for name in named)
    private = {"strategy": "central-dp", "strategy_args": "epsilon=3.0", "run_name": "private"}
    _, rows = ledger(make_config(**settings, **private))
    assert not any("follow" in row["to"] for row in rows.values())
    assert any("updates.csv" in text for text in rows["W of all rounds"]["not_covered"])


def test_central_dp_behind_a_gate_is_refused_but_for_the_measuring(make_config):
    with pytest.raises(UserError, match="one of them decides about others"):
        run_here(make_config(strategy="central-dp", gate="learned"))
    settings = {"strategy": "central-dp", "strategy_args": "gated=True", "gate": "learned"}
    behind_a_gate = ledger(make_config(**settings))[1]
    assert behind_a_gate["W of all rounds"]["epsilon"] is None
    assert "W after each round" in behind_a_gate


def test_show_prints_mechanisms_and_what_they_do_not_cover_in_80_columns(tmp_path):
    def release(name, **how):
        return Release(name, "fog node", "cloud", Guarantee(part=BOTH, **how)).to_json()

    gaps = ("the number of examples", "an end node as a whole", "what the fog node itself sees")
    covered = release("dW of all rounds", mechanism="DP-SGD", epsilon=3.0, uncovered=gaps)
    releases = [covered, release("loss", mechanism="sent")]
    (tmp_path / LEDGER).write_text(json.dumps({"releases": releases, "warning": ""}))
    shown = io.StringIO()
    print_ledger(Terminal(shown, width=80), tmp_path)
    told = shown.getvalue()
    assert max(map(len, told.splitlines())) <= 80
    line = " ".join(told.split())
    unit = "one example's inputs and targets, replace"
    assert f"dW of all rounds: DP-SGD; unit: {unit}; not covered: {'; '.join(gaps)}" in line
    cells = [[cell.strip() for cell in row.split("│")] for row in told.splitlines()]
    assert ["", "dW of all rounds", "fog node", "cloud", "3 at delta 0", "-", ""] in cells
    assert ["", "loss", "fog node", "cloud", "none", "-", ""] in cells
    assert "no release has a promise" not in told


def test_the_ledger_says_how_much_of_a_continued_run_is_an_upper_bound(make_config, tmp_path):
    config = make_config(noise_source="entropy")
    Ledger(tmp_path, config, repeats=Repeats(3, 5, unread=1)).write([])
    assert (
        "of 1 of these starts cannot be read"
        in json.loads((tmp_path / LEDGER).read_text())["continued"]
    )
    shown = io.StringIO()
    print_ledger(Terminal(shown, width=80), tmp_path)
    line = " ".join(shown.getvalue().split())
    assert "continued: 3 starts on the same data are counted" in line
    assert "so all rounds that they could train are counted (an upper bound)" in line


def test_show_lists_what_leaves_each_tier_where_nothing_is_promised(make_config):
    shown = io.StringIO()
    print_ledger(Terminal(shown, width=80), run_here(make_config()))
    told = shown.getvalue()
    assert max(map(len, told.splitlines())) <= 80
    line = " ".join(told.split())
    assert "no release has a promise" in line
    for tiers in ("end node │ fog node", "fog node │ cloud", "cloud │ everybody"):
        assert f"{tiers} │ none │ - │" in line
    assert "shipment: inputs: the paper's noise" in line


def test_show_names_seeded_noise_in_red(make_config):
    config = make_config(fog_protection="dp-sgd(epsilon=5)", batch_size=12)
    shown = io.StringIO()
    terminal = Terminal(shown, width=80)
    terminal._color_system, terminal._force_terminal = ColorSystem.STANDARD, True
    print_ledger(terminal, run_here(config))
    red = "".join(re.findall(r"\x1b\[31m([^\x1b]*)", shown.getvalue()))
    assert "seeded" in red.partition("noise-source")[0]
    assert "noise-source=seeded: whoever knows" in red


@pytest.mark.parametrize(
    ("unit", "told"),
    [("standardised", "in units of a model's inputs"), ("pixel", "in pixel units")],
)
def test_the_summary_of_a_run_says_what_noise_is_measured_in(make_config, unit, told):
    shown = io.StringIO()
    print_run(Terminal(shown, width=200), run_here(make_config(noise_unit=unit)))
    assert f"noise 0.01 {told}" in shown.getvalue()


def test_code_of_the_user_s_own_around_training_is_named_as_not_covered(make_config):
    config = make_config(fog_protection="dp-sgd", client_mods="tests.odd_mods:passes_on")
    told = {one.name: one.guarantee for one in releases_of(config, 100)}
    for name in (UPDATES, "loss and accuracy of training"):
        assert any("client-mods=tests.odd_mods:passes_on" in text for text in told[name].uncovered)
    plain = releases_of(config.changed({"client-mods": ""}), 100)
    assert not any("client-mods" in text for one in plain for text in one.guarantee.uncovered)


def test_a_model_and_a_mechanism_of_the_user_s_own_are_named(make_config):
    config = make_config(
        model="tests.small_models:small_mlp", fog_protection=f"{__name__}:Quiet(epsilon=2)"
    )
    (update,) = (one.guarantee for one in releases_of(config, 100) if one.name == UPDATES)
    assert update.mechanism.startswith(f"{__name__}:Quiet(epsilon=2), code of your own: DP-SGD")
    assert any("model=tests.small_models:small_mlp: code" in text for text in update.uncovered)
    ours = config.changed({"model": "mlp-narrow", "fog-protection": "dp-sgd(epsilon=2)"})
    (update,) = (one.guarantee for one in releases_of(ours, 100) if one.name == UPDATES)
    assert "code of your own" not in " ".join((update.mechanism, *update.uncovered))


def test_a_feature_map_of_the_user_s_own_is_named_as_not_covered(make_config):
    config = make_config(
        protection="gaussian,randomised-response", features="tests.odd_features:by_itself"
    )
    told = {one.name: one.guarantee for one in releases_of(config, 100)}
    for name in ("shipment: inputs", UPDATES):
        assert any("must map each example by itself" in text for text in told[name].uncovered)
    assert told["shipment: targets"].uncovered == ()


def again(config, repeats, count=1000):
    return {one.name: one.guarantee for one in releases_of(config, count, 1.0, repeats)}


def test_a_continued_run_counts_what_it_draws_again(make_config):
    settings = {
        "protection": "gaussian(epsilon=2,delta=1e-6),randomised-response(epsilon=1)",
        "training_metrics": "laplace(epsilon=4)",
        "example_counts": "laplace(epsilon=1)",
        "num_server_rounds": 4,
    }
    drawn = again(make_config(**settings, noise_source="entropy"), Repeats(3, 2))
    assert drawn["shipment: inputs"].epsilon == pytest.approx(6.0)
    assert drawn["shipment: inputs"].delta == pytest.approx(3e-6)
    assert drawn["shipment: targets"].epsilon == pytest.approx(3.0)
    assert drawn[UPDATES].epsilon == pytest.approx(9.0)
    assert drawn["loss and accuracy of training"].epsilon == pytest.approx(4.0 * 6 / 4)
    assert drawn["number of examples that it reports"].epsilon == pytest.approx(3.0)
    assert "drawn 3 x" in drawn["shipment: inputs"].mechanism
    seeded = make_config(**settings)  # the same noise once more tells nothing new
    assert again(seeded, Repeats(3, 2)) == again(seeded, Repeats())


def test_rounds_that_are_trained_again_cost_dp_sgd_more(make_config):
    settings = {"fog_protection": "dp-sgd(epsilon=3)", "batch_size": 256, "num_server_rounds": 5}
    config = make_config(**settings, noise_source="entropy")
    once, more = (
        again(config, Repeats(), 3000)[UPDATES],
        again(config, Repeats(2, 1), 3000)[UPDATES],
    )
    assert once.epsilon == pytest.approx(3.0, abs=0.05)
    assert 3.1 < more.epsilon < 3.6
    hidden = config.changed({"example-counts": "equal"})
    assert again(hidden, Repeats(2, 1), 3000)[UPDATES].epsilon == 6.0


def test_what_hides_counts_does_not_use_them_for_a_smaller_epsilon(make_config):
    config = make_config(protection="gaussian(epsilon=2)", example_counts="equal")
    told = {one.name: one.guarantee for one in releases_of(config, 100, 0.2537)}
    assert told["shipment: inputs"].epsilon == pytest.approx(2.0)
    assert "0.2537" not in str(told)
    noisy = make_config(fog_protection="dp-sgd(noise=1)", example_counts="equal")
    with pytest.raises(UserError, match=r"example-counts=equal hides.*give epsilon"):
        releases_of(noisy, 100)
    free = make_config(fog_protection="dp-sgd(noise=0)", example_counts="equal")
    assert [releases_of(free, 100)] == [releases_of(free, 900)]


def test_code_of_ones_own_before_a_private_mechanism_is_named_everywhere(make_config):
    config = make_config(protection="tests.test_ledger:mixed,gaussian,randomised-response")
    told = {one.name: one.guarantee for one in releases_of(config, 100)}
    for name in ("shipment: inputs", UPDATES):
        assert any("tests.test_ledger:mixed: code of your own" in t for t in told[name].uncovered)


def mixed(share, context):
    return share
