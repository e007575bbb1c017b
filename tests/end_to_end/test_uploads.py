"""Files through a whole clinic, with the tools that people use."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Up, run_command
from tests.support.uploads import upload_id


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    path.write_bytes(os.urandom(3_000_000))
    return path


def curl(*arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@needs_curl
@pytest.mark.parametrize(
    "how",
    [
        ["--data-binary", "@{}"],  # with the type of a form
        ["--upload-file", "{}", "--request", "POST"],  # without any type
        ["--header", "Transfer-Encoding: chunked", "--data-binary", "@{}"],
        ["--header", "Expect: 100-continue", "--data-binary", "@{}"],
        ["--header", "Content-Type: application/zip", "--data-binary", "@{}"],
    ],
    ids=["data-binary", "upload-file", "chunked", "expect", "zip"],
)
def test_curl_uploads_a_file(clinic: Up, file: Path, how: list[str]) -> None:
    answer = curl(*(part.format(file) for part in how), f"{clinic.url}/v1/checkpoints")
    upload = clinic.http.get(f"/v1/checkpoints/{upload_id(file.read_bytes())}")
    assert upload.status_code == 200, answer
    assert upload.json()["size_bytes"] == 3_000_000


@needs_curl
def test_curl_with_a_form_is_told_what_works(clinic: Up, file: Path) -> None:
    answer = curl("--form", f"file=@{file}", f"{clinic.url}/v1/checkpoints")
    assert f"curl --data-binary @FILE {clinic.url}/v1/checkpoints" in answer


def test_the_command_uploads_a_file_whose_id_a_job_can_name(clinic: Up, file: Path) -> None:
    done = run_command("upload", str(file), "--dataset", "--url", clinic.url)
    assert done.returncode == 0, done.stderr
    name = done.stdout.strip()
    assert name == upload_id(file.read_bytes())
    request = {
        "model": {"kind": "torchscript", "checkpoint": name},  # it is a data set
        "data": {"kind": "upload", "dataset": name},
    }
    refused = clinic.http.post("/v1/jobs", json=request)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/model/checkpoint"]
    assert run_command("upload", str(file), "--url", clinic.url).returncode == 0
    assert clinic.http.post("/v1/jobs", json=request).status_code == 202
