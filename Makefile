# Everything here needs python3 (3.11 or newer), make and git, and nothing else.
PYTHON ?= python3
BIN := .venv/bin/python
export PYTHONDONTWRITEBYTECODE ?= 1
export DO_NOT_TRACK ?= 1

.DEFAULT_GOAL := help
.PHONY: help install demo test test-faults test-firebase check bench clean

help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Poolferry needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

install: .venv/.installed  ## Make .venv and install Poolferry into it

demo: install  ## Migrate a shipped set of invented users into the local Cognito
	@$(BIN) -m flows.cli demo

test: install  ## Run every test, on as many processors as there are, at most four
	$(BIN) -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

test-faults: install  ## Kill runs at every point there is, and break all else that can break; an hour or so
	POOLFERRY_EVERY_POINT=1 $(BIN) -m pytest -m faults -p no:randomly

test-firebase: install  ## Read Firebase's own emulator, live; npm brings 300 MB for it into build/
	npm install --silent --no-audit --no-fund --prefix build/firebase firebase-tools@15
	POOLFERRY_FIREBASE=$(CURDIR)/build/firebase/node_modules/.bin/firebase \
		$(BIN) -m pytest -q tests/systems/test_firebase_emulator.py

check: install  ## Lint, types, import arrows, docs and dependencies, in under two minutes
	$(BIN) -m ruff check .
	$(BIN) -m ruff format --check .
	$(BIN) -m mypy
	$(BIN) -m pytest -q tests/test_layout.py tests/test_docs.py
	$(BIN) -m pip --disable-pip-version-check check
	$(BIN) -m tests.audit

bench: install  ## Measure speed and memory against baselines, and how much of the quotas is used
	$(BIN) -m tests.benchmarks
	$(BIN) -m tests.benchmarks.ending
	$(BIN) -m tests.benchmarks.quotas
	$(BIN) -m tests.benchmarks.sources

clean:  ## Remove what the other targets made
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache *.egg-info build runs
