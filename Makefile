# Everything lives in .venv; `make` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
# How often faults are injected: full, or short.
FORM ?= full
# Tests of one file share what they train, so a file stays in one process; the long files come first.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo check test cluster faults slow scale bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: .venv/installed  ## the whole grid on synthetic cells, with report: three minutes on two cores
	$(BIN)/bloodstudy grid --data synthetic --max-epochs 16

check: .venv/installed  ## format, lint, types, layers, unused code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

test: check  ## check, then the tests of one machine without faults: ten minutes
	$(PYTEST) tests/browser tests/integration tests/unit

cluster: .venv/installed  ## several machines: started, joined, lost, on AWS's stand-in; six minutes
	$(PYTEST) tests/cluster

faults: .venv/installed  ## processes killed, disks filled, files cut: an hour; each once with FORM=short
	BLOODSTUDY_FAULTS=$(FORM) $(PYTEST) tests/faults

slow: .venv/installed  ## the tests that take minutes: do intervals hold the truth, does a search find it
	$(BIN)/pytest -m slow

scale: .venv/installed  ## trials that only sleep: does twice the machines do twice the trials
	$(BIN)/pytest -m scale tests/benchmarks

bench: .venv/installed  ## how fast, beside what is wanted: the README's figures, a quarter of an hour
	$(BIN)/python -m tests.benchmarks

clean:  ## remove .venv and caches; results stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info
