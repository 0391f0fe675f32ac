"""Engines that run cloud and fog nodes: Flower with Ray, or all in one process."""

from simulations.engines.outcome import ENGINES, INLINE, RAY, Outcome, engine_named

__all__ = ["ENGINES", "INLINE", "RAY", "Outcome", "engine_named"]
