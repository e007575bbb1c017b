"""An earlier job's measurements diagnosed again."""

import json
from pathlib import Path

from tests.end_to_end.conftest import Up, example, finished, run_command


def test_a_job_is_diagnosed_again_without_training(clinic: Up) -> None:
    job = finished(clinic, example("article.json"))
    result = run_command("rediagnose", job["id"], "--url", clinic.url, "--json")
    assert result.returncode == 0, result.stderr
    again = json.loads(result.stdout)
    assert again | {"metadata": {}} == job["diagnosis"] | {"metadata": {}}


def test_a_downloaded_trace_is_diagnosed_for_people(clinic: Up, tmp_path: Path) -> None:
    job = finished(clinic, example("article.json"))
    path = tmp_path / "trace.npz"
    path.write_bytes(clinic.http.get(job["links"]["trace"]).content)
    result = run_command("rediagnose", str(path))
    assert result.returncode == 0, result.stderr
    assert "vanishing_gradients" in result.stdout


def test_a_file_that_is_no_trace_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "trace.npz"
    path.write_bytes(b"PK\x03\x04 not really")
    result = run_command("rediagnose", str(path))
    assert result.returncode == 1
    assert "is not a trace" in result.stderr
    assert "Traceback" not in result.stderr
