# Dovetail's commands; `make help` lists them. All of them use the .venv that is built here.

PYTHON ?= python3
SYSTEM_PACKAGES ?= scripts/system-packages
BIN := .venv/bin
# Installed requirements are marked by files in the .venv, so that nothing is installed twice.
RUNTIME := .venv/runtime-installed
DEVELOPMENT := .venv/development-installed

export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK := 1
.DELETE_ON_ERROR:
.NOTPARALLEL:

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: runtime-packages $(RUNTIME)  ## set a portal up for real: packages, .env with new keys, database
	@$(BIN)/python -m scripts.install

.PHONY: run
run: runtime-packages $(RUNTIME)  ## install, set up a demonstration, start everything and stay up
	@$(BIN)/python -m scripts.demo --stay

.PHONY: demo
demo: runtime-packages $(RUNTIME)  ## the same, but end by itself: 0 only if every event came to its expected end
	@$(BIN)/python -m scripts.demo

.PHONY: test
test: test-packages $(DEVELOPMENT)  ## what every change waits for: SQLite, PostgreSQL and Redis, a browser
	@$(BIN)/python -m tests.run

.PHONY: test-quick
test-quick: test-packages $(DEVELOPMENT)  ## the inner loop: no browser, no programs, SQLite
	@$(BIN)/python -m tests.run --quick

.PHONY: test-all
test-all: test-packages $(DEVELOPMENT)  ## all cases: the whole crash matrix, chaos, every page
	@$(BIN)/python -m tests.run --all

.PHONY: check
check: test-packages $(DEVELOPMENT)  ## style, types, layers, migrations, deployment settings, OpenAPI
	@scripts/check

.PHONY: messages
messages: test-packages $(DEVELOPMENT)  ## extract every string into locale/, and compile the translations
	@$(BIN)/python -m scripts.catalogs update

.PHONY: guide
guide: test-packages $(DEVELOPMENT)  ## take the pictures of docs/guide anew, in the browser tests
	@GUIDE_PICTURES=1 $(BIN)/python -m pytest -q tests/browser

.PHONY: bench
bench: test-packages $(DEVELOPMENT)  ## measure what one referral costs
	@$(BIN)/python -m tests.bench

.PHONY: bench-load
bench-load: test-packages $(DEVELOPMENT)  ## send many events for half an hour, and see that all arrive
	@$(BIN)/python -m tests.bench.load

.PHONY: chaos
chaos: test-packages $(DEVELOPMENT)  ## all cases of each row of docs/proofs.md; with ROW=3, of one
	@$(BIN)/python -m tests.chaos --row $(or $(ROW),all)

.PHONY: audit
audit: test-packages $(DEVELOPMENT)  ## ask for known weaknesses of the pinned packages; needs the network
	$(BIN)/uv tool run pip-audit --strict --require-hashes --disable-pip --requirement requirements.txt

.PHONY: sbom
sbom: runtime-packages $(RUNTIME)  ## print the list of packages, as a CycloneDX document
	@$(BIN)/python -m scripts.sbom

.PHONY: lock
lock: test-packages $(DEVELOPMENT)  ## pin and hash requirements again; with UPGRADE=1, the newest versions
	$(LOCK) requirements.in --output-file requirements.txt
	$(LOCK) requirements-dev.in --output-file requirements-dev.txt

LOCK = $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean:  ## remove .venv and caches; var/ (databases and files) stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: runtime-packages test-packages
runtime-packages:
	@$(SYSTEM_PACKAGES) runtime
test-packages:
	@$(SYSTEM_PACKAGES) runtime test

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Dovetail needs Python 3.11 or newer.")'
	$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.txt
	@touch $@

# requirements-dev.txt contains requirements.txt.
$(DEVELOPMENT): requirements-dev.txt | $(BIN)/pip
	$(BIN)/pip install --quiet --no-compile --require-hashes --requirement requirements-dev.txt
	@$(BIN)/python -m compileall -q -j 0 .venv/lib  # on all cores, where pip uses one
	@touch $@ $(RUNTIME)
