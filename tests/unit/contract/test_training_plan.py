"""What a training plan refuses."""

import pytest
from pydantic import ValidationError

from service.contract.training_plan import TrainingPlan


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_momentum_is_refused_where_it_would_be_ignored(optimizer: str) -> None:
    with pytest.raises(ValidationError, match="leave it out"):
        TrainingPlan.model_validate({"optimizer": optimizer, "momentum": 0.9})


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_momentum_is_taken_where_it_works(optimizer: str) -> None:
    plan = TrainingPlan.model_validate({"optimizer": optimizer, "momentum": 0.9})
    assert plan.momentum == 0.9
