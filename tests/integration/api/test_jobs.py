from typing import Any

import redis
from starlette.testclient import TestClient

from service.app import create_app
from service.contract.job import Job, JobList
from service.settings import Settings
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.integration.api.conftest import Bench, assert_problem, submitted
from tests.support.requests import HIDDEN, job_body, job_request
from tests.support.waiting import wait_until

JSON = {"Content-Type": "application/json"}
NEVER = "job_01JD7G4Q3V8W1Z6X2N5T9R0KCE"


def test_a_submitted_job_is_accepted_whole(api: TestClient) -> None:
    answer = api.post("/v1/jobs", json=job_request(HIDDEN, metadata={"commit": "abc"}))
    assert answer.status_code == 202
    job = Job.model_validate_json(answer.text)
    assert answer.headers["location"] == job.links.self == f"/v1/jobs/{job.id}"
    assert answer.headers["retry-after"] == "1"
    assert job.status == "queued"
    assert job.request.metadata == {"commit": "abc"}
    assert job.request.training.batch_size == 64  # defaults are filled in
    assert [layer.name for layer in job.expanded.layers] == ["0", "1", "2"]
    assert job.expanded.parameters == 64 * 8 + 8 + 8 * 10 + 10
    assert api.get(job.links.self).json() == answer.json()


def test_a_job_is_told_to_the_workers_of_its_queue(api: TestClient, raw_redis: redis.Redis) -> None:
    job_id = submitted(api)["id"]
    api.post("/v1/jobs", json=job_request(HIDDEN, device="cuda"))
    assert raw_redis.llen("gpu") == 1
    assert raw_redis.llen("gradient-clinic") == 1
    message = str(raw_redis.lindex("gradient-clinic", 0))
    assert "gradient_clinic.run_job" in message
    assert job_id in message


def test_a_job_goes_through_its_states(api: TestClient, bench: Bench, job: dict[str, Any]) -> None:
    here = job["links"]["self"]
    bench.claim(job["id"])
    bench.progress(job["id"], step=3)
    running = api.get(here)
    assert running.json()["status"] == "running"
    assert running.json()["progress"]["step"] == 3
    assert running.headers["retry-after"] == "1"

    bench.succeed(job["id"])
    final = api.get(here)
    assert final.json()["status"] == "succeeded"
    assert final.json()["verdict"] == "healthy"
    assert final.json()["expires_at"] > final.json()["finished_at"]
    assert "retry-after" not in final.headers
    assert api.get(job["links"]["diagnosis"]).json() == final.json()["diagnosis"]


def test_the_diagnosis_of_a_job_that_is_not_done_is_a_conflict(api: TestClient, job: dict[str, Any]) -> None:
    for link in ("diagnosis", "trace"):
        answer = api.get(job["links"][link])
        assert "queued" in assert_problem(answer, 409, "job-not-done")["detail"]
        assert answer.headers["retry-after"] == "1"


def test_while_remedies_are_tried_the_job_shows_its_diagnosis_so_far(
    api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    bench.claim(job["id"])
    bench.try_remedies(job["id"])
    running = Job.model_validate(api.get(job["links"]["self"]).json())
    assert (running.status, running.verdict) == ("running", "unhealthy")
    assert running.diagnosis is not None
    assert running.diagnosis.remedies_outcome == "unfinished"
    assert api.get(job["links"]["trace"]).content == b"an archive"
    answer = api.get(job["links"]["diagnosis"])
    assert "so far" in assert_problem(answer, 409, "job-not-done")["detail"]
    assert answer.headers["retry-after"] == "1"


def test_a_job_cancelled_while_remedies_are_tried_keeps_its_diagnosis(
    api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    bench.claim(job["id"])
    bench.try_remedies(job["id"])
    cancelled = api.post(job["links"]["cancel"]).json()
    assert cancelled["status"] == "cancelled"
    assert api.get(job["links"]["diagnosis"]).json() == cancelled["diagnosis"]
    assert api.get(job["links"]["trace"]).status_code == 200


def test_the_diagnosis_of_a_failed_job_is_a_conflict_that_says_why(
    api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    bench.claim(job["id"])
    bench.fail(job["id"])
    assert api.get(job["links"]["self"]).json()["error"]["code"] == "timed_out"
    for link in ("diagnosis", "trace"):
        problem = assert_problem(api.get(job["links"][link]), 409, "job-failed")
        assert "timed_out: It took too long." in problem["detail"]


def test_the_trace_is_served_as_archive_and_as_json(
    api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    bench.claim(job["id"])
    bench.succeed(job["id"])
    here = job["links"]["trace"]

    archive = api.get(here)
    assert archive.content == b"an archive"
    assert archive.headers["content-type"] == "application/x-npz"
    assert archive.headers["content-disposition"] == f'attachment; filename="{job["id"]}-trace.npz"'

    packed = api.get(here, headers={"Accept": "application/json", "Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == {"steps": [0]}

    plain = api.get(here, headers={"Accept": "application/json", "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == {"steps": [0]}


def test_a_trace_can_be_read_in_parts_and_bad_ranges_are_problems(
    api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    bench.claim(job["id"])
    bench.succeed(job["id"])
    part = api.get(job["links"]["trace"], headers={"Range": "bytes=3-9"})
    assert (part.status_code, part.content) == (206, b"archive")
    refused = api.get(job["links"]["trace"], headers={"Range": "bytes=99-"})
    assert_problem(refused, 416)
    assert refused.headers["content-range"] == "bytes */10"


def test_a_trace_that_is_not_there_is_a_problem(api: TestClient, bench: Bench, job: dict[str, Any]) -> None:
    bench.claim(job["id"])
    bench.succeed(job["id"])
    bench.artifacts.delete_job(job["id"])
    assert_problem(api.get(job["links"]["trace"]), 404, "trace-missing")


def test_a_queued_job_is_cancelled_at_once_and_cancelling_again_is_fine(
    api: TestClient, job: dict[str, Any]
) -> None:
    for _ in range(2):
        answer = api.post(job["links"]["cancel"])
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert_problem(api.get(job["links"]["diagnosis"]), 409, "job-failed")


def test_a_running_job_is_cancelled_when_its_worker_notices(
    api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    bench.claim(job["id"])
    for _ in range(2):
        answer = api.post(job["links"]["cancel"])
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelling")
    bench.fail(job["id"])  # whatever it reports, it was cancelled
    assert api.get(job["links"]["self"]).json()["status"] == "cancelled"


def test_a_finished_job_cannot_be_cancelled(api: TestClient, bench: Bench, job: dict[str, Any]) -> None:
    bench.claim(job["id"])
    bench.succeed(job["id"])
    assert "succeeded" in assert_problem(api.post(job["links"]["cancel"]), 409, "job-finished")["detail"]


def test_only_a_final_job_is_deleted_and_then_it_is_gone(
    api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    here = job["links"]["self"]
    assert_problem(api.delete(here), 409, "job-not-done")
    bench.claim(job["id"])
    bench.succeed(job["id"])
    assert list(bench.artifacts.job_ids()) == [job["id"]]

    deleted = api.delete(here)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert list(bench.artifacts.job_ids()) == []
    for method, path in (
        ("GET", ""),
        ("GET", "/diagnosis"),
        ("GET", "/trace"),
        ("POST", "/cancel"),
        ("DELETE", ""),
    ):
        assert "deleted" in assert_problem(api.request(method, here + path), 410, "job-gone")["detail"]


def test_a_job_that_never_was_is_not_found(api: TestClient) -> None:
    for job_id in (NEVER, "job_unknown", "..%2f..%2fetc", "x" * 5000):
        for method, path in (("GET", ""), ("GET", "/trace"), ("POST", "/cancel"), ("DELETE", "")):
            answer = api.request(method, f"/v1/jobs/{job_id}{path}")
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
            assert len(answer.content) < 12_000


def test_the_same_key_and_body_give_the_same_job(api: TestClient, bench: Bench) -> None:
    headers = JSON | {"Idempotency-Key": "once"}
    first = api.post("/v1/jobs", content=job_body(HIDDEN), headers=headers)
    again = api.post("/v1/jobs", content=job_body(HIDDEN), headers=headers)
    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(api.get("/v1/jobs").json()["data"]) == 1

    bench.claim(first.json()["id"])
    bench.succeed(first.json()["id"])
    late = api.post("/v1/jobs", content=job_body(HIDDEN), headers=headers)
    assert (late.status_code, late.json()["status"]) == (200, "succeeded")


def test_the_same_key_with_another_body_is_refused(api: TestClient) -> None:
    headers = JSON | {"Idempotency-Key": "once"}
    first = api.post("/v1/jobs", content=job_body(HIDDEN), headers=headers).json()
    other = api.post("/v1/jobs", content=job_body(HIDDEN, HIDDEN), headers=headers)
    assert first["id"] in assert_problem(other, 422, "idempotency-key-reused")["detail"]


def test_lists_go_from_new_to_old_in_pages(api: TestClient) -> None:
    ids = [submitted(api)["id"] for _ in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = JobList.model_validate_json(api.get("/v1/jobs", params=query).text)
        seen += [job.id for job in page.data]
        if not page.has_more:
            break
        query["after"] = page.next_cursor
    assert seen == ids[::-1]
    assert page.next_cursor is None


def test_lists_show_one_status(api: TestClient, bench: Bench) -> None:
    waiting, running = submitted(api)["id"], submitted(api)["id"]
    bench.claim(running)
    for status, job_id in (("queued", waiting), ("running", running)):
        assert [job["id"] for job in api.get("/v1/jobs", params={"status": status}).json()["data"]] == [
            job_id
        ]
    assert api.get("/v1/jobs", params={"status": "failed"}).json() == {
        "data": [],
        "has_more": False,
        "next_cursor": None,
    }


def test_a_full_queue_refuses_for_now(store_settings: StoreSettings) -> None:
    full = store_settings.model_copy(update={"max_queued": 1})
    with TestClient(create_app(Settings(store=full, log_level="error"))) as api:
        submitted(api)
        answer = api.post("/v1/jobs", json=job_request(HIDDEN))
        assert_problem(answer, 503, "queue-full")
        assert int(answer.headers["retry-after"]) > 0


def test_a_lost_message_is_sent_again(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    impatient = store_settings.model_copy(update={"resend_seconds": 0.2})
    with TestClient(create_app(Settings(store=impatient, log_level="error"))) as api:
        job_id = api.post("/v1/jobs", json=job_request(HIDDEN, device="cuda")).json()["id"]
        raw_redis.delete("gpu")
        wait_until(lambda: job_id in str(raw_redis.lindex("gpu", 0)), what="the message to be sent again")
