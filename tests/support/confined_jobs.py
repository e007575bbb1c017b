"""What training needs, done by a confined job: preloaded by a zygote as `workers.warm` is."""

import json
import warnings
from collections.abc import Callable

import sklearn.datasets
import torch

from service.contract.diagnosis import Diagnosis
from service.contract.job import Progress
from tests.faults.entries import healthy
from workers.isolation.child import ChildSpec

torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)  # imports much, the first time

Report = Callable[[Progress], None]


class LastState(torch.nn.Module):
    """An LSTM's last state."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(8, 32, batch_first=True)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.lstm(inputs.flatten(1).unflatten(1, (8, 8)))[0]
        return outputs[:, -1]


NETWORKS: dict[str, Callable[[], torch.nn.Module]] = {
    "dense": lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 256), torch.nn.ReLU()),
    "convolution": lambda: torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3), torch.nn.BatchNorm2d(16), torch.nn.ReLU(), torch.nn.Flatten()
    ),
    "recurrent": LastState,
}


def train(spec: ChildSpec, report: Report) -> Diagnosis:
    """Train the network that the metadata name on digits; tell its loss before and after."""
    wish = json.loads(spec.request_json)["metadata"]
    torch.set_num_threads(wish["threads"])
    torch.manual_seed(0)
    digits = sklearn.datasets.load_digits()
    inputs = torch.tensor(digits.data, dtype=torch.float32).reshape(-1, 1, 8, 8)[:512] / 16
    targets = torch.tensor(digits.target)[:512]
    network = torch.nn.Sequential(NETWORKS[wish["network"]](), torch.nn.LazyLinear(10))
    network(inputs)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        report(Progress(phase="training", step=step, steps=10))
    torch.save(network.state_dict(), "network.pt")
    return healthy().model_copy(update={"metadata": {"first": losses[0], "last": losses[-1]}})


def load_every_data_set(spec: ChildSpec, report: Report) -> Diagnosis:
    """Every data set that scikit-learn carries."""
    loaded = {
        name: len(getattr(sklearn.datasets, f"load_{name}")().data)
        for name in ("iris", "digits", "wine", "breast_cancer", "diabetes")
    }
    return healthy().model_copy(update={"metadata": loaded})


def warn(spec: ChildSpec, report: Report) -> Diagnosis:
    warnings.warn("a warning of a library", stacklevel=1)
    return healthy()


def read_files(spec: ChildSpec, report: Report) -> Diagnosis:
    """Read each file that it was given, twice; and ask for one that it was not given."""
    found = {}
    for name in spec.files:
        with spec.open(name) as file:
            found[name] = file.read().decode()
        with spec.open(name) as again:
            assert again.read().decode() == found[name]
            assert not again.writable()
    try:
        spec.open("another")
    except KeyError:
        found["another"] = "not there"
    return healthy().model_copy(update={"metadata": found})
