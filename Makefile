# Two commands do everything: `make serve` and `make test`. Needed: Python 3.11 or later, and make.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: install serve test test-external golden profiles fmt lint types layers bench lock clean

install: .venv/.dev

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Cordée needs Python 3.11 or later (PYTHON=... make $(MAKECMDGOALS))"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.run: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

serve: .venv/.run ## install, start on an embedded PostgreSQL, load the demonstration dossier, serve
	$(BIN)/cordee serve --demo

test: .venv/.dev lint types layers ## everything CI runs
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

test-external: .venv/.dev ## the store's contract suite on an external PostgreSQL >= 15: CORDEE_TEST_EXTERNAL_URL=postgresql://...
	$(BIN)/python -m pytest -m external tests/contracts $(ARGS)

golden: .venv/.dev ## write the plans of searches anew; their diff is to be reviewed
	CORDEE_GOLDEN=renew $(BIN)/python -m pytest -q tests/golden

profiles: .venv/.dev ## compile profiles/source to profiles/packages, and write their digests
	$(BIN)/python -m tools.fsh

fmt: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/.dev
	$(BIN)/mypy

layers: .venv/.dev
	$(BIN)/lint-imports

bench: .venv/.dev ## ratios to limits taken in the same run; see docs/benchmarks.md
	$(BIN)/python -m bench $(ARGS)

lock: .venv/.dev ## new pins, with hashes and without registry addresses
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade --extra build -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --extra build --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
