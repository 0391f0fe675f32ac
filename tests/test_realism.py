"""The realism of the rendered digits: the precision in which its model is trained."""

import pytest
from scipy.io import savemat

from fog_flower.errors import UserError
from fog_flower.tensorflow_setup import precision_here
from simulations.experiments import realism
from simulations.experiments.realism import Training, measure_realism
from tests.test_svhn import arrays


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_the_model_computes_in_the_recorded_precision(tmp_path, monkeypatch, precision):
    computed = []

    def train(model, *_rest):
        computed.extend(layer.compute_dtype for layer in model.layers if layer.weights)
        return 0.5

    monkeypatch.setattr(realism, "_train", train)
    savemat(tmp_path / "real.mat", arrays(10))
    result = measure_realism(
        [tmp_path / "real.mat"], training=Training(images=32, precision=precision)
    )
    assert result.precision == precision_here(precision)
    assert set(computed[:-1]) == {result.precision}
    assert computed[-1] == "float32"  # probabilities


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "bfloat", "float16"])
def test_an_unknown_precision_is_refused_before_anything_is_read(tmp_path, precision):
    told = f"--precision '{precision}': choose from float32, bfloat16, auto"
    with pytest.raises(UserError, match=told):
        measure_realism([tmp_path / "no.mat"], training=Training(precision=precision))
