# make demo and make test do all of their own set-up; nothing is installed outside this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: help demo test test-all coverage lint format bench servers browser lock clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime  ## Settle a month and live through an outage, on a real Prometheus and Alertmanager
	@$(BIN)/sla-exporter demo $(if $(DEMO_ONCE),--once)

# Side by side, a module on one process: its tests share what it starts.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test: lint servers browser  ## Lint, type-check, check the rules, run all tests
	$(PYTEST)

test-all: lint servers browser  ## The same, with thorough walks and ten thousand mutated webhooks
	STORES=all KILL_EVERY=1 ORACLE_FLEETS=500 FUZZ_MUTATIONS=10000 $(PYTEST)

coverage: $(VENV)/.dev servers browser  ## Say which lines no test comes by
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

lint: $(VENV)/.dev  ## Lint, type-check, check the import rules, audit packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.audit

format: $(VENV)/.dev  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev servers  ## Measure, print a table, write build/bench.json
	$(BIN)/python -m tests.bench

servers: $(VENV)/.dev  ## Fetch the real servers that demo and tests start
	@$(BIN)/python -m sla_exporter.demo.binaries

browser: $(VENV)/.dev  ## Have Chromium at hand, in which the tests look at notices
	@$(BIN)/python -m tests.browser.chromium

lock:  ## Pin all dependencies anew, with hashes (needs uv)
	uv pip compile pyproject.toml --extra build --universal --generate-hashes --python-version 3.11 \
	  --no-annotate --no-header --no-emit-index-url -q --upgrade -o requirements.lock
	uv pip compile pyproject.toml --extra build --extra dev -c requirements.lock --universal \
	  --generate-hashes --python-version 3.11 \
	  --no-annotate --no-header --no-emit-index-url -q --upgrade -o requirements-dev.lock

clean:  ## Remove the environment, caches and everything that was built
	rm -rf $(VENV) .cache build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sla-exporter needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	@echo "Creating a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) && touch $@

$(VENV)/.runtime: requirements.lock pyproject.toml $(VENV)/.created
	@echo "Installing what requirements.lock pins ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing the tools for tests and checks ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
