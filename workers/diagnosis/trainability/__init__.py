"""How likely it is that a network does not learn, known before training or after its first steps.

`docs/trainability.md` says how the model was fitted and how good it is."""

from workers.diagnosis.trainability.assess import assess_trainability

__all__ = ["assess_trainability"]
