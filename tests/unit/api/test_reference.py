"""The OpenAPI document and the catalog: both are made from the contract, and must say all of it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from service.app import create_app
from service.catalog import catalog
from service.contract.job import JobRequest
from service.contract.planning import plan_network
from service.contract.upload import Upload, UploadKind
from service.jobs.openapi import ARTICLE, HEALTHY, UPLOADED
from service.jobs.uploads import used_uploads
from service.problems import problem_kinds
from service.reference import reference_page
from service.settings import Settings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    openapi: dict[str, Any] = json.loads(json.dumps(create_app(Settings()).openapi()))
    return openapi


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_it_is_openapi_3_1_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    missing = {
        ref for ref in references(document) if ref.removeprefix("#/components/schemas/") not in schemas
    }
    assert not missing


def test_every_field_of_every_type_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    fields = {
        f"{name}.{field}": schema
        for name, type_schema in schemas.items()
        for field, schema in type_schema.get("properties", {}).items()
    }
    assert fields

    def described(schema: dict[str, Any]) -> bool:
        named = schemas.get(str(schema.get("$ref")).removeprefix("#/components/schemas/"), {})
        return bool(
            schema.get("description") or named.get("description")
        )  # a field may say what its type says

    assert [name for name, schema in fields.items() if not described(schema)] == []


def test_every_operation_and_parameter_is_described(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation.get("description"), name
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), f"{name} {parameter['name']}"


def test_every_error_is_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], f"{name} {status}"


@pytest.mark.parametrize("example", [ARTICLE, HEALTHY])
def test_the_examples_are_requests_that_are_accepted(
    example: dict[str, Any], document: dict[str, Any]
) -> None:
    request = JobRequest.model_validate(example)
    assert plan_network(request.model, request.data.shape, request.training).parameters > 0
    body = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]
    assert example in [shown["value"] for shown in body["examples"].values()]


def test_the_example_with_uploads_is_a_request_that_names_both(document: dict[str, Any]) -> None:
    request = JobRequest.model_validate(UPLOADED)
    assert {key.kind: pointer for key, pointer in used_uploads(request).items()} == {
        UploadKind.CHECKPOINT: "/model/checkpoint",
        UploadKind.DATASET: "/data/dataset",
    }
    body = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]
    assert UPLOADED in [shown["value"] for shown in body["examples"].values()]


def test_the_page_for_people_says_all_of_it_without_other_servers(document: dict[str, Any]) -> None:
    page = reference_page(document)
    for name in document["components"]["schemas"]:
        assert f'<h3 id="{name}">' in page
    for name, _ in operations(document):
        assert f"<code>{name}</code>" in page
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))
    assert "<script" not in page
    assert "http" not in page.replace("application/problem", "").partition("<nav>")[0]


@pytest.mark.parametrize("resource", ["checkpoints", "datasets"])
def test_uploads_take_a_binary_body_and_say_all_that_can_go_wrong(
    document: dict[str, Any], resource: str
) -> None:
    upload = document["paths"][f"/v1/{resource}"]["post"]
    body = upload["requestBody"]
    assert body["required"]
    assert set(body["content"]) == {"application/octet-stream", "application/zip"}
    assert all(content["schema"]["format"] == "binary" for content in body["content"].values())
    assert set(upload["responses"]) == {*("200", "201", "400", "408", "413", "415", "422", "503", "507")}
    assert Upload.model_validate(upload["responses"]["201"]["content"]["application/json"]["example"])
    one = document["paths"][f"/v1/{resource}/{{upload_id}}"]
    assert set(one["get"]["responses"]) >= {"200", "304", "404"}
    assert set(one["delete"]["responses"]) >= {"204", "404", "409"}


def test_every_kind_of_problem_says_what_it_means() -> None:
    assert "job-not-done" in problem_kinds()
    for error in problem_kinds().values():
        assert error.__doc__
        assert 400 <= error.status < 600


def test_the_catalog_knows_what_the_design_promises() -> None:
    known = catalog(Settings())
    names = {entry.name for entry in known.layers}
    assert names >= {
        "linear",
        "conv1d",
        "conv2d",
        "recurrent",
        "attention",
        "residual",
        "repeat",
        "embedding",
    }
    assert {entry.name for entry in known.templates} == {"mlp", "cnn", "rnn", "transformer"}
    assert {entry.name for entry in known.initializers} >= {"torch_default", "he_normal", "constant"}
    assert {data.name for data in known.data_sets} >= {"digits", "iris", "adding", "sequential_digits"}
    assert {condition.name for condition in known.conditions} >= {"vanishing_gradients", "healthy"}
    assert {entry.name for entry in known.uploads} == {"torchscript", "exported", "upload"}
    assert known.limits["body_bytes"] == 2**20
    assert known.limits["upload_bytes"] == 2**31


def test_the_catalog_gives_fields_their_names_in_a_request() -> None:
    recurrent = next(entry for entry in catalog(Settings()).layers if entry.name == "recurrent")
    fields = {field.name: field for field in recurrent.fields}
    assert "return" in fields  # not the attribute's name: `return` is a keyword
    assert fields["units"].required
    assert all(field.description for field in recurrent.fields)


def test_the_front_starts_without_the_workers_libraries() -> None:
    code = (
        "import sys, service.app; print(sorted({'torch', 'numpy', 'sklearn', 'workers'} & set(sys.modules)))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert finished.stdout.strip() == "[]"
