"""In which precision local training computes, and what the records say of it."""

import json

import pytest

from fog_flower import processor, tensorflow_setup
from fog_flower.tensorflow_setup import precision_here
from tests.runs import rounds, run_here


def test_what_is_asked_for_is_taken():
    assert precision_here("float32") == "float32"
    assert precision_here("bfloat16") == "bfloat16"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx512f avx512_bf16 sse", "bfloat16"),
        ("fpu amx_bf16", "bfloat16"),
        ("Features : fp asimd bf16", "bfloat16"),
        ("fpu avx512f avx2", "float32"),
    ],
)
def test_auto_asks_the_processor(flags, expected, tmp_path, monkeypatch):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"flags : {flags}\n")
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    monkeypatch.setattr(tensorflow_setup.tf.config, "list_physical_devices", lambda _: [])
    assert precision_here("auto") == expected
    cpuinfo.unlink()  # not Linux
    assert precision_here("auto") == "float32"


def test_a_run_in_bfloat16_says_so_and_learns_nearly_the_same(make_config):
    losses = {}
    for precision in ("float32", "bfloat16"):
        folder = run_here(make_config(precision=precision, run_name=precision))
        assert json.loads((folder / "run.json").read_text())["nodes"]["precision"] == precision
        losses[precision] = [float(row["train_loss"]) for row in rounds(folder)[1:]]
    assert losses["bfloat16"] != losses["float32"]
    # The second loss is almost 0 (0.02), where processors without bfloat16 differ by 0.001.
    near_zero = 0.0 if precision_here("auto") == "bfloat16" else 0.002
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02, abs=near_zero)
