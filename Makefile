# make run    set everything up and open Parley on http://127.0.0.1:7860
# make test   set everything up, the browser included, and pass the tests
# make check  format, lint, types, tests        make bench  the benchmarks
# make size   what an installation weighs       make screenshots
# make lock   pins what deployments install     make audit  looks it up among known vulnerabilities
# make conformance  the long tests against servers that nobody here wrote
# make faults  what may fail, all of it: the disk, the provider, the process, the clock, people

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Bytecode is written when a module is first used, not for all of them: 190 MB less.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# Without it each Parley that a test starts would compile all that it imports, anew.
unexport PYTHONDONTWRITEBYTECODE
# A file of tests stays in one process: what it starts is shared by its tests. They are passed in the
# order of their folders: by their number the slow files of few tests, the browser's, would come last.
TESTS := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --reruns 2 --only-rerun TimeoutError --only-rerun "Locator expected"
# What lasts is tested on SQLite among the rest, and once more on a real PostgreSQL.
KEPT := $(addprefix tests/memory/test_,conversations.py versions.py search.py listing.py shares.py recall.py recall_facts.py recall_panel.py \
	recall_exchanges.py media.py documents.py summaries.py choices.py) \
	tests/inference/test_ledger.py tests/inference/test_budget.py tests/test_assistant.py tests/test_turns.py tests/test_handing_over.py
CODE := *.py gate supply inference memory tools voice pictures porting steps process_apart document_reader components bench tests

.PHONY: run test check conformance faults format bench size screenshots browser aimock mcp places lock audit clean

run: $(VENV)/.app
	$(BIN)/python app.py

test: $(VENV)/.dev browser aimock mcp places
	$(TESTS)
	$(TESTS) --postgres $(KEPT)

check: $(VENV)/.dev browser aimock mcp places
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/python -m supply.audit --if-reachable
	$(TESTS)
	$(TESTS) --postgres $(KEPT)

conformance: $(VENV)/.dev aimock
	$(BIN)/python -m pytest -rs tests/conformance/test_*.py tests/conformance/long_*.py

# What is done here at length stands in the others as a sample.
SAMPLES := tests/faults/test_nth_call.py tests/faults/test_random_user.py

faults: $(VENV)/.dev
	$(BIN)/python -m pytest -s -o faulthandler_timeout=900 --durations=20 \
		$(filter-out $(SAMPLES),$(wildcard tests/faults/test_*.py)) tests/faults/long_*.py

format: $(VENV)/.dev
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

bench: $(VENV)/.dev
	$(BIN)/python -m bench.stream
	$(BIN)/python -m bench.wire
	$(BIN)/python -m bench.tools

screenshots: $(VENV)/.dev browser
	$(BIN)/python -m docs.screenshots

browser: $(VENV)/.dev
	./tests/browser/install.sh $(BIN)

aimock: $(VENV)/.made
	./tests/conformance/install.sh $(VENV)/aimock

mcp: $(VENV)/.made
	./tests/tools/mcp_servers/install.sh $(VENV)/mcp-servers $(BIN)/python

places:
	./tests/places/install.sh

# What stays pinned stays as it is; UPGRADE=--upgrade takes the newest that requirements*.txt allow.
lock: $(VENV)/.dev
	./supply/lock.sh $(BIN) $(UPGRADE)

audit: $(VENV)/.dev
	$(BIN)/python -m supply.audit

size:
	./bench/size.sh $(PYTHON)

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Parley needs Python 3.11 or later: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.app: $(VENV)/.made requirements.txt requirements-hosted.txt requirements-offline.txt
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
