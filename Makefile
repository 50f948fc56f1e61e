# Two commands on a fresh machine with Python 3.11 and make: `make check` and `make test`. Each sets up .venv itself.

PYTHON ?= python3
ENV ?= Reacher-v5
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: check test lint bench clean

check: $(READY)  ## the gates on a real MuJoCo env, and behind them the real training loop
	$(BIN)/rlguard train --config ci/pipeline.yaml --env $(ENV) -- $(BIN)/python ci/train.py --env CartPole-v1

test: $(READY)  ## all tests, in parallel
	$(BIN)/python -m pytest -n $(WORKERS)

lint: $(READY)  ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## start-up, time to an answer, false alarms
	$(BIN)/python ci/bench/startup.py
	$(BIN)/python ci/bench/check_time.py
	$(BIN)/python ci/bench/false_alarms.py --runs 50

$(READY): pyproject.toml ci/constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c ci/constraints.txt -e '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
