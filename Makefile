# Everything lives in .venv; `make` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
# Number of repeats in `make faults`: full or short.
FORM ?= full
# Tests in a file share trained studies, so each file runs in one process. Long files come first.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# A cluster of the developer's shell would be used instead of Ray on this computer.
unexport RAY_ADDRESS

.DEFAULT_GOAL := help
.PHONY: help demo check test cluster faults tutorial slow scale bench docs docs-serve clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,docs]'
	@touch $@

demo: .venv/installed  ## train the grid on synthetic cells and write its report: three minutes on two cores
	$(BIN)/bloodstudy grid --data synthetic --max-epochs 16

check: .venv/installed  ## check format, lint, types, layers and unused code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

test: check  ## run the checks, then the unit, integration and browser tests: 15 to 20 minutes
	$(PYTEST) tests/browser tests/integration tests/unit

cluster: .venv/installed  ## run the tests with several nodes and an emulated AWS: eight minutes
	$(PYTEST) tests/cluster

faults: .venv/installed  ## kill processes, fill disks, truncate files: one hour, or less with FORM=short
	BLOODSTUDY_FAULTS=$(FORM) $(PYTEST) tests/faults

tutorial: .venv/installed  ## run the commands of both tutorials, word for word: ten minutes
	$(BIN)/pytest -m slow tests/integration/test_docs.py

slow: .venv/installed  ## run the slow tests: simulations of the intervals and the search, and Slurm
	$(BIN)/pytest -m slow

scale: .venv/installed  ## measure scaling with trials that only sleep
	$(BIN)/pytest -m scale tests/benchmarks

bench: .venv/installed  ## measure performance and compare it with the targets: a quarter of an hour
	$(BIN)/python -m tests.benchmarks

docs: .venv/installed  ## build the documentation into site/; warnings are errors
	$(BIN)/python -m docs.generate_reference
	$(BIN)/zensical build --clean --strict

docs-serve: .venv/installed  ## serve the documentation at localhost:8000
	$(BIN)/zensical serve

clean:  ## remove .venv, caches and site, but keep results
	rm -rf .venv site .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info
