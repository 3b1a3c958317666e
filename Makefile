# Everything is installed into .venv; only Python >= 3.11 has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Measuring coverage slows the tests down, so it is only done in CI.
COVERAGE := $(if $(filter true,$(CI)),--cov --cov-report=term)
# One test process per core and no more, because the servers that the tests start need CPU time too.
JOBS ?= auto

.PHONY: install demo test again fuzz lint audit bench chaos clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, and $(PYTHON) is older: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[embedded]' --group dev
	@touch $@

demo: install
	@$(BIN)/livefeed demo

test: install
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(COVERAGE) $(TESTS)

# Repeats the failed tests one at a time, then checks the coverage. A test that only fails beside others shows in the output of both runs.
again: install
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none
	$(BIN)/python -m coverage report --skip-covered

# Thousands of generated requests to a real server, whose responses are checked against openapi.json.
fuzz: install
	$(BIN)/python -m tests.api.fuzz

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/bandit --quiet -ll --recursive livefeed producers

# Known vulnerabilities of the dependencies, and a bill of materials (dist/livefeed.cdx.json). Needs the package index.
audit: install
	$(BIN)/python -m tests.security.audit

# The figures of docs/benchmarks.md. Takes about half an hour, and needs an otherwise idle machine.
bench: install
	$(BIN)/python -m bench
	$(BIN)/python -m bench.report bench-report.json docs/benchmarks.md

chaos: install
	$(BIN)/python -m tests.chaos

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov build dist
