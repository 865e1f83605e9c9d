# Four commands: demo, test, check, bench. The first one run sets everything up in .venv.

PYTHON ?= python3
BIN := .venv/bin
WORKERS := $(shell expr $$(nproc) + 1)  # tests wait now and then

.PHONY: help demo test check bench format lock screenshots clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run: requirements.txt pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/dev: requirements-dev.txt pyproject.toml client/pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable . --editable ./client
	@touch $@ .venv/run

demo: .venv/run ## the product in a browser, without a Slack account
	$(BIN)/countersign demo

test: .venv/dev ## everything, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist worksteal

check: .venv/dev ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev ## the figures, as ratios to this machine's own limits
	$(BIN)/python -m benchmarks

format: .venv/dev ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: .venv/dev ## take the README's pictures anew
	COUNTERSIGN_SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/browser

lock: .venv/dev ## pin the environment anew, with hashes and without addresses
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml -q --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-dev.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
