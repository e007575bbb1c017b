"""From a Trace to a Diagnosis: pure functions over NumPy arrays, so that a stored Trace can be diagnosed
again."""

import numpy as np
from pydantic import JsonValue

from service.contract.diagnosis import Diagnosis
from workers.diagnosis import engine, report, unchecked
from workers.diagnosis.case import Case
from workers.probes.trace import Trace

__all__ = ["diagnose"]


def diagnose(
    trace: Trace, *, service_version: str, metadata: dict[str, JsonValue] | None = None
) -> Diagnosis:
    """Say what is wrong with the run, where, why, and how sure that is.

    The same trace gives the same diagnosis. Whatever the numbers in a well-formed trace are, NaN and
    infinity included, this does not raise, and no NaN or infinity is in the result.
    """
    with np.errstate(all="ignore"):
        case = Case(trace)
        findings = engine.examine(case)
        return Diagnosis(
            verdict=engine.verdict(findings),
            summary=engine.summary(findings, case.learning),
            findings=findings,
            outcome=report.outcome(case),
            layers=report.layer_reports(case),
            ledger=report.ledger(case),
            trainability=case.trainability,
            not_checked=unchecked.not_checked(case),
            runtime=report.runtime(trace),
            environment=report.environment(trace, service_version),
            metadata=metadata or {},
        )
