import os

import pandas as pd
import pytest

from fog_flower.errors import UserError
from simulations.benchmark import bench_tables as tables
from simulations.benchmark import step_time
from simulations.benchmark.bench_plan import plan
from simulations.benchmark.bench_report import write_benchmark
from simulations.benchmark.cases import BARE, IMAGES, OURS, QUICKSTART, Case, config_of
from simulations.benchmark.ledger import Ledger, facts_of
from simulations.benchmark.parts.memory import PEAK, ROUND
from simulations.benchmark.sitting import last_sittings
from simulations.engines.memory_watch import MemoryWatch, tree_bytes
from tests.launched import ASKED_FOR

SIDES = ((OURS, (4.0, 5.0, 9.0)), (BARE, (4.0, 4.0, 4.0)), (QUICKSTART, (10.0, 10.0, 20.0)))


def throughput_row(side, number, seconds):
    row = {"model": "cnn", "fog_nodes": 3, "precision": "float32", "side": side, "repeat": 0}
    return {**row, "number": number, "images": 100, "seconds": seconds}


def throughput_rows():
    return [throughput_row(side, n, s) for side, each in SIDES for n, s in enumerate(each)]


def some_plan(**changed):
    asked = {"models": "cnn,mlp", "fog_nodes": "3,5", "precisions": "float32", **changed}
    return plan(**asked, repeats=1, rounds=1, say=lambda _: None)


def test_throughput_is_a_ratio_of_medians():
    table = tables.throughput(pd.DataFrame(throughput_rows())).set_index("side")
    assert table.loc[OURS, "images/s, median (range)"] == "20 (11 to 25)"
    assert table.loc[OURS, "of the bare loop"] == "0.80"
    assert table.loc[OURS, "of the quickstart app"] == "2.00"
    assert table.loc[BARE, "of the bare loop"] == ""


def test_growth_is_relative_to_the_least_data_and_leaves_the_test_images_out():
    def row(images, training):
        case = {"what": "data", "precision": "float32", "fog_nodes": 3, "rounds": 1}
        spent = {"training_seconds": training, "validation_seconds": 0.0, "rest_seconds": 1.0}
        return {**case, "images": images, **spent, "test_seconds": 99.0}

    table = tables.growth(pd.DataFrame([row(400, 3.0), row(100, 1.0)]))
    assert list(table["training, relative"]) == ["1.00", "0.75"]
    assert list(table["round, relative"]) == ["1.00", "0.50"]


def scale_row(nodes, **changed):
    case = {"what": "w", "model": "m", "attack": "none", "fog_nodes": nodes, "images": 10 * nodes}
    spent = {"training_seconds": 6.0, "validation_seconds": 3.0, "rest_seconds": 1.0}
    found = {"gate_seconds": 2.0, "cpu_seconds": 8.0, "peak_mebibytes": 512.0, "load": 1.0}
    return {**case, **spent, **found, **changed}


def test_scale_tells_the_gates_share_and_the_exponent_of_growth():
    rows = [scale_row(3), scale_row(100), scale_row(1000, cpu_seconds=80.0, rest_seconds=991.0)]
    table = tables.scale(pd.DataFrame(rows))
    assert [cell.split()[0] for cell in table["of it the gate"]] == ["20.0%", "20.0%", "0.2%"]
    assert list(table["n^"]) == ["", "", "1.00"]
    assert list(table["relative"]) == ["", "0.03", "0.30"]  # of an image, beside three fog nodes
    assert list(table["peak, GiB"]) == ["0.50"] * 3


def test_growth_is_told_only_from_where_it_was_measured():
    table = tables.scale(pd.DataFrame([scale_row(64), scale_row(1000)]))
    assert list(table["n^"]) == list(table["relative"]) == ["", ""]


def test_memory_tells_early_from_late_rounds():
    rows = [{"what": ROUND, "round": n, "mebibytes": 1024.0 + n} for n in range(1, 9)]
    rows.append({"what": PEAK, "round": 2, "mebibytes": 2048.0})
    case = {"model": "m", "fog_nodes": 3, "precision": "float32", "images": 9}
    table = tables.memory(pd.DataFrame([{**case, **r} for r in rows]))
    assert list(table["what"]) == [
        "median of rounds 3 to 4",
        "median of rounds 7 to 8",
        "peak of 2 rounds",
    ]
    assert list(table["GiB"]) == ["1.00", "1.01", "2.00"]


def test_only_the_last_sitting_is_reported_and_none_is_lost(tmp_path):
    first = Ledger(tmp_path, "some data")
    first.sitting = "2026-01-01T00:00:00"
    first.add("throughput", throughput_row(OURS, 0, 1.0))
    last = Ledger(tmp_path, "some data")
    for row in throughput_rows():
        last.add("throughput", row)
    assert len(last_sittings(tmp_path)["throughput"]) == 9
    assert len(pd.read_csv(tmp_path / "throughput.csv")) == 10
    assert len(facts_of(tmp_path, "throughput")) == 2
    files = dict(write_benchmark(tmp_path))
    assert "some data" in files["table"].read_text()
    assert files["picture"].stat().st_size > 10_000


def test_each_case_is_told_with_the_commit_that_it_was_measured_with(tmp_path, monkeypatch):
    for sitting, nodes, commit in (
        ("2026-01-01T00:00:00", 3, "a" * 40),
        ("2026-01-02", 5, "b" * 40),
    ):
        monkeypatch.setattr("simulations.benchmark.ledger.checkout_commit", lambda c=commit: c)
        ledger = Ledger(tmp_path, "some data")
        ledger.sitting = sitting
        ledger.add("throughput", {**throughput_row(OURS, 0, 1.0), "fog_nodes": nodes})
    text = dict(write_benchmark(tmp_path))["table"].read_text()
    assert f"(cnn 3), 2026-01-01T00:00:00: commit {'a' * 9}," in text
    assert f"(cnn 5), 2026-01-02: commit {'b' * 9}," in text


def test_a_part_alone_has_no_word_on_the_others(tmp_path):
    row = {"engine": "ray", "what": "first run of a process", "seconds": 9.0}
    Ledger(tmp_path, "some data").add("start", row)
    files = dict(write_benchmark(tmp_path))
    assert "picture" not in files
    assert "quickstart" not in files["table"].read_text()


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match=r"--out .*file.*: cannot be a folder"):
            Ledger(folder, "some data")


def test_nothing_measured_is_an_error(tmp_path):
    with pytest.raises(UserError, match="nothing was measured there"):
        write_benchmark(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"models": "cnn,vgg"}, "--models 'vgg': choose from cnn, mlp"),
        ({"precisions": "float16"}, "--precisions 'float16': choose from float32, bfloat16"),
        ({"fog_nodes": "3,x"}, "--fog-nodes '3,x': must be whole numbers"),
        ({"fog_nodes": "0"}, "--fog-nodes '0'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_before_anything_is_timed(changed, message):
    with pytest.raises(UserError, match=message):
        some_plan(**changed)


def test_a_case_keeps_the_papers_proportions(tmp_path):
    config = config_of(Case(OURS, "cnn", 7, 14_000, 5), tmp_path)
    assert config.validation_examples * 7 == config.train_examples
    assert (config.gate_args["examples"], config.reference_examples) == (200, 200)
    assert all(IMAGES[model] % (nodes * 32) == 0 for model in IMAGES for nodes in (3, 5, 7))


def test_what_dp_sgd_costs_is_told_in_epochs_that_were_timed_in_turn():
    seconds = {"plain SGD": (1.0, 2.0, 4.0), "DP-SGD": (1.5, 2.2, 12.0)}
    rows = [
        {"model": "mlp", "side": side, "number": number, "seconds": spent}
        for side, all_spent in seconds.items()
        for number, spent in enumerate(all_spent)
    ]
    (row,) = tables.private(pd.DataFrame(rows)).to_dict("records")
    assert row["ratio of neighbours, median (range)"] == "1.50 (1.10 to 3.00)"
    assert row["timed"] == 3


def test_memory_counts_this_process_and_its_peak():
    with MemoryWatch() as watch:
        held = bytearray(300 * 2**20)
        import time

        time.sleep(1.2)
    assert watch.peak > 300 * 2**20
    assert tree_bytes() > 10 * 2**20
    del held


@pytest.mark.e2e
@pytest.mark.skipif(ASKED_FOR not in os.environ, reason=f"takes minutes; set {ASKED_FOR}=1")
def test_all_three_sides_train_what_they_are_given(tmp_path, monkeypatch):
    from simulations.benchmark.parts import throughput

    monkeypatch.setitem(IMAGES, "mlp", 192)
    asked = plan("mlp", "3", "float32", repeats=1, rounds=1, say=lambda _: None)
    throughput.measure(asked, Ledger(tmp_path, "rendered digits"))
    rows = pd.read_csv(tmp_path / "throughput.csv")
    assert list(rows["side"]) == [BARE, OURS, QUICKSTART]
    assert (rows["seconds"] > 0).all()
    assert (rows["images"] == 192).all()


def test_steps_are_timed_in_both_precisions_and_kept(tmp_path):
    out = tmp_path / "new" / "steps.csv"
    for _ in range(2):
        step_time.main(out, models="mlp", batches=1, epochs=2)
    rows = pd.read_csv(out)
    assert (rows["milliseconds"] > 0).all()
    assert (rows["backend"] == "tensorflow").all()
    cases = rows.groupby(["model", "precision"]).size()
    assert dict(cases) == {("mlp", precision): 4 for precision in ("float32", "bfloat16")}


def test_a_backend_that_step_time_does_not_know_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(step_time.keras.backend, "backend", lambda: "torch")
    with pytest.raises(UserError, match="KERAS_BACKEND=torch: must be tensorflow or jax"):
        step_time.main(tmp_path / "steps.csv", batches=1, epochs=1)
    assert not list(tmp_path.iterdir())
