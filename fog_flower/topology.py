"""The three tiers: how many fog nodes there are, and how many end nodes each of them has."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Topology:
    """n fog nodes with m end nodes each (paper, section 4: 3, 5 or 7 fog nodes, 6 end nodes)."""

    fog_nodes: int
    end_nodes: int

    def __post_init__(self) -> None:
        for name in ("fog_nodes", "end_nodes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")

    @property
    def total_end_nodes(self) -> int:
        """Number of end nodes of all fog nodes together."""
        return self.fog_nodes * self.end_nodes

    def federation_config(self) -> str:
        """Return the matching ``--federation-config``: one SuperNode per fog node."""
        return f"num-supernodes={self.fog_nodes} client-resources-num-cpus=1"
