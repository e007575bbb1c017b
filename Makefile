.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8000
STAMP  := $(VENV)/.installed

help:                  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

install: $(STAMP)      ## make .venv and install the service, a worker and the development tools

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Gradient Clinic needs Python 3.11 or later: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet --editable '.[worker,embedded,dev]'
	@touch $@

run: install           ## start Redis, the API and a worker; run the example; keep serving (PORT=8000)
	@exec $(BIN)/gradient-clinic up --port $(PORT)

test: install          ## run all tests, a file at a time on each core
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

science: install       ## hold the measurements against theory, in full (minutes)
	$(BIN)/pytest -m 'slow or not slow' tests/science

chaos: install         ## kill workers while trials run, and count; the long hostile and exactness runs (minutes)
	$(BIN)/pytest -m slow tests/faults tests/integration tests/unit

accuracy: install      ## measure how often the diagnosis is right; write docs/accuracy.md (minutes)
	$(BIN)/python -m tests.science.accuracy

check: install         ## lint, format, types, dependency rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install        ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: install     ## measure probe overhead, job latency and the API (several minutes)
	$(BIN)/python -m benchmarks.probe_overhead
	$(BIN)/python -m benchmarks.job_latency
	$(BIN)/python -m benchmarks.api_polling
	$(BIN)/python -m benchmarks.torchscript_rebuild
	$(BIN)/python -m benchmarks.upload_throughput
	$(BIN)/python -m benchmarks.isolation_cost
	$(BIN)/python -m benchmarks.remedies

docs: install          ## regenerate the documents that are made from the code
	$(BIN)/python -m workers.diagnosis.document

clean:                 ## remove the virtual environment and caches (jobs in .gradient-clinic stay)
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.PHONY: help install run test science chaos accuracy check format benchmark docs clean
