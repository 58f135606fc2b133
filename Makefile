# Everything that is needed besides make is Python 3.13; the rest is installed into .venv, once.

VENV := .venv
PYTHON := $(VENV)/bin/python
RUN_REQUIREMENTS := constraints.txt requirements.txt infra/local/requirements.txt
TEST_REQUIREMENTS := $(RUN_REQUIREMENTS) infra/migrate/requirements.txt tests/requirements.txt
AZURITE := tests/azurite
KUSTO := tests/infra/kusto
# Those that are to reach every branch of the core. To watch the others would make them slower.
COVERING_TESTS := tests/unit tests/functions tests/invariants
STORE_TESTS := tests/contract tests/deployment tests/infra
# These start processes and wait for timers, more than they compute. Those of one file share a process.
WAITING_TESTS := tests/local tests/e2e
# The first keeps every processor busy; the tests of the second are not told apart by their names.
LONE_TESTS := tests/e2e/test_scale_out.py tests/e2e/test_description.py
PARALLEL := --numprocesses=auto --maxprocesses=8
PIP_INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check

.PHONY: help run test format bench clean

help:
	@echo "make run     start the job router on this machine, until Ctrl+C"
	@echo "make test    check everything: lint, types, imports, tests, coverage"
	@echo "make format  put the code into its form"
	@echo "make bench   measure"
	@echo "make clean   remove what the others made, but no data"

# exec: a signal goes to the router itself, and its exit code is the one that make sees.
run: $(VENV)/.run
	@exec $(PYTHON) -m infra.local

test: $(VENV)/.test $(VENV)/.azurite $(VENV)/.kusto
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m pytest $(PARALLEL) --cov --cov-report=term $(COVERING_TESTS)
	$(VENV)/bin/python -m pytest $(PARALLEL) $(STORE_TESTS)
	$(VENV)/bin/python -m pytest $(PARALLEL) --dist=loadfile $(WAITING_TESTS) \
	    $(LONE_TESTS:%=--ignore=%)
	$(VENV)/bin/python -m pytest $(LONE_TESTS)

format: $(VENV)/.test
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

bench: $(VENV)/.test
	$(PYTHON) -m benchmarks

clean:
	rm -rf $(VENV) .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.run: $(VENV)/pyvenv.cfg $(RUN_REQUIREMENTS)
	@echo "Installing what the router needs into $(VENV) ..."
	@$(PIP_INSTALL) -r infra/local/requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/pyvenv.cfg $(TEST_REQUIREMENTS)
	@echo "Installing what the checks need into $(VENV) ..."
	@$(PIP_INSTALL) -r tests/requirements.txt
	@touch $@

# npm packages, run by the Node.js that came with the rest. The machine's own npm, if there is one,
# knows its proxy and certificates.
define install_npm_packages
@mkdir -p $(2)
@cp $(1)/package.json $(1)/package-lock.json $(2)
@npm=$$(command -v npm || echo $(abspath $(VENV)/bin/npm)); cd $(2) && \
"$$npm" ci --ignore-scripts --no-audit --no-fund --loglevel=error
@touch $@
endef

$(VENV)/.azurite: $(AZURITE)/package.json $(AZURITE)/package-lock.json | $(VENV)/.test
	@echo "Installing Azurite, the emulator of Azure Storage, into $(VENV) ..."
	$(call install_npm_packages,$(AZURITE),$(VENV)/azurite)

$(VENV)/.kusto: $(KUSTO)/package.json $(KUSTO)/package-lock.json | $(VENV)/.test
	@echo "Installing Microsoft's parser of the Kusto Query Language into $(VENV) ..."
	$(call install_npm_packages,$(KUSTO),$(VENV)/kusto)

# The first Python 3.13 that can make an environment: uv's, pyenv's, or one on the path.
$(VENV)/pyvenv.cfg:
	@for python in \
	    "$$(uv python find --system 3.13 2>/dev/null)" \
	    "$$(pyenv which python3.13 2>/dev/null)" \
	    python3.13 python3 python; do \
	  test -n "$$python" || continue; \
	  "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || continue; \
	  "$$python" -m venv --clear $(VENV) && exit 0; \
	done; \
	echo "Python 3.13 is needed and was not found. Install it, for example with" >&2; \
	echo "'uv python install 3.13' or 'pyenv install 3.13', and try again." >&2; \
	rm -rf $(VENV); \
	exit 1
