# Backroom: `make demo` runs everything on this machine, `make test` tests it.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore \
	--require-hashes -r
READY := $(VENV)/.setup-done

.PHONY: setup demo test check

setup: $(READY)

# Again only when the locked versions change. An unfinished set-up leaves no mark. uv needs a tenth
# of pip's time; it does not read pip's settings, so where it is told of no way out, pip goes on.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed: install it, or name it, as in make PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv is missing: install it (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@test -x $(RUN) || { echo "Setting up $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@sed -n '/^uv==/,/[^\\]$$/p' $< > $(VENV)/uv.lock
	@$(PIP) $(VENV)/uv.lock
	@$(RUN) -m uv pip install --quiet --python $(RUN) --require-hashes -r $< 2>/dev/null || $(PIP) $<
	@touch $@

demo: setup
	@exec $(RUN) -m app demo --port $(PORT) $(if $(VAR),--var "$(VAR)")

# What was compiled is kept: each of the programs that a test starts would compile all of it again.
test check: export PYTHONDONTWRITEBYTECODE =

test: setup
	@$(RUN) -m pytest $(or $(ARGS),-n 2 --dist loadscope)

check: setup
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(RUN) -m pytest --hypothesis-profile wide --cov --cov-report=term-missing:skip-covered \
		$(or $(ARGS),-n 2 --dist loadscope)
