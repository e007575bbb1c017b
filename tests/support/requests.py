"""Job requests and records for tests."""

import json
from typing import Any

FLATTEN = {"op": "flatten"}
HEAD = {"op": "linear", "units": "targets"}
HIDDEN = {"op": "linear", "units": 8}


def job_request(*layers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A small request that is accepted; `layers` stand between the first and the last."""
    return {
        "model": {"kind": "spec", "layers": [FLATTEN, *layers, HEAD]},
        "data": {"kind": "builtin", "name": "digits"},
        "training": {"steps": 2},
        **changes,
    }


def job_body(*layers: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(job_request(*layers, **changes)).encode()


def with_literal(section: str, name: str, text: str) -> bytes:
    """The request with a value written as given, whatever JSON thinks of it."""
    request = job_request()
    request[section] = {**request[section], name: "MARK"}
    return json.dumps(request).replace('"MARK"', text).encode()


def diagnosis() -> dict[str, Any]:
    """The smallest diagnosis that is valid."""
    return {
        "schema_version": "1",
        "verdict": "healthy",
        "summary": "Gradients reach every layer.",
        "findings": [],
        "outcome": {
            "learned": True,
            "loss_first": 2.3,
            "loss_last": 0.1,
            "metric": "accuracy",
            "value": 0.9,
            "chance": 0.1,
        },
        "layers": [],
        "ledger": None,
        "trainability": None,
        "not_checked": [],
        "trials": [],
        "prescription": None,
        "remedies_outcome": None,
        "remedies_summary": None,
        "runtime": {
            "device": "cpu",
            "steps": 2,
            "seconds": 0.1,
            "steps_per_second": 20.0,
            "probe_overhead": None,
        },
        "environment": {"torch": "2.13.0", "service": "0.1.0", "seed": 0, "threads": None},
        "metadata": {},
    }
