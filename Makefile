# Two commands: `make serve` and `make test`. Both make .venv by themselves.

VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: serve test check docs torture conformance examples bench lock sbom audit clean

serve: $(VENV)/runtime
	@$(BIN)/indicators migrate
	@$(BIN)/indicators publish --seed
	@$(BIN)/indicators serve

test: $(VENV)/development
	$(BIN)/pytest -n 2 --dist loadgroup --ignore tests/torture

check: $(VENV)/development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# the documentation as a site in site/, without a network; a broken link stops it
docs: $(VENV)/development
	$(BIN)/zensical build --strict --clean

# attempts to lose or corrupt something: the long form alone on the machine, its figures go into docs/reliability.md;
# TORTURE=short for the form that runs in CI
TORTURE ?= long
torture: $(VENV)/development
	TORTURE=$(TORTURE) $(BIN)/pytest $(if $(filter short,$(TORTURE)),-n 2 --dist loadgroup) tests/torture

# speed and memory against peers, on two cores; needs wrk and sqlite3 on the machine. ROWS=100000 for a short run
ROWS ?= 5000000
bench: $(VENV)/development
	$(BIN)/python -m tests.bench --rows $(ROWS)

# what other people's software can do with the service: a run of all tests writes docs/conformance.md
conformance: $(VENV)/development
	CONFORMANCE=write $(BIN)/pytest -n 2 --dist loadgroup --ignore tests/torture

# the examples in the OpenAPI document, from the service itself
examples: $(VENV)/development
	$(BIN)/python -m tests.write_examples

# hashed and for every platform; names no index
lock:
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  pyproject.toml --all-extras --group build -o requirements.txt
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  pyproject.toml --all-extras --group dev -o requirements-dev.txt

# the bill of materials of what runs (CycloneDX), and the known holes in it; the second asks the network
sbom: $(VENV)/development
	mkdir -p dist
	$(BIN)/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml -o dist/sbom.json requirements.txt

audit: $(VENV)/development
	$(BIN)/pip-audit --disable-pip --require-hashes -r requirements.txt

clean:
	rm -rf $(VENV) dist site .cache

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# the lock of development contains that of running, with the same versions
$(VENV)/runtime: requirements.txt requirements-dev.txt pyproject.toml | $(BIN)/python
	test -e $(VENV)/development || $(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/development: requirements-dev.txt pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements-dev.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@
