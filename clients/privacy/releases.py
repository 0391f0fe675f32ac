"""Lists what leaves a fog node and its end nodes, with the guarantees of their protections."""

import dataclasses
from typing import Any

from clients.privacy import PROTECTIONS
from clients.privacy.build import built
from clients.privacy.disclosed import of_counts, of_metrics
from clients.privacy.fog_node.dp_sgd import DpSgd
from clients.privacy.fog_protection import fog_protections
from fog_flower.config import FINAL, NONE, SEEDED, RunConfig
from fog_flower.data.features import FEATURES
from fog_flower.privacy.accounting import shared_epsilon
from fog_flower.privacy.disclosure import SENT
from fog_flower.privacy.guarantee import BOTH, INPUTS, TARGETS, Guarantee, best_of
from fog_flower.privacy.ledger import UPDATES, Release

END_NODE, FOG_NODE, CLOUD = "end node", "fog node", "cloud"


def releases_of(config: RunConfig, num_examples: int, share: float = 1.0) -> list[Release]:
    """Return all releases of a fog node and its end nodes over the run.

    Parameters
    ----------
    config : RunConfig
    num_examples : int
        Number of examples of the fog node.
    share : float
        The largest fraction of its examples that one of the end nodes shares (``share-fraction``).
    """
    shipped = [_promise(text, one, config) for text, one in built(PROTECTIONS, config.protection)]
    inputs, targets = best_of(shipped, INPUTS), best_of(shipped, TARGETS)
    seeded = config.noise_source == SEEDED
    both = _together(inputs, targets)
    inputs, targets, both = (_of_share(one, share) for one in (inputs, targets, both))
    update = _of_update(config, num_examples, both)
    if config.mask_groups:
        update = _behind_masks(update, config.mask_groups)
    trains_privately = any(isinstance(one, DpSgd) for _, one in fog_protections(config))
    silent = trains_privately or config.mask_groups > 0
    metrics, counts = of_metrics(config, silent=silent), of_counts(config)
    inputs, both = (_beside(one, *_mapped(config)) for one in (inputs, both))
    told = _post_processed(both)
    if not metrics.promises:  # they are computed from protected shipments
        metrics = told
    update, metrics = (_beside(one, *_around(config)) for one in (update, metrics))
    own = [Release("loss and accuracy of the final W on its data", FOG_NODE, CLOUD, told)]
    return [
        Release("shipment: inputs", END_NODE, FOG_NODE, inputs, seeded and inputs.promises),
        Release("shipment: targets", END_NODE, FOG_NODE, targets, seeded and targets.promises),
        Release("shipment: number of examples", END_NODE, FOG_NODE, Guarantee("none")),
        Release(UPDATES, FOG_NODE, CLOUD, update, seeded and update.promises),
        Release(
            "loss and accuracy of training",
            FOG_NODE,
            CLOUD,
            metrics,
            seeded and metrics.promises and metrics.epsilon > 0,
        ),
        *(own if config.own_evaluation == FINAL else []),
        Release(
            "number of examples that it reports",
            FOG_NODE,
            CLOUD,
            counts,
            seeded and counts.promises and counts.epsilon > 0,
        ),
    ]


def _mapped(config: RunConfig) -> list[str]:
    """Return what a feature map of the user's own may break of promises about single examples."""
    if config.features == NONE or FEATURES.has(config.features):
        return []
    return [f"features={config.features}: code of your own, which must map each example by itself"]


def _around(config: RunConfig) -> list[str]:
    """Return what code of the user's own around training may break of promises about replies."""
    mods = ",".join(config.client_mods)
    told = f"client-mods={mods}: code around training, which may train twice or send more"
    return [*_mapped(config), *([told] if mods else [])]


def _beside(promise: Guarantee, *uncovered: str) -> Guarantee:
    """Return a guarantee that names what else it does not cover, if it promises anything."""
    if not promise.promises:
        return promise
    told = tuple(dict.fromkeys((*promise.uncovered, *uncovered)))
    return dataclasses.replace(promise, uncovered=told)


def _together(inputs: Guarantee, targets: Guarantee) -> Guarantee:
    """Return the guarantee of two mechanisms for an example: epsilons and deltas add up."""
    return Guarantee(
        f"{inputs.mechanism}; {targets.mechanism}",
        inputs.epsilon + targets.epsilon,
        inputs.delta + targets.delta,
        part=BOTH,
    )


def _of_share(promise: Guarantee, share: float) -> Guarantee:
    """Return the guarantee for an example if it is secret whether it was shared."""
    if share >= 1.0:
        return promise
    told = f"{promise.mechanism}, on a secret share of at most {share:.3g}"
    if not promise.promises:
        return dataclasses.replace(promise, mechanism=told)
    return dataclasses.replace(
        promise,
        mechanism=told,
        epsilon=shared_epsilon(promise.epsilon, share),
        delta=share * promise.delta,
        uncovered=(*promise.uncovered, "who knows that an example was shared has the full epsilon"),
    )


def _post_processed(shipment: Guarantee) -> Guarantee:
    """Return the guarantee for anything that a fog node computes from its shipments only."""
    if not shipment.promises:
        return Guarantee("none")
    told = f"post-processing of the shipment ({shipment.mechanism})"
    return dataclasses.replace(shipment, mechanism=told)


def _of_update(config: RunConfig, num_examples: int, shipment: Guarantee) -> Guarantee:
    """Return the best guarantee for dW, of those of the shipments and of the fog protections."""
    found = [_post_processed(shipment)] if shipment.promises else []
    for text, one in fog_protections(config):
        if isinstance(one, DpSgd):
            promise = one.guarantee(config, num_examples, config.num_server_rounds)
            found.append(_without_count(promise, one, config))
        else:
            found.append(_promise(text, one, config))
    return best_of(found, BOTH)


def _without_count(promise: Guarantee, one: DpSgd, config: RunConfig) -> Guarantee:
    """Return a guarantee of DP-SGD that does not disclose the number of examples."""
    if config.example_counts.how == SENT or one.noise >= 0.0:
        return promise
    told = f"DP-SGD: noise of at most epsilon {one.epsilon:g}, clip {one.clip:g}"
    return dataclasses.replace(promise, mechanism=told, epsilon=one.epsilon)


def _behind_masks(update: Guarantee, size: int) -> Guarantee:
    """Return the guarantee for dW in masked sums: masks leave epsilon as it is."""
    masks = f"masked sums over groups of at least {size} fog nodes: the cloud sees no single dW"
    told = masks if update.mechanism == "none" else f"{update.mechanism}; {masks}"
    uncovered = (
        "what the sum of a group tells, and differences of sums where a node goes or rehearses",
        "a cloud that hands out keys of its own",
        "a node whose group's other nodes tell the cloud theirs",
    )
    return dataclasses.replace(update, mechanism=told, uncovered=(*update.uncovered, *uncovered))


def _promise(text: str, mechanism: Any, config: RunConfig) -> Guarantee:
    """Return the guarantee of a mechanism; none is given without a method ``guarantee``."""
    if hasattr(mechanism, "guarantee"):
        told: Guarantee = mechanism.guarantee(config)
        return told
    return Guarantee(text, uncovered=("nobody accounted for it",))
