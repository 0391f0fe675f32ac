# make run    set up .venv if needed, then the demo on the embedded data: a table, a picture, a page
# make test   the fast suite and the end-to-end runs
# make lint   ruff and mypy
# make docs   the pages of docs/ as a site, in site/
# make clean  remove what was generated here (records under results/runs are kept)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test lint docs clean

run: $(READY)
	$(BIN)/fog-flower demo

test: $(READY)
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs-ready
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "open site/index.html"

$(READY): pyproject.toml constraints.txt
	@echo "installing TensorFlow, Flower and Ray into $(VENV): about 4 GB on disk, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[simulation,tracking,dev]'
	touch $(READY)

$(VENV)/.docs-ready: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[simulation,tracking,docs]'
	touch $(VENV)/.docs-ready

clean:
	rm -rf $(VENV) build dist site *.egg-info *.fab .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
