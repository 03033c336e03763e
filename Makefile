# Everything that is done with this repository. `make` alone lists it.

PYTHON_BIN := .venv/bin/python
EXTENSION := npm --prefix vscode-extension run --silent

.DEFAULT_GOAL := help
.PHONY: help setup setup-python demo test lint types format bench package clean

help: ## List what there is
	@echo 'make TARGET, where TARGET is one of:'
	@sed -n 's/^\([a-z-]*\):[^#]*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## Make everything ready; quick when it already is
	@scripts/setup.sh

setup-python: ## Make only the Python environments ready
	@scripts/setup.sh python

demo: setup ## Show the main job on a real project, then in VS Code (PROJECT=path: on yours; DEMO=terminal: no editor)
	@PROJECT='$(PROJECT)' DEMO='$(DEMO)' $(PYTHON_BIN) scripts/demo.py

test: setup ## Run every check and test: lint, types, Python, TypeScript, editor
	@$(PYTHON_BIN) scripts/run_tests.py $(ONLY)

lint: setup ## Check style and types (part of test)
	@$(PYTHON_BIN) scripts/run_tests.py lint types

format: setup ## Rewrite the sources in the one style
	@$(PYTHON_BIN) -m ruff check --quiet --fix-only . && $(PYTHON_BIN) -m ruff format .
	@$(EXTENSION) format

bench: setup ## Measure latency and recording against pytest and pytest-testmon
	@for benchmark in latency recording; do $(PYTHON_BIN) benchmarks/$$benchmark.py || exit 1; done

package: setup ## Build the extension: vscode-extension/aftershock.vsix
	@PYTHON="$$PWD/$(PYTHON_BIN)" $(EXTENSION) package && ls -l vscode-extension/*.vsix

clean: ## Remove all that make made, environments and downloads included
	rm -rf .venv .cache build .mypy_cache .ruff_cache .pytest_cache server/*.egg-info
	rm -rf vscode-extension/node_modules vscode-extension/dist vscode-extension/out vscode-extension/bundled
	rm -f vscode-extension/*.vsix
