# `make demo` takes a machine with Python >= 3.11, Node >= 20, npm and make to a running show.

# Which Python makes the environment; empty: the first of python3.13 .. python3 that is new enough.
PYTHON ?=
export PYTHON

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup demo quick test coverage night fuzz abuse oversell faults outages check bench soak format contract build lock clean

BIN := .venv/bin

# $(call set_up,runtime|dev [web]): one sentence and status 1 when the machine lacks something.
set_up = python=$$(sh scripts/prerequisites.sh web) && "$$python" scripts/setup.py $(1)

help: ## what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

setup: ## virtual environment, locked packages, pages
	@$(call set_up,runtime web)

demo: ## the whole house on http://127.0.0.1:8000
	@$(call set_up,runtime web) && exec $(BIN)/liveroom demo

# Pure and contract tests. What serves real sockets and starts whole houses has folders of its own.
WHOLE := $(addprefix tests/gateway/,cli demo house sockets)
QUICK := $(addprefix tests/,auth rooms presale store pubsub) $(filter-out $(WHOLE),$(patsubst %/,%,$(wildcard tests/gateway/*/)))

quick: ## pure and contract tests, on SQLite and in one process: a first answer in a minute and a half
	@$(call set_up,dev)
	$(BIN)/pytest --quick $(if $(ARGS),$(ARGS),--numprocesses auto --maxprocesses 4 --dist loadfile $(QUICK))

# The tests of the folders that [tool.coverage] in pyproject.toml names.
COVERED := $(addprefix tests/,auth rooms presale pubsub gateway/engine gateway/features gateway/replica)

coverage: ## branches of the folders that decide which their own tests take, with a floor for each
	@$(call set_up,dev)
	@rm -f .setup/coverage .setup/coverage.*
	$(BIN)/coverage run -m pytest --quick --quiet --numprocesses auto --maxprocesses 4 --dist loadfile $(COVERED)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	@$(BIN)/coverage json --quiet -o .setup/coverage.json
	$(BIN)/python scripts/coverage_gate.py .setup/coverage.json

# What brings a crowd, or measures one, has the machine to itself; all other tests share it, a process for each core.
ALONE := $(addprefix tests/,abuse faults integration/test_rehearsal.py outages oversell test_benchmarks.py test_soak.py)

test: ## every test (ARGS="tests/rooms -q" for some of the Python ones)
ifndef ARGS
	@sh scripts/prerequisites.sh web >/dev/null && sh scripts/test_programs.sh
endif
	@$(call set_up,dev web)
	@$(BIN)/python -m gateway.reference --out var/contract >/dev/null
	npm --prefix web-demo run --silent test
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(addprefix --ignore=,$(ALONE))
	$(BIN)/pytest $(ALONE)
endif

night: ## crowds, faults, outages, oversell, fuzz, abuse, soak: at most six hours, one report (ARGS="faults abuse")
	@$(call set_up,dev web)
	$(BIN)/python -m tests.night $(ARGS)

fuzz: ## a million hostile samples on every surface, about a quarter of an hour
	@$(call set_up,dev)
	$(BIN)/python -m tests.fuzz $(ARGS)

abuse: ## every attack in full against a gateway of its own: stalled readers, bombs, drips, floods
	@$(call set_up,dev)
	$(BIN)/python -m tests.abuse $(ARGS)

oversell: ## 500 buyers for 100 seats, 200 times on each database; writes docs/measured/oversell.md
	@$(call set_up,dev)
	$(BIN)/python -m tests.oversell $(ARGS)

faults: ## every part frozen, killed and restarted while all goes on, about ten minutes; writes docs/measured/faults.md
	@$(call set_up,dev)
	$(BIN)/python -m tests.faults $(ARGS)

outages: ## Redis out in every way, refunds and orders by the thousand, 25 minutes; writes docs/measured/outages.md
	@$(call set_up,dev)
	$(BIN)/python -m tests.outages $(ARGS)

# What the repository promises of itself: names, sizes, links, commands in pages, locks, secrets. Seconds; make test has them, too.
REPOSITORY := $(addprefix tests/test_,architecture.py docs.py repository.py snippets.py)

check: ## format, lint, types, import rules, generated files, links and locks
	@$(call set_up,dev web)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m gateway.reference --check
	$(BIN)/pytest --quiet --no-header -p no:cacheprovider $(REPOSITORY)
	npm --prefix web-demo run --silent check

bench: ## the gateway and its peers under one load (ARGS="--quick --only storm --ours")
	@$(call set_up,runtime) && exec $(BIN)/python -m benchmarks $(ARGS)

soak: ## two gateways under a crowd that comes and goes for an hour (ARGS="--minutes 60"); writes docs/measured/soak.md
	@$(call set_up,runtime) && exec $(BIN)/python -m benchmarks.soak $(ARGS)

format: ## put the sources in shape
	@$(call set_up,dev)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contract: ## write what is generated: types of web-demo, pages of docs
	@$(call set_up,runtime)
	$(BIN)/python -m gateway.reference

build: ## the pages of web-demo
	@$(call set_up,runtime web)

UV := $(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-header --quiet

lock: ## move the locked versions
	@$(call set_up,dev)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet 'uv==0.13.9'
	$(UV) --extra dev --upgrade --output-file requirements/dev.lock
	$(UV) --constraint requirements/dev.lock --upgrade --output-file requirements/runtime.lock

clean: ## everything that was made, except var/
	rm -rf .venv .setup web-demo/node_modules web-demo/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache test-results benchmarks/.build benchmarks/peers/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
