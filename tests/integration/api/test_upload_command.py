"""`gradient-clinic upload` against a running API."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.cli import main
from service.settings import Settings
from service.store.settings import StoreSettings
from tests.integration.api.conftest import LiveServer
from tests.integration.api.test_uploads import uploads_on_disk
from tests.support.uploads import upload_id

LIMIT = 2**20


@pytest.fixture
def url(store_settings: StoreSettings) -> Iterator[str]:
    settings = Settings(store=store_settings, log_level="error", upload_bytes=LIMIT)
    with LiveServer(create_app(settings)) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    path.write_bytes(os.urandom(700_000))
    return path


def run(url: str, *arguments: str | Path) -> int:
    return main(["upload", *map(str, arguments), "--url", url])


def test_it_prints_the_id_alone_and_says_so_if_the_file_was_known(
    url: str, model: Path, capsys: pytest.CaptureFixture[str], store_settings: StoreSettings
) -> None:
    for number in range(2):
        assert run(url, model) == 0
        printed = capsys.readouterr()
        assert printed.out == upload_id(model.read_bytes()) + "\n"
        assert ("known already" in printed.err) == (number == 1)
    assert len(uploads_on_disk(store_settings)) == 1


def test_a_data_set_is_uploaded_as_one(url: str, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(url, model, "--dataset") == 0
    name = capsys.readouterr().out.strip()
    assert httpx.get(f"{url}/v1/datasets/{name}", trust_env=False).status_code == 200
    assert httpx.get(f"{url}/v1/checkpoints/{name}", trust_env=False).status_code == 404


def test_what_cannot_be_uploaded_is_said_in_words(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, large = tmp_path / "empty.pt", tmp_path / "large.pt"
    empty.touch()
    large.write_bytes(bytes(LIMIT + 1))
    cases = {
        tmp_path / "nothing.pt": "No such file",
        tmp_path: "Is a directory",
        empty: "is empty",
        large: f"the largest accepted file has {LIMIT} bytes",
    }
    for path, words in cases.items():
        assert run(url, path) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert words in printed.err


def test_a_service_that_does_not_answer_is_named(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("http://127.0.0.1:1", model) == 1
    assert "no service answers at http://127.0.0.1:1" in capsys.readouterr().err
