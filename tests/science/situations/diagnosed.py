"""Diagnoses of situations, each made once in a test run however many tests ask for it."""

from functools import cache

from service.contract.diagnosis import Diagnosis
from tests.science.situations.situation import Situation


@cache
def diagnosed(situation: Situation, seed: int) -> Diagnosis:
    """What a job of this situation comes to. For reading only: tests share it."""
    return situation.build(seed).diagnose()
