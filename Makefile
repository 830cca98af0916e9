# Everything Tocsin needs to be tried, tested and built. Python 3.11 and make are enough:
# each target sets up what it needs under .venv and .build, once.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

export PYTHON ?= python3
RUN := .venv/bin
# tests that need neither a database nor another program
QUICK := not (db or journey or peer or slow)
ASSETS := src/tocsin/web/static/manifest.json
LIGHTHOUSE := bench/lighthouse/node_modules/.package-lock.json
UI := $(shell find ui -path ui/node_modules -prune -o -type f -print 2>/dev/null) hatch_build.py

.PHONY: demo
demo: .venv/.runtime $(ASSETS) ## a live Tocsin with a small organisation and real alerts
	$(RUN)/tocsin demo $(ARGS)

.PHONY: check
check: lint ## format, lint, types, import contracts, pure rules (< 1 min)
	$(RUN)/python -m pytest -q -m "$(QUICK)" $(ARGS)

.PHONY: test
test: lint $(ASSETS) debian ## all of check, and the whole suite (what CI runs)
	$(RUN)/python -m pytest --lanes=auto $(ARGS)

.PHONY: proof
proof: .venv/.test $(ASSETS) $(LIGHTHOUSE) debian synapse ## hundreds of kills and seeds, foreign suites; writes docs/proof
	$(RUN)/python tools/proof.py $(ARGS)

# a real Matrix homeserver; where it cannot be had, its journey says that it is skipped
.PHONY: synapse
synapse:
	@$(MAKE) --no-print-directory .build/synapse/installed.txt >.build/synapse.log 2>&1 || \
		echo "tocsin: no Synapse, so the Matrix journey is skipped; see .build/synapse.log" >&2

.PHONY: bench
bench: .venv/.test $(ASSETS) $(LIGHTHOUSE) debian ## one JSON line per measurement, beside Alertmanager
	$(RUN)/python tools/bench.py $(ARGS)

.PHONY: docs
docs: .venv/.test .build/docs/installed.txt ## regenerate docs/reference, build the site into site/
	$(RUN)/python tools/reference.py
	.build/docs/bin/zensical build --clean --strict

.PHONY: format
format: .venv/.test ## put the code into its format and sort what can be sorted
	$(RUN)/ruff format
	$(RUN)/ruff check --fix

.PHONY: wheels
wheels: .venv/.test $(ASSETS) ## everything for an installation without a network, in .build/wheels
	bash tools/wheels.sh $(ARGS)

.PHONY: lock
lock: .build/bootstrap/installed.txt ## regenerate the locks; UPGRADE=1 takes the newest versions
	bash tools/lock.sh

.PHONY: clean
clean: ## remove everything that make has made
	rm -rf .venv .build site src/tocsin/web/static ui/node_modules bench/lighthouse/node_modules

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

# The import contracts stand in tests/house, so that every way to run the tests runs them.
.PHONY: lint
lint: .venv/.test
	$(RUN)/ruff format --check --output-format concise
	$(RUN)/ruff check
	$(RUN)/mypy

.PHONY: debian
debian:
	@bash tools/debian.sh

# Stamps: what they name is in place for exactly these inputs, and a second run costs nothing.
.venv/.runtime: requirements/runtime.txt tools/install.sh tools/develop.py
	bash tools/install.sh .venv runtime
	$(RUN)/python tools/develop.py
	@touch $@

.venv/.test: requirements/test.txt .venv/.runtime
	bash tools/install.sh .venv runtime test
	@touch $@

$(ASSETS): $(UI) | .venv/.runtime
	bash tools/assets.sh
	@[ ! -e $@ ] || touch $@

$(LIGHTHOUSE): bench/lighthouse/package-lock.json
	npm ci --prefix bench/lighthouse --no-audit --no-fund
	@touch $@

.build/%/installed.txt: requirements/%.txt tools/install.sh
	bash tools/install.sh .build/$* $*
	@cp $< $@
