"""Experiments on a copy of the network that tell apart what looks alike while training."""

# A run makes examinations, and they use the parts of a run: its package has to be loaded first.
import workers.training  # noqa: F401
