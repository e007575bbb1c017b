"""Training: the plain loop, and the probed run around it."""

from workers.training.errors import TrainingError
from workers.training.run import train_and_probe

__all__ = ["TrainingError", "train_and_probe"]
