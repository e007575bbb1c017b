"""What a situation is, how it is run, and when a diagnosis of it is right."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from service.contract.diagnosis import Diagnosis, Verdict
from service.contract.training_plan import ProbePlan, TrainingPlan
from workers.data import Dataset
from workers.diagnosis import diagnose
from workers.probes.trace import LayerInfo
from workers.training import train_and_probe

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Job:
    """Everything that a job hands to training."""

    network: nn.Module
    layers: tuple[LayerInfo, ...]
    dataset: Dataset
    training: TrainingPlan
    loss: str = "cross_entropy"
    probe: ProbePlan = field(default_factory=ProbePlan)

    def diagnose(self) -> Diagnosis:
        """Train, probe and diagnose as a worker does, in this process."""
        trace = train_and_probe(
            self.network, self.layers, self.dataset, self.training, self.probe, self.loss, CPU,
            lambda step, loss: None,
        )  # fmt: skip
        return diagnose(trace, service_version="test")


@dataclass(frozen=True)
class Truth:
    """What a right diagnosis says."""

    conditions: frozenset[str]
    """One of these must come first; empty: nothing may be found but that it is well."""
    verdicts: frozenset[Verdict]
    """The verdicts that are right."""
    because: str
    """Why this is the truth, where one could think otherwise."""
    alarming: bool
    """Whether it is an illness. If not, no finding may be more than a note."""


def ill(*conditions: str, because: str, verdicts: tuple[Verdict, ...] = ("unhealthy",)) -> Truth:
    """An illness that goes by any of these names."""
    return Truth(frozenset(conditions), frozenset(verdicts), because, alarming=True)


def well(*notes: str, because: str, verdicts: tuple[Verdict, ...] = ("healthy",)) -> Truth:
    """No illness; one of these facts must be told, if any is named."""
    return Truth(frozenset(notes), frozenset(verdicts), because, alarming=False)


@dataclass(frozen=True)
class Situation:
    """A network, its data and its training, and what is true of them."""

    name: str
    build: Callable[[int], Job]
    """Makes the job from a seed."""
    truth: Truth


def alarms(diagnosis: Diagnosis) -> list[str]:
    """Conditions that were found and are more than a note, the most severe first."""
    return [finding.condition for finding in diagnosis.findings if finding.severity != "note"]


def primary(diagnosis: Diagnosis) -> str:
    """The condition that the diagnosis puts first; `healthy` only if there is nothing else to say."""
    others = [finding.condition for finding in diagnosis.findings if finding.condition != "healthy"]
    return (alarms(diagnosis) or others or ["healthy"])[0]


def mistakes(truth: Truth, diagnosis: Diagnosis) -> list[str]:
    """What is wrong with the diagnosis, in words; empty if it is right."""
    wrong = []
    if diagnosis.verdict not in truth.verdicts:
        wrong.append(f"verdict {diagnosis.verdict} instead of {' or '.join(sorted(truth.verdicts))}")
    if not truth.alarming and alarms(diagnosis):
        wrong.append(f"false alarm: {', '.join(alarms(diagnosis))}")
    elif truth.conditions and primary(diagnosis) not in truth.conditions:
        wrong.append(f"{primary(diagnosis)} instead of {' or '.join(sorted(truth.conditions))}")
    return wrong
