"""What can be wrong with a run, as opposed to with the network's gradients."""


class TrainingError(ValueError):
    """The network cannot be trained as asked for; the message says why and what to change."""
