# The commands of this project. Each makes the environment it needs in .venv; nothing has to be activated.

# The first Python here that is new enough; PYTHON=… chooses another, and makes the environment anew for it.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
BIN := .venv/bin
READY := .venv/.installed
# Tests wait for engines and clocks a fifth of their time: three processes use what two leave of two cores.
WORKERS ?= 3

.DEFAULT_GOAL := help

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

ifneq ($(origin PYTHON),file)
ifneq ($(shell $(BIN)/python -V 2>/dev/null),$(shell $(PYTHON) -V))
.PHONY: $(READY)
endif
endif

$(READY): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Rekindle needs Python 3.11 or newer" >&2; exit 1; }
	@echo "Preparing .venv (once, and again when the dependencies change) …"
	@test "$$($(BIN)/python -V 2>/dev/null)" = "$$($(PYTHON) -V)" || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: $(READY) ## start everything, until Ctrl-C
	@exec $(BIN)/python server.py run

clients: ## install the JavaScript clients that tests drive, where npm is there
	@if command -v npm >/dev/null && ! test tests/clients/node_modules/.package-lock.json -nt tests/clients/package-lock.json; \
		then npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund --loglevel=error \
		|| echo "The JavaScript clients cannot be installed: what drives them is skipped" >&2; fi

test: $(READY) clients ## run every test
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup $(ARGS)

faults: $(READY) ## kill, stop and cut off real workers at length, and rewrite the table in docs/reliability.md
	@FAULTS=full FAULT_TABLE=write $(BIN)/python -m pytest -q -n 3 --dist worksteal -p no:randomly tests/faults $(ARGS)

lint: $(READY) ## check style and layout
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

format: $(READY) ## lay the code out
	@$(BIN)/ruff format --quiet .

types: $(READY) ## check types
	@$(BIN)/mypy

bench: $(READY) ## run every benchmark and rewrite docs/benchmarks.md
	@$(BIN)/python -m bench all

lock: $(READY) ## choose versions again, within pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet --upgrade \
		-o requirements.txt
	@$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet --upgrade \
		--extra local --extra traces --group dev -o requirements-dev.txt

clean: ## remove the environment and the local data
	rm -rf .venv .data .mypy_cache .pytest_cache .ruff_cache .hypothesis

.PHONY: help run clients test faults lint format types bench lock clean
