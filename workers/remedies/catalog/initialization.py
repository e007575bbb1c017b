"""First weights that keep the variance: Xavier, He, LeCun, orthogonal, or adapted to the data (LSUV)."""

from collections.abc import Iterator
from functools import partial

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog.first_weights import HE, XAVIER, Written, orthogonal, suited
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy, each_applicable
from workers.remedies.catalog.rewriting import (
    initialized,
    layers_of,
    main_activation,
    rewritten_below_the_head,
    with_layers,
    with_training,
)
from workers.remedies.catalog.uploads import require_operation, uploaded_function, with_changes

TITLES = {"xavier": "Xavier's", "he": "He's", "lecun": "LeCun's", "orthogonal": "orthogonal"}
WORDS = (
    "The weights of the linear and convolutional layers but the last start as {} initialisation says, their "
    "biases at 0."
)


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    """LSUV first where the activation is a sigmoid: no random matrix alone suits a function that is never
    centred (measured: attenuation stays at 10^-10 over 20 layers)."""
    if isinstance(request.model, UploadedModel):
        return _of_a_file(request, diagnosis)
    layers = layers_of(request, diagnosis)
    if rewritten_below_the_head(layers, lambda layer: initialized(layer, {"name": "zeros"})) == layers:
        raise NotApplicable("there is no linear or convolutional layer before the last")
    function = main_activation(layers)

    def change(init: Written) -> JobRequest:
        after = rewritten_below_the_head(layers, lambda layer: initialized(layer, init))
        return with_layers(request, layers, after)

    found = each_applicable(
        "initialization",
        {name: (WORDS.format(TITLES[name]), partial(change, init)) for name, init in _schemes(function)},
    )
    place = 0 if function in {"sigmoid", "softplus"} else 1
    return [*found[:place], _from_data(request), *found[place:]]


def _of_a_file(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    """Scaling what the file holds first: new first weights forget what was learned."""
    require_operation(diagnosis, "linear", "conv1d", "conv2d", "conv3d")
    drawn = [
        Candidate(
            "initialization",
            name,
            WORDS.format(TITLES[name]),
            with_changes(request, {"kind": "initialization", "init": init}),
        )
        for name, init in _schemes(uploaded_function(diagnosis))
    ]
    return [_from_data(request), *drawn]


def _schemes(function: str | None) -> Iterator[tuple[str, Written]]:
    """The suited one first."""
    best = suited(function)
    yield best
    others = (("orthogonal", orthogonal(function)), ("xavier", XAVIER), ("he", HE))
    yield from (other for other in others if other[0] != best[0])


def _from_data(request: JobRequest) -> Candidate:
    return Candidate(
        "initialization",
        "lsuv",
        "Before training, the weights and biases of the linear and convolutional layers but the last are "
        "scaled and shifted, one layer after another, so that each unit has mean 0 and each layer variance 1 "
        "over training samples (LSUV, centred).",
        with_training(request, initialization={"kind": "lsuv", "centred": True}),
    )


REMEDY = Remedy(
    "initialization",
    _apply,
    invasiveness=2,
    conditions=frozenset(
        {
            "dead_units",
            "error_signal_saturated",
            "exploding_gradients",
            "not_learning",
            "poor_initialization",
            "saturated_activations",
            "vanishing_gradients",
            "weights_near_zero",
        }
    ),
)
