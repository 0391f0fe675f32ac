import pytest

from simulations.engines.placement import place


@pytest.mark.parametrize("fog_nodes", [1, 3, 5, 7, 64])
@pytest.mark.parametrize("cores", [1, 2, 4, 16])
@pytest.mark.parametrize("model", ["cnn", "mlp", "cnn-small", "mine:model"])
def test_no_two_fog_nodes_share_a_core_and_none_waits_for_nothing(fog_nodes, cores, model):
    placed = place(fog_nodes, model, cores=cores)
    assert 1 <= placed.actors <= fog_nodes
    assert placed.actors * placed.threads <= cores
    assert placed.threads >= 1
    # no whole core is left over that one more thread for each could use
    assert cores - placed.actors * placed.threads < placed.actors


def test_convolutions_share_a_step_where_a_last_turn_would_leave_cores_idle():
    assert place(3, "cnn", cores=2).actors == 1
    assert place(4, "cnn", cores=4).actors == 4
    assert place(7, "cnn", cores=16).actors == 7


def test_the_users_choice_is_kept():
    placed = place(7, "cnn", cores=8, actors=2)
    assert (placed.actors, placed.threads) == (2, 4)
    assert place(3, "cnn", cores=8, actors=16).actors == 3


def test_gpus_are_shared_among_those_that_train():
    placed = place(7, "cnn", cores=16, gpus=1)
    assert placed.actors * placed.gpu_share <= 1.0
    assert placed.gpu_share > 0.0
    assert place(7, "cnn", cores=16).gpu_share == 0.0
