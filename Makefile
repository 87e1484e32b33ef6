# Two commands are enough: `make run` and `make test`.
PYTHON ?= python3
GALLERY ?= data
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run demo test test-slow check install

help:
	@echo "make run        serve the web pages on http://127.0.0.1:8501 (gallery: GALLERY=$(GALLERY))"
	@echo "make demo       the whole job on drawn people, without a camera"
	@echo "make test       the fast tests"
	@echo "make test-slow  real models, a browser, faults (more for pytest: ARGS='...')"
	@echo "make check      ruff, mypy, layering"

run: $(VENV)/.installed
	@test -e $(GALLERY)/gallery.db -o -e $(GALLERY)/gallery.toml || $(BIN)/rollcall init --home $(GALLERY)
	$(BIN)/rollcall serve --home $(GALLERY)

demo: $(VENV)/.installed
	$(BIN)/rollcall demo

test: $(VENV)/.tested
	$(BIN)/pytest -n auto --dist loadfile

test-slow: $(VENV)/.tested
	$(BIN)/pytest -m slow $(ARGS)

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layering.py

install: $(VENV)/.installed

# -qq: else pip warns, for each package, of a folder in the machine's own settings that is absent.
$(VENV)/.installed: requirements.txt constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@
