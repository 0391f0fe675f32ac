import pytest

from fog_flower.models import MODELS
from simulations.engines.placement import UNSAID, place, threaded_share

CONVOLUTIONS, DENSE = 0.95, 0.5


@pytest.mark.parametrize("fog_nodes", [1, 3, 5, 7, 64])
@pytest.mark.parametrize("cores", [1, 2, 4, 16])
@pytest.mark.parametrize("threaded", [CONVOLUTIONS, UNSAID, DENSE])
def test_no_two_fog_nodes_share_a_core_and_none_waits_for_nothing(fog_nodes, cores, threaded):
    placed = place(fog_nodes, threaded, cores=cores)
    assert 1 <= placed.actors <= fog_nodes
    assert placed.actors * placed.threads <= cores
    assert placed.threads >= 1
    # no whole core is left over that one more thread for each could use
    assert cores - placed.actors * placed.threads < placed.actors


def test_convolutions_share_a_step_where_a_last_turn_would_leave_cores_idle():
    assert place(3, CONVOLUTIONS, cores=2).actors == 1
    assert place(4, CONVOLUTIONS, cores=4).actors == 4
    assert place(7, CONVOLUTIONS, cores=16).actors == 7


def test_the_users_choice_is_kept():
    placed = place(7, CONVOLUTIONS, cores=8, actors=2)
    assert (placed.actors, placed.threads) == (2, 4)
    assert place(3, CONVOLUTIONS, cores=8, actors=16).actors == 3


def test_gpus_are_shared_among_those_that_train():
    placed = place(7, CONVOLUTIONS, cores=16, gpus=1)
    assert placed.actors * placed.gpu_share <= 1.0
    assert placed.gpu_share > 0.0
    assert place(7, CONVOLUTIONS, cores=16).gpu_share == 0.0


def test_models_say_how_well_they_use_threads_and_names_say_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "placed_models.py").write_text("THREADED = 0.3\n1 / 0  # it is not run\n")
    (tmp_path / "cnn_of_mine.py").write_text("raise SystemExit\n")
    assert threaded_share("cnn") == threaded_share("CNN-Shift") == CONVOLUTIONS
    assert threaded_share("mlp-2-hidden") == DENSE
    assert threaded_share("placed_models:net") == 0.3
    assert threaded_share("cnn_of_mine:net") == UNSAID
    assert all(threaded_share(name) != UNSAID for name in MODELS.names())
