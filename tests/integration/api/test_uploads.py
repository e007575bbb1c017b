"""Checkpoints and data sets over HTTP."""

import base64
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.contract.job import Job
from service.contract.upload import Upload, UploadList
from service.store.settings import StoreSettings
from tests.integration.api.conftest import Bench, assert_problem, submitted
from tests.support.requests import HIDDEN, job_request
from tests.support.uploads import upload_id

CONTENT = b"weights and code"
PATHS = ("/v1/checkpoints", "/v1/datasets")
NEVER = upload_id(b"never")


def uploaded(api: TestClient, path: str = "/v1/checkpoints", content: bytes = CONTENT) -> Upload:
    answer = api.post(path, content=content)
    assert answer.status_code == 201, answer.text
    return Upload.model_validate_json(answer.text)


def uploads_on_disk(settings: StoreSettings) -> list[Path]:
    """Every file of the artifact store, those that are still arriving included."""
    return [path for path in (settings.data_dir / "artifacts").rglob("*") if path.is_file()]


def job_on(checkpoint: str | None = None, dataset: str | None = None) -> dict[str, Any]:
    request = job_request(HIDDEN)
    if checkpoint:
        request["model"] = {"kind": "torchscript", "checkpoint": checkpoint}
    if dataset:
        request["data"] = {"kind": "upload", "dataset": dataset}
    return request


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@pytest.mark.parametrize("path", PATHS)
def test_a_file_is_kept_and_named_by_its_content(
    api: TestClient, store_settings: StoreSettings, path: str
) -> None:
    answer = api.post(path, content=CONTENT)

    assert answer.status_code == 201
    upload = Upload.model_validate_json(answer.text)
    assert upload.id == upload_id(CONTENT)
    assert f"{path.removeprefix('/v1/')}" == f"{upload.kind}s"
    assert (upload.size_bytes, upload.jobs) == (len(CONTENT), 0)
    assert (upload.expires_at - upload.created_at).days == 7
    assert answer.headers["location"] == f"{path}/{upload.id}"
    assert api.get(answer.headers["location"]).json() == answer.json()
    (file,) = uploads_on_disk(store_settings)
    assert file.read_bytes() == CONTENT
    assert file.parent.name == upload.id.removeprefix("sha256:")


def test_the_same_content_is_stored_once_whatever_it_is_for(
    api: TestClient, store_settings: StoreSettings
) -> None:
    first = uploaded(api)
    again = api.post("/v1/checkpoints", content=CONTENT)
    assert again.status_code == 200
    assert again.headers["location"] == f"/v1/checkpoints/{first.id}"
    assert again.json()["expires_at"] >= first.model_dump(mode="json")["expires_at"]
    assert uploaded(api, "/v1/datasets").id == first.id
    assert len(uploads_on_disk(store_settings)) == 1

    assert api.delete(f"/v1/checkpoints/{first.id}").status_code == 204
    assert len(uploads_on_disk(store_settings)) == 1, "the data set needs it"
    assert api.delete(f"/v1/datasets/{first.id}").status_code == 204
    assert uploads_on_disk(store_settings) == []


def test_many_at_once_of_one_content_are_one_upload(api: TestClient, store_settings: StoreSettings) -> None:
    content = bytes(3 * 2**20)
    start = threading.Barrier(8)

    def upload(_: int) -> int:
        start.wait()
        return api.post("/v1/checkpoints", content=content).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(upload, range(8)))
    assert sorted(answers) == [200] * 7 + [201]
    assert len(uploads_on_disk(store_settings)) == 1
    assert len(api.get("/v1/checkpoints").json()["data"]) == 1


def test_a_file_that_somebody_removed_by_hand_is_mended_by_uploading_it_again(
    api: TestClient, store_settings: StoreSettings
) -> None:
    uploaded(api)
    uploads_on_disk(store_settings)[0].unlink()
    assert api.post("/v1/checkpoints", content=CONTENT).status_code == 200
    assert [file.read_bytes() for file in uploads_on_disk(store_settings)] == [CONTENT]


@pytest.mark.parametrize("path", PATHS)
def test_an_upload_that_never_was_is_not_found(api: TestClient, path: str) -> None:
    for name in (NEVER, "sha256:xyz", "..%2f..%2fetc", "x" * 5000, NEVER.upper()):
        for method in ("GET", "DELETE"):
            answer = api.request(method, f"{path}/{name}")
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
            assert len(answer.content) < 12_000
    assert_problem(api.get(f"{path}/{NEVER}"), 404, "upload-not-found")


def test_a_checkpoint_is_no_data_set(api: TestClient) -> None:
    upload = uploaded(api)
    assert_problem(api.get(f"/v1/datasets/{upload.id}"), 404, "upload-not-found")
    assert api.get("/v1/datasets").json()["data"] == []


def test_an_upload_can_be_asked_for_only_if_it_changed(api: TestClient) -> None:
    here = f"/v1/checkpoints/{uploaded(api).id}"
    tag = api.get(here).headers["etag"]
    assert api.get(here, headers={"If-None-Match": tag}).status_code == 304
    assert api.post("/v1/jobs", json=job_on(checkpoint=here.rpartition("/")[2])).status_code == 202
    changed = api.get(here, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["jobs"]) == (200, 1)


@pytest.mark.parametrize("path", PATHS)
def test_lists_go_from_new_to_old_in_pages(api: TestClient, path: str) -> None:
    ids = {uploaded(api, path, b"%d" % number).id for number in range(5)}
    seen: list[Upload] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = UploadList.model_validate_json(api.get(path, params=query).text)
        seen += page.data
        if not page.has_more:
            break
        query["after"] = page.next_cursor
    assert {upload.id for upload in seen} == ids
    assert len(seen) == 5
    times = [upload.created_at for upload in seen]
    assert times == sorted(times, reverse=True)
    assert page.next_cursor is None


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("limit=0", "limit"), ("limit=101", "limit"), ("after=%00", "after"), ("after=", "after"), ("x=1", "x")],
)
def test_a_bad_query_is_refused_by_name(api: TestClient, query: str, parameter: str) -> None:
    for path in PATHS:
        problem = assert_problem(api.get(f"{path}?{query}"), 422, "invalid-request")
        assert [error["parameter"] for error in problem["errors"]] == [parameter]


def test_a_cursor_of_jobs_is_none_of_uploads(api: TestClient) -> None:
    for _ in range(2):
        submitted(api)
    cursor = api.get("/v1/jobs?limit=1").json()["next_cursor"]
    assert_problem(api.get("/v1/checkpoints", params={"after": cursor}), 422, "invalid-request")


def test_a_job_uses_its_files_until_its_end(api: TestClient, bench: Bench) -> None:
    checkpoint, dataset = uploaded(api), uploaded(api, "/v1/datasets", b"samples")
    answer = api.post("/v1/jobs", json=job_on(checkpoint.id, dataset.id))
    assert answer.status_code == 202, answer.text
    job = Job.model_validate_json(answer.text)
    assert job.expanded is None  # only the job itself opens the files
    places = (f"/v1/checkpoints/{checkpoint.id}", f"/v1/datasets/{dataset.id}")
    for place in places:
        assert api.get(place).json()["jobs"] == 1
        assert_problem(api.delete(place), 409, "upload-in-use")

    bench.claim(job.id)
    bench.succeed(job.id)

    for place in places:
        assert api.get(place).json()["jobs"] == 0
        assert api.delete(place).status_code == 204
    assert api.get(job.links.self).json()["status"] == "succeeded"


def test_a_job_on_files_that_are_not_there_is_refused_where_it_names_them(api: TestClient) -> None:
    answer = api.post("/v1/jobs", json=job_on(NEVER, NEVER))
    errors = assert_problem(answer, 422, "invalid-request")["errors"]
    assert [error["pointer"] for error in errors] == ["/model/checkpoint", "/data/dataset"]
    assert "POST /v1/checkpoints" in errors[0]["detail"]
    assert "POST /v1/datasets" in errors[1]["detail"]

    checkpoint = uploaded(api)  # is no data set
    answer = api.post("/v1/jobs", json=job_on(checkpoint.id, checkpoint.id))
    errors = assert_problem(answer, 422, "invalid-request")["errors"]
    assert [error["pointer"] for error in errors] == ["/data/dataset"]
    assert api.get("/v1/jobs").json()["data"] == []
    assert api.get(f"/v1/checkpoints/{checkpoint.id}").json()["jobs"] == 0


def test_a_repeated_request_uses_its_files_once(api: TestClient) -> None:
    upload = uploaded(api)
    headers = {"Idempotency-Key": "once"}
    ids = {api.post("/v1/jobs", json=job_on(upload.id), headers=headers).json()["id"] for _ in range(3)}
    assert len(ids) == 1
    assert api.get(f"/v1/checkpoints/{upload.id}").json()["jobs"] == 1


def test_an_empty_file_is_refused(api: TestClient, store_settings: StoreSettings) -> None:
    for path in PATHS:
        assert_problem(api.post(path, content=b""), 400, "empty-upload")
        assert_problem(api.post(path), 400, "empty-upload")
    assert uploads_on_disk(store_settings) == []


@pytest.mark.parametrize(
    "media_type",
    ["application/octet-stream", "Application/ZIP; x=y", "application/x-www-form-urlencoded", None],
)
def test_a_file_may_say_what_it_is(api: TestClient, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    assert api.post("/v1/checkpoints", content=CONTENT, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (
            {"Content-Type": "multipart/form-data; boundary=x"},
            "curl --data-binary @FILE http://testserver/v1",
        ),
        ({"Content-Type": "application/json"}, "application/octet-stream"),
        ({"Content-Type": "text/plain"}, "application/octet-stream"),
        ({"Content-Encoding": "gzip"}, "Content-Encoding"),
    ],
)
def test_a_body_that_is_not_the_file_itself_is_refused_with_what_works(
    api: TestClient, store_settings: StoreSettings, headers: dict[str, str], words: str
) -> None:
    for path in PATHS:
        assert words in assert_problem(api.post(path, content=CONTENT, headers=headers), 415)["detail"]
    assert uploads_on_disk(store_settings) == []


@pytest.mark.parametrize("header", ["Content-Digest", "Repr-Digest"])
def test_a_digest_is_held_against_what_arrived(
    api: TestClient, store_settings: StoreSettings, header: str
) -> None:
    answer = api.post("/v1/checkpoints", content=CONTENT, headers={header: digest(b"something else")})
    assert header in assert_problem(answer, 400, "digest-mismatch")["detail"]
    answer = api.post("/v1/checkpoints", content=CONTENT, headers={header: "sha-256=:x:"})
    problem = assert_problem(answer, 422, "invalid-request")
    assert [error["parameter"] for error in problem["errors"]] == [header]
    assert uploads_on_disk(store_settings) == []
    assert api.post("/v1/checkpoints", content=CONTENT, headers={header: digest(CONTENT)}).status_code == 201


def test_other_methods_are_problems_that_name_the_right_ones(api: TestClient) -> None:
    for path in PATHS:
        refused = api.put(path, content=CONTENT)
        assert_problem(refused, 405)
        assert refused.headers["allow"] == "GET, HEAD, POST"
        assert api.post(f"{path}/{NEVER}", content=CONTENT).headers["allow"] == "DELETE, GET, HEAD"
