# Two commands matter: `make sandbox` and `make test`. Both set up what they need, inside this folder.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: help setup sandbox test check audit bench soak package clean

help:            ## this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*## ?/\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, this is {sys.version.split()[0]}; name another with make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.python-packages: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/.node-packages: tests/node/package.json tests/node/package-lock.json | $(BIN)/python
	cd tests/node && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# One test looks at the workbook's page in a browser. Where it may not be installed, that test says so and is skipped.
$(VENV)/.chromium: | $(BIN)/python
	@if [ ! -x /usr/bin/chromium ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null \
	  || echo "Chromium could not be installed; the test that needs it is skipped."; \
	fi
	@touch $@

setup: $(VENV)/.python-packages $(VENV)/.node-packages $(VENV)/.chromium  ## everything, into .venv and tests/node/node_modules

sandbox: $(VENV)/.python-packages  ## the main job on this machine (Python only); make sandbox ARGS=--once ends by itself
	$(BIN)/python -m sandbox $(ARGS)

check: $(VENV)/.python-packages  ## ruff, strict mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup check  ## all checks and tests
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# Asks a service of vulnerabilities over the network, so it is no part of `test`. Strict: a package that could not be
# looked up is a failure, and not a package without vulnerabilities.
audit: $(VENV)/.python-packages  ## known vulnerabilities of what the deployed app is made of
	$(BIN)/python -m pip_audit --strict --requirement requirements.txt

bench: $(VENV)/.python-packages  ## figures, as JSON lines; docs/performance.md tells what each is
	$(BIN)/python -m benchmarks.cold_start
	$(BIN)/python -m benchmarks.bus
	$(BIN)/python -m benchmarks.expressions
	$(BIN)/python -m benchmarks.life_of_a_user
	$(BIN)/python -m benchmarks.against_script
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.cycles
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.provisioning_log
	$(BIN)/python -m benchmarks.queries
	$(BIN)/python -m benchmarks.workbook
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.write_quota
	$(BIN)/python -m benchmarks.targets
	$(BIN)/python -m benchmarks.profiles
	$(BIN)/python -m benchmarks.flood
	$(BIN)/python -m benchmarks.backlog
	$(BIN)/python -m benchmarks.memory

SEEDS ?= 1 2 3 4 5 6 7 8 9 10

WEEKS ?= 1-1000
CALM_WEEKS ?= 1-100

soak: $(VENV)/.python-packages  ## long, and by chance, until something is wrong; SEEDS="7 8" of chaos, WEEKS=1-1000 simulated
	$(BIN)/python -m sandbox simulate --seeds $(WEEKS)
	$(BIN)/python -m sandbox simulate --calm --seeds $(CALM_WEEKS)
	$(BIN)/python -m sandbox simulate --grace-days 1 --seeds $(CALM_WEEKS)
	$(BIN)/python -m benchmarks.memory --minutes 60
	@for seed in $(SEEDS); do $(BIN)/python -m sandbox chaos --seed $$seed --minutes 3 || exit 1; done

package: $(VENV)/.python-packages  ## the deployment package, into dist; PACKAGE_PYTHON=python3.12 names the interpreter
	$(BIN)/python -m infra.package $(if $(PACKAGE_PYTHON),--python $(PACKAGE_PYTHON))

clean:           ## remove what the commands above made
	rm -rf $(VENV) tests/node/node_modules .sandbox test-artefacts dist
