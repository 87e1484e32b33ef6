# Two commands are enough: `make run` and `make test`.
PYTHON ?= python3
GALLERY ?= data
VENV := .venv
BIN := $(VENV)/bin
SUPPLY := .venv-supply
# For a server of its own: make -B install VENV=/opt/rollcall SOURCE=.
SOURCE := -e .

.DEFAULT_GOAL := help

.PHONY: bench help run demo test test-slow test-postgres check install lock sbom audit

help:
	@echo "make run        serve the web pages on http://127.0.0.1:8501 (gallery: GALLERY=$(GALLERY))"
	@echo "make demo       the whole job on drawn people, without a camera"
	@echo "make test       the fast tests"
	@echo "make test-slow  real models, a browser, faults (more for pytest: ARGS='...')"
	@echo "make test-postgres  the fast tests, on a PostgreSQL server of their own"
	@echo "make bench      ours, the peers and the machine's limits side by side, in bench/ (ARGS=--quick)"
	@echo "make check      ruff, mypy, layering"
	@echo "make lock       write constraints.txt and locks/ anew (the newest versions: LOCK=--upgrade)"
	@echo "make audit      known vulnerabilities in what is locked"
	@echo "make sbom       what Rollcall consists of, as sbom.cdx.json (CycloneDX)"

run: $(VENV)/.installed
	@test -e $(GALLERY)/gallery.db -o -e $(GALLERY)/gallery.toml || $(BIN)/rollcall init --home $(GALLERY)
	$(BIN)/rollcall serve --home $(GALLERY)

demo: $(VENV)/.installed
	$(BIN)/rollcall demo

test: $(VENV)/.tested
	$(BIN)/pytest -n auto --dist loadfile

test-slow: $(VENV)/.tested
	$(BIN)/pytest -m slow $(ARGS)

# Where there are galleries; the other tests would run as they did.
test-postgres: $(VENV)/.tested
	$(BIN)/pytest -n auto --dist loadfile --database postgresql $(ARGS) \
		tests/store tests/enrollment tests/app tests/client

# hnswlib is no wheel: it is compiled here.
bench: $(VENV)/.tested locks/bench.txt
	$(PIP) --require-hashes -r locks/bench.txt
	$(BIN)/python -m benchmarks.bench $(ARGS)

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_layering.py

install: $(VENV)/.installed

# -qq: else pip warns, for each package, of a folder in the machine's own settings that is absent.
PIP := $(BIN)/pip install -qq --disable-pip-version-check
# Each file has to have a sha256 that stands in the lock. Nothing runs code while it is installed but
# the one package that is no wheel, and it is built by the locked setuptools: what pip fetches to
# build with, it does not check.
HASHED := --require-hashes --only-binary :all:
LOCKED := $(HASHED) --no-binary face_recognition_models --no-build-isolation

# `pip check` finds what requirements.txt asks for and the lock has not: run `make lock`.
$(VENV)/.installed: requirements.txt constraints.txt locks/build.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(LOCKED) -r locks/build.txt
	$(PIP) $(LOCKED) -r constraints.txt
	$(PIP) --no-deps --no-build-isolation $(SOURCE)
	$(BIN)/pip check
	@touch $@

$(VENV)/.tested: $(VENV)/.installed locks/test.txt
	$(PIP) $(LOCKED) -r locks/test.txt
	@touch $@

# The supply chain has tools of its own, so that none of them is where faces are.
$(SUPPLY)/.installed: locks/supply.txt
	$(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/pip install -qq --disable-pip-version-check $(HASHED) -r $<
	@touch $@

# Versions stay as they are while they still fit; LOCK=--upgrade takes the newest.
# universal: for every Python and every system that may install it, not for this one.
COMPILE = $(SUPPLY)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command 'make lock' $(LOCK)

lock: $(SUPPLY)/.installed
	$(COMPILE) pyproject.toml --extra postgres -o constraints.txt
	for group in build test bench supply; do \
		$(COMPILE) --group pyproject.toml:$$group -c constraints.txt -o locks/$$group.txt || exit; \
	done

sbom: $(SUPPLY)/.installed
	PYTHONWARNINGS=ignore $(SUPPLY)/bin/cyclonedx-py requirements constraints.txt --pyproject pyproject.toml \
		--output-reproducible --of JSON -o sbom.cdx.json

# Where its database gives no answer pip-audit says "no known vulnerabilities" and is content. So it
# has to find one first in a version that is known to have some.
AUDIT = $(SUPPLY)/bin/pip-audit --disable-pip --progress-spinner off $(SERVICE)

audit: $(SUPPLY)/.installed
	@echo 'jinja2==2.10' > $(SUPPLY)/vulnerable.txt
	@$(AUDIT) --no-deps -f json -r $(SUPPLY)/vulnerable.txt 2>$(SUPPLY)/audit.log | grep -q '"fix_versions"' || { \
		echo 'audit: the database of vulnerabilities cannot be reached: NOTHING WAS AUDITED' \
			'(what pip-audit said: $(SUPPLY)/audit.log)' >&2; exit 1; }
	$(AUDIT) --strict --require-hashes $(foreach lock,constraints.txt $(wildcard locks/*.txt),-r $(lock))
