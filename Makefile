# Everything happens in .venv; all that is needed beside this is Python >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Measuring what the tests reach makes them slower: it is done where the whole is judged.
COVERAGE := $(if $(filter true,$(CI)),--cov --cov-report=term)
# One test process for each core, and no more: tests with real servers and timers share them.
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

# The tests that failed, once more and one by one; then whether the whole was covered. What failed only beside others shows in the
# output of both runs.
again: install
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none
	$(BIN)/python -m coverage report --skip-covered

# Thousands of made-up requests against a real server, held against openapi.json.
fuzz: install
	$(BIN)/python -m tests.api.fuzz

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/bandit --quiet -ll --recursive livefeed producers

# What is known about the dependencies, and the list of them (dist/livefeed.cdx.json). It asks the package index.
audit: install
	$(BIN)/python -m tests.security.audit

# The figures of docs/benchmarks.md. It takes about half an hour, and the machine for itself.
bench: install
	$(BIN)/python -m bench
	$(BIN)/python -m bench.report bench-report.json docs/benchmarks.md

chaos: install
	$(BIN)/python -m tests.chaos

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov build dist
