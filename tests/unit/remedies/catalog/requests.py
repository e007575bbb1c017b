"""Small jobs of every kind that remedies act on."""

from typing import Any

from service.contract.job import JobRequest

Written = dict[str, Any]

FLATTEN: Written = {"op": "flatten"}
HEAD: Written = {"op": "linear", "units": "targets"}
LINEAR: Written = {"op": "linear", "units": 6}
SIGMOID: Written = {"op": "activation", "function": "sigmoid"}
UPLOAD: Written = {"kind": "upload", "dataset": "sha256:" + "0" * 64}


def synthetic(*shape: int, **fields: Any) -> Written:
    return {"kind": "synthetic", "input_shape": list(shape), "classes": 3, "samples": 60, **fields}


def job(*layers: Written, data: Written | None = None, **training: Any) -> JobRequest:
    """A job with these layers, on small vectors."""
    return JobRequest.model_validate(
        {
            "model": {"kind": "spec", "layers": list(layers)},
            "data": data or synthetic(5),
            "training": {"steps": 3, "batch_size": 16, **training},
            "metadata": {"kept": True},
        }
    )


def template(data: Written, **fields: Any) -> JobRequest:
    return JobRequest.model_validate({"model": {"kind": "template", **fields}, "data": data})


def repeat(times: int, *layers: Written) -> Written:
    return {"op": "repeat", "times": times, "layers": list(layers)}


def deep(
    *, depth: int = 3, function: str = "sigmoid", data: Written | None = None, **training: Any
) -> JobRequest:
    """A multilayer perceptron whose first layer has another shape than the others."""
    block = repeat(depth, LINEAR, {"op": "activation", "function": function})
    return job(block, HEAD, data=data, **training)


def recurrent(**fields: Any) -> JobRequest:
    return job({"op": "recurrent", "units": 4, **fields}, HEAD, data=synthetic(24, 2))


def images(**training: Any) -> JobRequest:
    convolution = {"op": "conv2d", "channels": 3}
    block = repeat(2, convolution, {"op": "activation", "function": "relu"})
    return job(block, {"op": "global_avg_pool"}, HEAD, data=synthetic(1, 6, 6), **training)


def sequences() -> JobRequest:
    layers = ({"op": "conv1d", "channels": 4}, SIGMOID, {"op": "conv1d", "channels": 4}, SIGMOID)
    return job(*layers, {"op": "global_avg_pool"}, HEAD, data=synthetic(8, 4))


def uploaded_network(**training: Any) -> JobRequest:
    checkpoint = {"kind": "torchscript", "checkpoint": "sha256:" + "1" * 64}
    return JobRequest.model_validate({"model": checkpoint, "data": synthetic(5), "training": training})


def layers_of(request: JobRequest) -> list[Written]:
    """The layers as a client would write them, without what has its default."""
    layers: list[Written] = request.model_dump(exclude_defaults=True)["model"]["layers"]
    return layers
