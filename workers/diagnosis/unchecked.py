"""What a run cannot tell, and why: said in every diagnosis."""

import math

from service.contract.conditions.class_imbalance import LARGEST_CLASS
from service.contract.conditions.not_learning import ENOUGH_STEPS
from workers.diagnosis.case import Case
from workers.diagnosis.depth import MINIMAL_DEPTH
from workers.diagnosis.wording import counted, listed


def not_checked(case: Case) -> list[str]:
    """What this run cannot tell, and why."""
    parts = (_about_learning, _about_depth, _about_time, _about_experiments, _about_data, _about_the_graph)
    return [sentence for part in parts for sentence in part(case)]


def _about_learning(case: Case) -> list[str]:
    match case.learning.judgement:
        case "not_trained":
            return [
                "Whether it learns: it was not trained, only probed at initialisation.",
                "What shows in training only: instability, units that die or saturate on the way, weights "
                "that shrink, overfitting, a learning rate that is too large, data with nothing to learn.",
            ]
        case "too_early":
            return [
                f"Whether it would learn with more steps: {counted(case.learning.steps, 'step')} made, its "
                f"loss may still fall, and under {ENOUGH_STEPS.value:g} steps nothing is concluded from a "
                "lack of success."
            ]
        case "not_evaluated":
            return [
                "Whether it learned: its held-out performance could not be evaluated, or chance on so few "
                "samples could reach any value."
            ]
    return []


def _about_depth(case: Case) -> list[str]:
    if case.depth is None:
        return [
            f"Loss of gradient with depth: fewer than {MINIMAL_DEPTH} layers with trained parameters in a "
            "row could be measured."
        ]
    if case.depth.initial.blocked:
        return [
            "The full loss of gradient with depth: the gradient is exactly zero at some layers, so its "
            "logarithm does not exist and the ledger is empty."
        ]
    return []


def _about_time(case: Case) -> list[str]:
    recurrent = [layer for layer in case.trace.layers if layer.op == "recurrent"]
    unmeasured = [layer.name for layer in recurrent if layer.name not in case.time]
    sequences = [layer.name for layer in recurrent if len(layer.output_shape) > 1 and layer.name in case.time]
    found = [f"Loss of gradient through time in {listed(unmeasured)}: not measured."] if unmeasured else []
    if sequences:
        found.append(
            f"Loss of gradient through time in {listed(sequences)} may be hidden: the layers above read its "
            "output at every time step, so each step also gets a gradient directly."
        )
    return found


_EXPERIMENTS = {
    "best_step_ratio": "whether the learning rate suits the network (a line search)",
    "overfit_ratio": "whether it can learn a few samples by heart",
    "error_reaching_output": "whether the error enters the network at its output",
    "feature_rank": "whether the samples become alike on their way forward",
}
"""The experiments on a copy of the network, by the quantity they measure, and what each of them tells."""


def _about_experiments(case: Case) -> list[str]:
    if not case.trace.examinations:
        return [
            "What experiments on a copy of the network tell: whether the learning rate suits it, whether "
            "it can "
            "learn a few samples by heart, whether samples become alike on their way forward. They were "
            "not made."
        ]
    unknown = [
        words
        for quantity, words in _EXPERIMENTS.items()
        if not math.isfinite(case.examined_first(quantity))
        and not math.isfinite(case.examined_last(quantity))
    ]
    return [f"Not measured on this network: {'; '.join(unknown)}."] if unknown else []


def _about_data(case: Case) -> list[str]:
    check = case.trace.data_check
    if check is None:
        return ["The data themselves: whether they are constant, unscaled, or say nothing about the targets."]
    if not math.isfinite(check.neighbour_score) or not math.isfinite(check.neighbour_score_shuffled):
        why = (
            "nearest neighbours do not apply to these data"
            if case.trace.run.steps_planned
            else "a first look leaves the nearest neighbours out"
        )
        return [f"Whether the inputs say anything about the targets: {why}."]
    if check.largest_class_share >= LARGEST_CLASS.value and not case.learning.learned:
        return [
            "Whether the inputs say anything about the rare classes: the nearest neighbours mostly vote for "
            "the largest one."
        ]
    if case.learning.learned is False and check.neighbour_score <= check.neighbour_score_shuffled:
        return [
            "Whether the data have a structure that nearest neighbours do not see: they find nothing in them."
        ]
    return []


def _about_the_graph(case: Case) -> list[str]:
    found = []
    if not case.trace.parameters:
        found.append("Whether each parameter is connected to the loss: that was not recorded.")
    if case.trace.cost is None:
        found.append("Where the time of a step goes: that was not recorded.")
    return found
