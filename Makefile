# make up     everything, from a bare machine to a running demo warehouse (Ctrl-C stops it, the data stays)
# make test   everything the tests need, then the tests
# make help   the rest
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Most tests wait more than they compute; the long ones measure memory and are left more room.
WORKERS ?= 3
LONG_WORKERS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

# Compiled modules are kept: the tests start a hundred programs, and each of them would compile all of ours again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up test test-all test-long lint lock soak clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "wms needs Python 3.11 or newer; choose one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh .ci/make-venv

# What the system needs to run. Installed again only when the lock changes.
$(VENV): $(VENV)/.installed
$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked dependencies ..."
	@$(PIP) install -qq --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install -qq --no-deps --no-build-isolation --config-settings editable_mode=compat --editable .
	@touch $@

# What the tests and checks need on top.
$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing the locked test dependencies ..."
	@$(PIP) install -qq --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

.PHONY: $(VENV)

# Where make is killed, the system stops in order.
up: $(VENV)/.installed ## start the whole system with a demo warehouse (WMS_PORT, WMS_DATA_DIR)
	@exec $$(command -v setpriv >/dev/null && echo setpriv --pdeathsig TERM) $(BIN)/wms up

test: $(VENV)/.installed-dev ## the tests
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not long" $(ARGS)

test-long: $(VENV)/.installed-dev ## the long tests alone (soak, faults, chaos, any request, hundreds of real orders, plans at size)
	@$(BIN)/python -m pytest -n $(LONG_WORKERS) -m long $(ARGS)

test-all: test-long test ## the tests and the long ones

soak: $(VENV)/.installed-dev ## memory of web and worker over 100,000 orders
	@$(BIN)/python -m pytest -m long -k soak $(ARGS)

lint: $(VENV)/.installed-dev ## format, style, types, import contracts, missing migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@$(BIN)/python -m wms.servers.temporary $(BIN)/wms makemigrations --check --dry-run

lock: $(VENV)/.installed-dev ## pin the newest allowed dependencies anew
	$(COMPILE) --group build --upgrade -o requirements.lock
	$(COMPILE) --group build --group dev --upgrade -c requirements.lock -o requirements-dev.lock

clean: ## forget the installed environment and the tests' servers
	rm -rf $(VENV) .test-data build *.egg-info
