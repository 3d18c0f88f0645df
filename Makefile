# Service Quality Workbench. `make` lists what can be made.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# JupyterLab asks nobody for news and for updates of itself
SILENT := $(VENV)/etc/jupyter/labconfig/page_config.json

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY) ## environment in .venv, from the hashed lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
		$(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $(READY)

demo: setup ## run the demo reports and say where reports/index.html lies
	@$(BIN)/sqlib demo

test: setup ## every test: the suite, then the committed notebooks, number by number
	$(BIN)/python -m pytest -n 2 --dist loadfile tests
	$(BIN)/python -m pytest --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg --ignore notebooks/start_here.ipynb notebooks

pages: setup ## run the committed notebooks on the demo client again and normalise them
	$(BIN)/python -m sqlib.pages

lab: setup ## JupyterLab on the start page: client, check, run, reports
	@test -f $(SILENT) || $(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements
	$(BIN)/sqlib warm -- $(BIN)/jupyter lab notebooks/start_here.ipynb --ServerApp.root_dir="$(CURDIR)"

lint: setup ## ruff, as the pre-commit hook runs it
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

lock: ## resolve requirements.lock again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml -o requirements.lock

bench: setup ## the simulations and timings behind METHODS.md (hours; each script takes --help)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean: ## remove the environment and the caches, never data or reports
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help setup demo test pages lab lint lock bench clean
