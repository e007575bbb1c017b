"""Plans to networks."""

from workers.models.build import build_network, layer_infos

__all__ = ["build_network", "layer_infos"]
