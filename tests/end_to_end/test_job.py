"""One real job through every real part: posted, queued, trained, probed, diagnosed."""

import io
import json

import numpy as np
import pytest

from tests.end_to_end.conftest import Up, example, finished, submit
from tests.support.waiting import wait_until


def test_the_article_s_network_is_unhealthy_because_its_sigmoids_lose_the_gradient(clinic: Up) -> None:
    job = finished(clinic, example("article.json"))
    diagnosis = job["diagnosis"]
    assert diagnosis["verdict"] == "unhealthy"
    finding = diagnosis["findings"][0]
    assert (finding["condition"], finding["axis"]) == ("vanishing_gradients", "depth")
    assert diagnosis["outcome"]["learned"] is False
    # 20 sigmoid layers with Xavier weights and head lose 12.5 decades (science, §4); our head is smaller.
    assert diagnosis["ledger"]["log10_total"] == pytest.approx(-12.5, abs=0.8)
    causes = diagnosis["ledger"]["by_cause"]
    assert sum(causes.values()) == pytest.approx(diagnosis["ledger"]["log10_total"], abs=1e-6)
    assert min(causes, key=lambda cause: causes[cause]) == "activation"


@pytest.mark.parametrize("name", ["healthy.json"])
def test_the_same_depth_with_shortcuts_is_healthy(clinic: Up, name: str) -> None:
    assert finished(clinic, example(name))["diagnosis"]["verdict"] == "healthy"


def test_a_plain_recurrent_network_loses_the_gradient_through_time(clinic: Up) -> None:
    findings = finished(clinic, example("recurrent.json"))["diagnosis"]["findings"]
    assert ("vanishing_gradients", "time") in {(f["condition"], f["axis"]) for f in findings}


def test_the_same_request_with_the_same_seed_gives_the_same_diagnosis(clinic: Up) -> None:
    request = example("article.json") | {"training": {"steps": 40, "seed": 7}}
    first, second = (finished(clinic, request)["diagnosis"] for _ in range(2))
    for diagnosis in (first, second):
        del diagnosis["runtime"]  # seconds are measured
    assert first == second


def test_a_diverging_network_is_a_diagnosis_and_its_json_holds_no_nan(clinic: Up) -> None:
    request = example("healthy.json")
    request["training"] |= {"learning_rate": 1e6, "steps": 50}
    job = finished(clinic, request)
    assert job["status"] == "succeeded"
    assert job["diagnosis"]["verdict"] == "unhealthy"
    for path in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{job['id']}/diagnosis", f"/v1/jobs/{job['id']}/trace"):
        text = clinic.http.get(path, headers={"Accept": "application/json"}).text
        json.loads(text, parse_constant=pytest.fail)


def test_the_trace_holds_every_statistic_of_every_layer(clinic: Up) -> None:
    job = finished(clinic, example("article.json"))
    archive = np.load(io.BytesIO(clinic.http.get(job["links"]["trace"]).content), allow_pickle=False)
    layers = [layer["name"] for layer in job["expanded"]["layers"]]
    measured = json.loads(str(archive["header"]))["layers"]
    assert [layer["name"] for layer in measured] == layers
    gains = archive["series/backpropagated.norm/values"]
    assert gains.shape[1] == len(layers)
    as_json = clinic.http.get(job["links"]["trace"], headers={"Accept": "application/json"}).json()
    assert len(as_json["loss"]) == 200


def test_a_running_job_is_cancelled(clinic: Up) -> None:
    request = example("article.json")
    request["training"]["steps"] = 100_000
    job = submit(clinic, request)
    wait_until(lambda: clinic.http.get(f"/v1/jobs/{job['id']}").json()["status"] == "running", timeout=30)
    assert clinic.http.post(f"/v1/jobs/{job['id']}/cancel").status_code == 202
    wait_until(lambda: clinic.http.get(f"/v1/jobs/{job['id']}").json()["status"] == "cancelled", timeout=10)


def test_a_time_limit_ends_the_job_with_its_code_and_nothing_else(clinic: Up) -> None:
    request = example("article.json") | {"limits": {"wall_seconds": 1.0}}
    request["training"]["steps"] = 100_000
    job = finished(clinic, request)
    assert (job["status"], job["error"]["code"]) == ("failed", "timed_out")
    assert clinic.http.get("/health/ready").status_code == 200
