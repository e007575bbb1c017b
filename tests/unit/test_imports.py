"""Modules do not depend on what happens to be imported before them."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from workers.units import Entries

ROOT = Path(__file__).parents[2]
ENTRIES = sorted(
    field.default.partition(":")[0] for field in fields(Entries) if isinstance(field.default, str)
)
ALL = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "workers").rglob("*.py")
    if path.name != "__main__.py"
)
PROGRAM = """
import os, sys
import torch, sklearn.datasets, service.contract.job, service.contract.diagnosis
for name in sys.argv[1:]:
    if (child := os.fork()) == 0:
        try:
            __import__(name)
        except BaseException as error:
            print(f"{name}: {error}", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize(
    "modules", [ENTRIES, pytest.param(ALL, marks=pytest.mark.slow)], ids=["entries", "all"]
)
def test_each_module_can_be_the_first_to_be_imported(modules: list[str]) -> None:
    command = [sys.executable, "-c", PROGRAM, *modules]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout == ""
