"""What a node trained in a round is not trained again, and only that."""

import dataclasses

import numpy as np
import pytest
from flwr.app import ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from clients.overheard import reply_of
from fog_flower.config import RunConfig
from fog_flower.messages import ARRAYS, CONFIG, SERVER_ROUND
from fog_flower.weights import to_record
from simulations.app_folder import default_run_config
from simulations.engines.inline_grid import InlineGrid

CONFIG_OF_RUN = RunConfig.from_run_config(default_run_config())
CONTEXT = Context(7, 1001, {}, RecordDict(), {})


@pytest.fixture(autouse=True)
def _in_a_run():
    InlineGrid(ClientApp(), 1, {}, 7)  # Flower stamps messages with the run


def asked(value=1.0, server_round=1):
    content = RecordDict(
        {
            ARRAYS: to_record([np.full(3, value, np.float32)]),
            CONFIG: ConfigRecord({SERVER_ROUND: server_round}),
        }
    )
    return Message(content, dst_node_id=1001, message_type="train")


@pytest.fixture
def trained():
    calls = []

    def call_next(message, _context):
        calls.append(message)
        content = RecordDict({"trained": ConfigRecord(), "told": MetricRecord({"loss": 1.0})})
        return Message(content, reply_to=message)

    reply_of(CONFIG_OF_RUN, 0, asked(), CONTEXT, call_next)
    return calls, call_next


def replies(trained, message, config=CONFIG_OF_RUN, node=0, context=CONTEXT):
    """Return the reply, and whether the node trained for it."""
    calls, call_next = trained
    before = len(calls)
    return reply_of(config, node, message, context, call_next), len(calls) > before


def test_a_known_answer_is_given_again_and_nobody_can_change_it(trained):
    for _ in range(2):
        reply, again = replies(trained, asked())
        assert not again
        assert "trained" in reply.content
        assert reply.content["told"]["loss"] == 1.0
        reply.content["told"]["loss"] = 2.0
        del reply.content["trained"]


@pytest.mark.parametrize(
    "other",
    [
        {"value": 2.0},
        {"server_round": 2},
        {"node": 1},
        {"context": Context(8, 1001, {}, RecordDict(), {})},
        {"config": dataclasses.replace(CONFIG_OF_RUN, client_mods="a:b")},
        {"config": RunConfig.from_run_config(default_run_config() | {"learning-rate": 0.2})},
    ],
    ids=["other weights", "other round", "other node", "other run", "mods", "other configuration"],
)
def test_whoever_is_asked_something_else_trains(trained, other):
    other = dict(other)
    question = asked(**{k: other.pop(k) for k in ("value", "server_round") if k in other})
    assert replies(trained, question, **other)[1]
