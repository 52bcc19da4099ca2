# Needs Python 3.11 or newer, git and make. Everything else goes into .venv.

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench clean
# Two targets must not install into one environment at the same time.
.NOTPARALLEL:

help:
	@echo 'make demo    watch a vault travel between two machines, in a temporary folder'
	@echo 'make test    run the tests with what this machine has, and say what was left out'
	@echo 'make lint    check style and types'
	@echo 'make bench   measure, and write docs/performance.md'
	@echo 'make clean   remove $(VENV)'
	@echo
	@echo 'PYTHON=/path/to/python chooses the interpreter (3.11 or newer).'

demo: $(VENV)/.installed
	@$(BIN)/git-vsync demo

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.installed-lint
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

bench: $(VENV)/.installed-test
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV)

# An editable installation: what runs is always the tree, never a copy of yesterday's. As a plain
# path (compat), since the default runs code at every start of Python.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --config-settings editable_mode=compat

$(VENV)/.installed: $(VENV)/.made
	@echo 'installing vsync into $(VENV)'
	@$(PIP) --editable .
	@touch $@

# The types of what the tests import are checked too, so lint installs both.
$(VENV)/.installed-test: $(VENV)/.made
	@echo 'installing vsync and what its tests need into $(VENV)'
	@$(PIP) --editable '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-lint: $(VENV)/.installed-test
	@echo 'installing ruff and mypy into $(VENV)'
	@$(PIP) --editable '.[test,lint]'
	@touch $@

# Made anew when the dependencies change, so that none that was dropped stays behind.
$(VENV)/.made: pyproject.toml
	@rm -rf $(VENV)
	@for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			"$$candidate" -m venv $(VENV) && touch $@ && exit 0; \
			rm -rf $(VENV); \
			echo "$$candidate cannot make a virtual environment (Debian: apt-get install python3-venv)" >&2; \
			exit 1; \
		fi; \
	done; \
	echo 'no Python 3.11 or newer found: install one, or name it: make PYTHON=/path/to/python' >&2; \
	exit 1
