"""Lists what leaves a fog node and its end nodes, with the guarantees of their protections."""

import dataclasses
import math
from typing import Any

import clients
from clients.privacy import PROTECTIONS
from clients.privacy.build import built
from clients.privacy.disclosed import of_counts, of_metrics
from clients.privacy.fog_node.dp_sgd import DpSgd
from clients.privacy.fog_protection import fog_protections
from fog_flower.config import ENTROPY, FINAL, NONE, SEEDED, RunConfig
from fog_flower.data.features import FEATURES
from fog_flower.models import MODELS
from fog_flower.privacy.accounting import shared_epsilon
from fog_flower.privacy.disclosure import SENT
from fog_flower.privacy.guarantee import BOTH, INPUTS, TARGETS, Guarantee, best_of
from fog_flower.privacy.ledger import COUNTS, METRICS, UPDATES, Release
from fog_flower.privacy.repeats import ONCE, Repeats

END_NODE, FOG_NODE, CLOUD = "end node", "fog node", "cloud"


def releases_of(
    config: RunConfig, num_examples: int, share: float = 1.0, repeats: Repeats = ONCE
) -> list[Release]:
    """Return all releases of a fog node and its end nodes over the run.

    Parameters
    ----------
    config : RunConfig
    num_examples : int
        Number of examples of the fog node.
    share : float
        The largest fraction of its examples that one of the end nodes shares (``share-fraction``).
        It tells of their numbers, so it is not used if ``example-counts`` hides these.
    repeats : Repeats
        What a continued run releases again; with a seed it draws the same again.
    """
    share = share if config.example_counts.how == SENT else 1.0
    repeats = repeats if config.noise_source == ENTROPY else ONCE
    shipped = [promise_of(text, one, config) for text, one in built(PROTECTIONS, config.protection)]
    inputs, targets = best_of(shipped, INPUTS), best_of(shipped, TARGETS)
    seeded = config.noise_source == SEEDED
    both = _together(inputs, targets)
    both = _of_share(both, share)
    inputs, targets = (_of_part(one, both) for one in (inputs, targets))
    inputs, targets, both = (_drawn_again(one, repeats.starts) for one in (inputs, targets, both))
    update = _of_update(config, num_examples, both, repeats.rounds)
    if config.mask_groups:
        update = _behind_masks(update, config.mask_groups)
    trains_privately = any(isinstance(one, DpSgd) for _, one in fog_protections(config))
    silent = trains_privately or config.mask_groups > 0
    metrics = of_metrics(config, silent=silent, repeated=repeats.rounds)
    counts = _drawn_again(of_counts(config), repeats.starts)
    inputs, both = (_beside(one, *_mapped(config)) for one in (inputs, both))
    told = _post_processed(both)
    if not metrics.promises:  # they are computed from protected shipments
        metrics = told
    update, metrics = (_beside(one, *_around(config)) for one in (update, metrics))
    seen = "loss and accuracy of the final W on its data"
    own = [Release(seen, FOG_NODE, CLOUD, told, seeded and told.promises)]
    return [
        Release("shipment: inputs", END_NODE, FOG_NODE, inputs, seeded and inputs.promises),
        Release("shipment: targets", END_NODE, FOG_NODE, targets, seeded and targets.promises),
        Release("shipment: number of examples", END_NODE, FOG_NODE, Guarantee("none")),
        Release(UPDATES, FOG_NODE, CLOUD, update, seeded and update.promises),
        Release(
            METRICS,
            FOG_NODE,
            CLOUD,
            metrics,
            seeded and metrics.promises and metrics.epsilon > 0,
        ),
        *(own if config.own_evaluation == FINAL else []),
        Release(
            COUNTS,
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
    around = f"client-mods={mods}: code around training, which may train twice or send more"
    model = f"model={config.model}: code of your own, which must take each example by itself"
    return [
        *_mapped(config),
        *([] if MODELS.has(config.model) else [model]),
        *([around] if mods else []),
    ]


def _beside(promise: Guarantee, *uncovered: str) -> Guarantee:
    """Return a guarantee that names what else it does not cover, if it promises anything."""
    return promise.without(*uncovered) if promise.promises else promise


def _together(inputs: Guarantee, targets: Guarantee) -> Guarantee:
    """Return the guarantee of two mechanisms for an example: epsilons and deltas add up."""
    return Guarantee(
        f"{inputs.mechanism}; {targets.mechanism}",
        inputs.epsilon + targets.epsilon,
        inputs.delta + targets.delta,
        part=BOTH,
        uncovered=tuple(dict.fromkeys((*inputs.uncovered, *targets.uncovered))),
    )


def _drawn_again(promise: Guarantee, starts: int) -> Guarantee:
    """Return the guarantee of a release that each start of the run makes: its epsilons add up."""
    if starts == 1 or not promise.promises or promise.epsilon == 0.0:
        return promise
    return dataclasses.replace(
        promise,
        mechanism=f"{promise.mechanism}, drawn {starts} x, as the run was continued",
        epsilon=starts * promise.epsilon,
        delta=min(starts * promise.delta, 1.0),
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


def _of_part(part: Guarantee, both: Guarantee) -> Guarantee:
    """Return the guarantee for one part of an example, of which both parts are shipped.

    The other part may tell that the example was shared, e.g. an unprotected label that no other
    example has. So a secret share lowers epsilon only as far as it does for both parts.
    """
    return dataclasses.replace(both, part=part.part) if both.epsilon < part.epsilon else part


def _post_processed(shipment: Guarantee) -> Guarantee:
    """Return the guarantee for anything that a fog node computes from its shipments only."""
    if not shipment.promises:
        return Guarantee("none")
    told = f"post-processing of the shipment ({shipment.mechanism})"
    return dataclasses.replace(shipment, mechanism=told)


def _of_update(
    config: RunConfig, num_examples: int, shipment: Guarantee, repeated: int
) -> Guarantee:
    """Return the best guarantee for dW, of those of the shipments and of the fog protections."""
    found = [_post_processed(shipment)] if shipment.promises else []
    for text, one in fog_protections(config):
        if isinstance(one, DpSgd):
            rounds = config.num_server_rounds + repeated
            promise = one.guarantee(config, num_examples, rounds)
            found.append(_of_own(text, one, _without_count(promise, one, config, repeated)))
        else:
            found.append(promise_of(text, one, config))
    return best_of(found, BOTH)


def _without_count(promise: Guarantee, one: DpSgd, config: RunConfig, repeated: int) -> Guarantee:
    """Return a guarantee of DP-SGD that does not disclose the number of examples.

    Rounds and epsilon of a run without repeated rounds do not depend on it. With repeated ones, the
    rounds of the configuration and as many again as were repeated keep epsilon each.
    """
    if config.example_counts.how == SENT:
        return promise
    if one.noise >= 0.0:  # 0: more is refused, because epsilon would tell the number
        return dataclasses.replace(promise, mechanism=f"DP-SGD: no noise, clip {one.clip:g}")
    runs = 1 + math.ceil(repeated / config.num_server_rounds)
    told = f"DP-SGD: noise of at most epsilon {one.epsilon:g}, clip {one.clip:g}"
    told += f", {repeated} repeated rounds count as whole runs" if repeated else ""
    return dataclasses.replace(
        promise, mechanism=told, epsilon=runs * one.epsilon, delta=min(runs * one.delta, 1.0)
    )


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


def _of_own(text: str, mechanism: Any, promise: Guarantee) -> Guarantee:
    """Return a guarantee that says so if code of the user's own gives it."""
    if type(mechanism).__module__.partition(".")[0] == clients.__name__:
        return promise
    told = f"{text}, code of your own: {promise.mechanism}"
    return dataclasses.replace(promise, mechanism=told)


def promise_of(text: str, mechanism: Any, config: RunConfig) -> Guarantee:
    """Return the guarantee of a mechanism; none is given without a method ``guarantee``."""
    if hasattr(mechanism, "guarantee"):
        told: Guarantee = mechanism.guarantee(config)
        return _of_own(text, mechanism, told)
    told_of = f"{text}: code of your own, which must take each example by itself"
    return Guarantee(text, uncovered=(f"{told_of}; nobody accounted for it",))
