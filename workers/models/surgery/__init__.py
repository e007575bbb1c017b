"""Changes of the modules of a network that was loaded from a file."""

from workers.models.surgery.operate import apply_changes

__all__ = ["apply_changes"]
