"""`gradient-clinic up` as a user runs it."""

import contextlib
import json
import signal
from pathlib import Path

import psutil

from tests.end_to_end.conftest import EXAMPLES, Up, answers, free_port, run_command, up
from tests.support.waiting import wait_until


def test_up_diagnoses_the_article_s_example_and_says_where_it_serves(tmp_path: Path) -> None:
    with up(tmp_path / "data") as clinic:
        printed = clinic.printed()
        assert "unhealthy" in printed
        assert "vanishing_gradients" in printed
        assert f"serves at {clinic.url}" in printed
        assert "curl" in printed
        assert clinic.http.get("/health/ready").status_code == 200


def test_ctrl_c_ends_every_process_and_the_next_start_finishes_the_unfinished_job(tmp_path: Path) -> None:
    request = json.loads((EXAMPLES / "article.json").read_text())
    request["training"]["steps"] = 3_000
    with up(tmp_path / "data", "--no-example") as clinic:
        job = clinic.http.post("/v1/jobs", json=request).json()
        wait_until(lambda: clinic.http.get(f"/v1/jobs/{job['id']}").json()["status"] == "running", timeout=60)
        family = psutil.Process(clinic.process.pid).children(recursive=True)
        assert len(family) >= 3  # Redis, the API, a worker, its job
        assert clinic.interrupt() == 0
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
    with up(tmp_path / "data", "--no-example") as clinic:
        wait_until(
            lambda: clinic.http.get(f"/v1/jobs/{job['id']}").json()["status"] == "succeeded", timeout=90
        )


def test_a_killed_up_leaves_no_process_behind(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--no-example") as clinic:
        family = psutil.Process(clinic.process.pid).children(recursive=True)
        clinic.process.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(family, timeout=30)
        assert alive == []


def test_a_killed_worker_is_started_again(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--no-example") as clinic:
        worker = find_child(clinic, "workers.app")
        worker.kill()
        wait_until(lambda: find_child(clinic, "workers.app").pid != worker.pid, timeout=30)
        job = clinic.http.post(
            "/v1/jobs", content=(EXAMPLES / "healthy.json").read_bytes(), headers=JSON
        ).json()
        wait_until(
            lambda: clinic.http.get(f"/v1/jobs/{job['id']}").json()["status"] == "succeeded", timeout=90
        )


def test_a_killed_redis_is_started_again_with_its_jobs(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--no-example") as clinic:
        job = clinic.http.post(
            "/v1/jobs", content=(EXAMPLES / "healthy.json").read_bytes(), headers=JSON
        ).json()
        find_child(clinic, "redis-server").kill()
        wait_until(lambda: clinic.http.get(f"/v1/jobs/{job['id']}").is_success, timeout=30)
        wait_until(
            lambda: clinic.http.get(f"/v1/jobs/{job['id']}").json().get("status") == "succeeded", timeout=90
        )


def test_a_killed_api_is_started_again(tmp_path: Path) -> None:
    with up(tmp_path / "data", "--no-example") as clinic:
        find_child(clinic, " api ").kill()
        wait_until(lambda: not answers(clinic.http), timeout=30)
        wait_until(lambda: answers(clinic.http), timeout=60)
        assert clinic.process.poll() is None


def test_a_data_folder_that_cannot_be_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run_command("up", "--port", str(free_port()), "--data-dir", str(tmp_path / "file"))
    assert result.returncode == 1
    assert "cannot be used" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_port_in_use_is_refused_with_advice(clinic: Up, tmp_path: Path) -> None:
    result = run_command("up", "--port", str(clinic.port), "--data-dir", str(tmp_path / "other"))
    assert result.returncode == 1
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_data_folder_in_use_is_refused_with_advice(clinic: Up) -> None:
    result = run_command("up", "--port", str(free_port()), "--data-dir", str(clinic.data_dir))
    assert result.returncode == 1
    assert str(clinic.data_dir) in result.stderr
    assert "Traceback" not in result.stderr


def test_diagnose_prints_the_diagnosis_of_a_file(clinic: Up) -> None:
    result = run_command("diagnose", str(EXAMPLES / "healthy.json"), "--url", clinic.url)
    assert result.returncode == 0, result.stderr
    assert "healthy" in result.stdout


def test_diagnose_prints_json_for_programs(clinic: Up) -> None:
    result = run_command("diagnose", str(EXAMPLES / "article.json"), "--url", clinic.url, "--json")
    diagnosis = json.loads(result.stdout)
    assert diagnosis["verdict"] == "unhealthy"


def test_diagnose_says_what_is_wrong_in_a_request(clinic: Up, tmp_path: Path) -> None:
    request = json.loads((EXAMPLES / "article.json").read_text())
    request["training"]["learning_rate"] = -1
    (tmp_path / "bad.json").write_text(json.dumps(request))
    result = run_command("diagnose", str(tmp_path / "bad.json"), "--url", clinic.url)
    assert result.returncode == 1
    assert "/training/learning_rate" in result.stderr


def test_diagnose_says_that_no_service_answers() -> None:
    result = run_command(
        "diagnose", str(EXAMPLES / "article.json"), "--url", f"http://127.0.0.1:{free_port()}"
    )
    assert result.returncode == 1
    assert "make run" in result.stderr


JSON = {"Content-Type": "application/json"}


def find_child(clinic: Up, part: str) -> psutil.Process:
    """The process that `up` started with `part` in its command; waits for it while it is being replaced."""

    def look() -> psutil.Process | None:
        for child in psutil.Process(clinic.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it just ended
                if part in " ".join(child.cmdline()):
                    return child
        return None

    found = wait_until(look, timeout=30)
    assert found is not None
    return found
