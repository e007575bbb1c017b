"""A rebuilt network computes what TorchScript computes, bit for bit."""

import pytest
import torch

from tests.support.torchscript import archive_of, assert_exact, loaded, scripted, traced
from tests.support.zoo import SCRIPT_ONLY, ZOO
from workers.uploads.torchscript import rebuild


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", sorted(ZOO))
def test_a_scripted_network_has_the_loss_and_gradients_of_torchscript(name: str, training: bool) -> None:
    torch.manual_seed(0)
    network, inputs = ZOO[name]()
    assert_exact(archive_of(scripted(network.train(training))), inputs)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", sorted(ZOO.keys() - SCRIPT_ONLY))
def test_a_traced_network_has_the_loss_and_gradients_of_torchscript(name: str, training: bool) -> None:
    torch.manual_seed(0)
    network, inputs = ZOO[name]()
    assert_exact(archive_of(traced(network.train(training), inputs)), inputs)


def test_a_rebuilt_network_takes_the_mode_that_the_archive_was_saved_in() -> None:
    network, _ = ZOO["mlp"]()
    assert not any(
        module.training
        for module in rebuild(archive_of(scripted(network.eval()))).modules()
        if module._parameters
    )


def test_a_named_tuple_comes_out_with_its_names() -> None:
    network, inputs = ZOO["named_output"]()
    archive = archive_of(scripted(network))
    with torch.no_grad():
        outputs = rebuild(archive)(inputs)
        expected = loaded(archive)(inputs)
    assert outputs._fields == ("logits", "hidden")
    assert torch.equal(outputs.logits, expected[0])


def test_an_evaluation_without_gradients_runs_the_same_modules() -> None:
    """PyTorch's transformer has a fused form for it, which would hide its layers."""
    torch.manual_seed(0)
    network, inputs = ZOO["transformer"]()
    copy = rebuild(archive_of(scripted(network.eval())))
    called: list[str] = []
    for name, module in copy.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    with torch.no_grad():
        outputs = copy(inputs)
    assert {"encoder.layers.0.linear1", "encoder.layers.1.self_attn"} <= set(called)
    torch.testing.assert_close(outputs, network(inputs))


def test_gradient_recording_is_left_as_it_was_found() -> None:
    network, inputs = ZOO["without_gradient"]()
    copy = rebuild(archive_of(scripted(network)))
    copy(inputs)
    assert torch.is_grad_enabled()
    with torch.no_grad():
        assert not copy(inputs).requires_grad
        assert not torch.is_grad_enabled()
