"""The published page and the catalog say what the code does."""

from itertools import product
from pathlib import Path

import pytest

from service.contract.conditions import CONDITIONS, MEASURES, REMEDIES
from tests.unit.diagnosis.traces import network
from workers.diagnosis import conditions
from workers.diagnosis.case import Case
from workers.diagnosis.conditions import (
    exploding_gradients,
    saturated_activations,
    unstable_training,
    vanishing_gradients,
    weights_near_zero,
)
from workers.diagnosis.document import document

PAGE = Path(__file__).parents[3] / "docs" / "diagnoses.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), (
        "run: python -m workers.diagnosis.document > docs/diagnoses.md"
    )


def test_each_described_condition_has_a_rule_and_each_rule_a_description() -> None:
    assert {condition.info.name for condition in conditions.CONDITIONS} == set(CONDITIONS)


def test_each_condition_has_sources_and_look_alikes() -> None:
    for info in CONDITIONS.values():
        assert info.sources, info.name
        assert info.look_alikes, info.name


def test_thresholds_are_held_against_catalogued_measures() -> None:
    assert {t.measure for info in CONDITIONS.values() for t in info.thresholds} <= set(MEASURES)


def test_conditions_name_only_catalogued_remedies() -> None:
    assert {name for info in CONDITIONS.values() for name in info.remedies} <= set(REMEDIES)


def test_conditions_are_consequences_only_of_conditions_that_exist() -> None:
    for condition in conditions.CONDITIONS:
        assert condition.explained_by <= set(CONDITIONS)
        assert condition.info.name not in condition.explained_by


@pytest.mark.parametrize("decays", [True, False])
@pytest.mark.parametrize("saturated", [True, False])
@pytest.mark.parametrize("grows", [True, False])
def test_no_condition_explains_itself_by_way_of_others(
    decays: bool, saturated: bool, grows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever came first in a case."""
    modules = [vanishing_gradients, weights_near_zero, saturated_activations]
    modules += [exploding_gradients, unstable_training]
    asked = {"decay_shrinks": decays, "saturated_at_first": saturated, "grows_backward": grows}
    for module, (name, answer) in product(modules, asked.items()):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, lambda _, answer=answer: answer)
    case = Case(network().build())
    causes = {
        condition.info.name: condition.explained_by | condition.explained_here(case)
        for condition in conditions.CONDITIONS
    }

    def reached(name: str, seen: frozenset[str]) -> None:
        assert name not in seen, f"{name} explains itself: {sorted(seen)}"
        for cause in causes[name]:
            reached(cause, seen | {name})

    for name in causes:
        reached(name, frozenset())
