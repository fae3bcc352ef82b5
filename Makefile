# What people and CI call. Every target does its own set-up; `make` alone lists them.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# uv only resolves and hashes (make lock); nothing is installed with it.
UV_VERSION := 0.13.9
# Where this is set, every process that tests start compiles the whole program anew: a second each.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install install-dev run test lint docs check format bench lock image crash workers soak crowd fuzz schema shots search-scale page-scale \
	archive-scale summaries clean

help:  ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

# A stamp for each kind of install makes `make install` idempotent and a second `make run` instant.
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Qasedak needs Python 3.11 or newer; run make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.installed  ## Create .venv with the locked dependencies and the project

install-dev: $(VENV)/.installed-dev  ## The same with what tests and checks need

run: install  ## Run the bot; without a token it shows a local preview
	$(BIN)/qasedak run

test: install-dev  ## Run the tests
	$(BIN)/python -m pytest -n 3 --dist worksteal

lint: install-dev
	$(BIN)/ruff format --check bot tests
	$(BIN)/ruff check bot tests
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

check: lint test  ## Format, lint, types, imports and tests: what CI runs

format: install-dev  ## Let ruff set the code
	$(BIN)/ruff format bot tests
	$(BIN)/ruff check --fix bot tests

# The peers pin other versions of what we need, so they have an environment of their own.
.bench-venv/.installed: tests/bench/peers.lock
	$(PYTHON) -m venv .bench-venv
	.bench-venv/bin/python -m pip install --quiet --no-deps --require-hashes -r tests/bench/peers.lock
	@touch $@

bench: install-dev .bench-venv/.installed  ## Ratios against peers in the same run, ten minutes (QUICK=1: two; ONLY=rendering: a part)
	$(BIN)/python -m tests.bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

summaries: install-dev  ## How good the summaries are, beside the first three sentences (PICKS=1: what was picked)
	$(BIN)/python -m tests.summaries $(if $(PICKS),--picks)

search-scale: install-dev  ## How long a search takes among 200,000 posts, on both databases
	$(BIN)/python -m tests.search_at_scale

crash: install-dev  ## 300 runs of the crash test, an hour
	$(BIN)/python -m pytest tests/acceptance/test_crash.py --crash-runs 300 -s

workers: install-dev  ## A hundred runs of workers that are killed, how late posts are, then 2, 4 and 8 with 5,000 feeds: an hour and a half
	$(BIN)/python -m pytest tests/acceptance/test_workers.py --worker-runs 100 -s

crowd: install-dev  ## 50 people type at once, 2,000 updates in a minute, while posts are read and delivered
	$(BIN)/python -m tests.crowd

soak: install-dev  ## Ten minutes at Telegram's real pace
	$(BIN)/python -m pytest tests/acceptance/test_soak.py --soak-seconds 600 --timeout 1200

fuzz: install-dev  ## The property tests with 3,000 examples each, and every feed of the corpus torn and shown
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/unit tests/integration/test_torn_corpus.py tests/acceptance/test_nasty_html.py tests/acceptance/test_telegram_rules.py --whole-corpus -n 2 --timeout 3600

shots: install-dev  ## Write pictures of the pages to var/shots (needs Chromium)
	$(BIN)/python -m tests.shots

# What builds the site is no business of the program, nor of its tests: it has an environment of its own.
.docs-venv/.installed: requirements-docs.lock
	$(PYTHON) -m venv .docs-venv
	.docs-venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

docs: install-dev .docs-venv/.installed  ## Write docs/configuration.md and the schema anew, and build the site into site/
	$(BIN)/qasedak schema > docs/feeds.schema.json
	$(BIN)/python -m tests.configuration_page
	$(BIN)/python -m tests.mistakes
	NO_MKDOCS_2_WARNING=1 .docs-venv/bin/mkdocs build --quiet

page-scale: install-dev  ## Bytes and milliseconds of the status page with 1,000 feeds
	$(BIN)/python -m tests.panel

archive-scale: install-dev  ## Time and memory of an archive of 100,000 posts
	$(BIN)/python -m tests.archive_at_scale

schema: install-dev  ## Keep the schema of this version for the test of upgrades; before each release
	$(BIN)/python -m tests.schemas

lock:  ## Resolve the dependencies again, with hashes and without addresses
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet uv==$(UV_VERSION)
	echo 'flit_core>=3.12,<4' | .lock-venv/bin/uv pip compile - pyproject.toml --universal --generate-hashes --no-header --quiet --upgrade -o requirements.lock
	.lock-venv/bin/uv pip compile pyproject.toml --extra dev --extra scale --universal --generate-hashes --no-header --quiet --upgrade -c requirements.lock -o requirements-dev.lock
	echo 'flit_core>=3.12,<4' | .lock-venv/bin/uv pip compile - pyproject.toml --extra scale --universal --generate-hashes --no-header --quiet -c requirements-dev.lock -o requirements-scale.lock
	.lock-venv/bin/uv pip compile tests/bench/peers.in --python-version 3.11 --universal --generate-hashes --no-header --no-annotate --quiet --upgrade -o tests/bench/peers.lock
	echo 'mkdocs-material>=9.6,<10' | .lock-venv/bin/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --quiet --upgrade -o requirements-docs.lock
	rm -rf .lock-venv

image:  ## Build the container image
	docker build --tag qasedak .

image-by-hand: install-dev  ## The same steps without an engine, and a start on a read-only disk (root, Linux; some minutes)
	$(BIN)/python -m tests.image

clean:
	rm -rf $(VENV) .bench-venv .docs-venv .lock-venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis
