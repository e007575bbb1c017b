"""The files that start the service elsewhere: what can be checked of them without a container engine."""

import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_the_compose_file_is_valid_against_the_compose_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    result = subprocess.run(
        [*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_redis_in_compose_survives_a_restart_and_never_drops_a_job() -> None:
    command = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_gpu_worker_starts_only_under_its_profile() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert services["worker-gpu"]["profiles"] == ["gpu"]
    assert "profiles" not in services["worker"]


def test_every_build_target_of_the_compose_file_exists_in_the_dockerfile() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    targets = {service["build"]["target"] for service in services.values() if "build" in service}
    stages = {
        line.split()[-1]
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("FROM ")
    }
    assert targets <= stages


def test_every_script_of_the_store_is_installed_with_the_package() -> None:
    scripts = list((ROOT / "service" / "store" / "scripts").glob("*.lua"))
    patterns = (ROOT / "pyproject.toml").read_text()
    assert scripts
    assert "store/scripts/*.lua" in patterns


def test_the_front_starts_without_torch_or_numpy() -> None:
    code = "import sys, service.app; sys.exit(bool({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_rule_for_the_workers_names_every_module_of_the_front() -> None:
    shared = {"service.contract", "service.store", "service.version"}
    folder = ROOT / "service"
    modules = {f"service.{path.stem}" for path in folder.iterdir() if not path.stem.startswith("__")}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    forbidden = next(set(c["forbidden_modules"]) for c in contracts if c["source_modules"] == ["workers"])
    assert modules - shared <= forbidden
