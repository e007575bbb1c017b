"""Remedies of uploaded networks: the file stays, the request says what is done to its modules."""

import pytest
import torch
from torch import nn

from service.contract.job import JobRequest
from service.contract.model_spec import UploadedModel
from tests.unit.remedies.catalog.requests import uploaded_network
from workers.models.surgery import apply_changes
from workers.remedies.catalog import Candidate, NotApplicable, candidates
from workers.uploads.layers import describe_layers

STRUCTURAL = ("activation", "batch_norm", "highway", "initialization", "layer_norm", "relu", "residual")
TRAINING = ("gradient_clipping", "learning_rate", "layerwise_pretraining")
INPUTS = torch.randn(32, 6, generator=torch.Generator().manual_seed(0))


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [layer for _ in range(3) for layer in (nn.Linear(6, 6), nn.Sigmoid())]
    return nn.Sequential(*layers, nn.Linear(6, 3))


def applied() -> list[Candidate]:
    found = [c for name in STRUCTURAL for c in candidates(name, uploaded_network())]
    return [candidate for candidate in found if candidate.variant != "lsuv"]


@pytest.mark.parametrize("candidate", applied(), ids=lambda c: f"{c.remedy}-{c.variant}")
def test_the_changed_network_trains_gives_the_same_outputs_and_can_be_posted(candidate: Candidate) -> None:
    assert JobRequest.model_validate_json(candidate.request.model_dump_json()) == candidate.request
    model = candidate.request.model
    assert isinstance(model, UploadedModel)
    changed = network()
    apply_changes(changed, model.changes, INPUTS, seed=0)
    assert changed(INPUTS).shape == (32, 3)
    assert describe_layers(changed, INPUTS)
    changed(INPUTS).square().sum().backward()
    assert all(parameter.grad is not None for parameter in changed.parameters())
    assert not torch.allclose(changed(INPUTS), network()(INPUTS))


@pytest.mark.parametrize("name", TRAINING)
def test_what_belongs_to_the_training_leaves_the_network_alone(name: str) -> None:
    for candidate in candidates(name, uploaded_network()):
        assert candidate.request.model == uploaded_network().model


def test_remedies_are_combined_one_change_after_another() -> None:
    relu = candidates("relu", uploaded_network())[0].request
    both = candidates("batch_norm", relu)[0].request.model
    assert isinstance(both, UploadedModel)
    assert [change.kind for change in both.changes] == ["activation", "initialization", "normalization"]
    with pytest.raises(NotApplicable, match="already"):
        candidates("relu", relu)


def test_a_network_in_evaluation_mode_is_not_normalised_over_batches() -> None:
    request = uploaded_network()
    evaluated = request.model_copy(update={"model": request.model.model_copy(update={"mode": "evaluation"})})
    with pytest.raises(NotApplicable, match="evaluation mode"):
        candidates("batch_norm", evaluated)
    assert "batch_norm" not in [candidate.variant for candidate in candidates("residual", evaluated)]
    assert candidates("layer_norm", evaluated)
