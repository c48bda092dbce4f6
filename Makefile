# `make demo` and `make test` do all the set-up themselves. `make -C FOLDER …` works from anywhere.
LOCAL = exec .venv/bin/python -m config.local --with-parent

.PHONY: demo demo-reset demo-codes setup test nemesis mutants guards lint fmt requirements

# The portal with demo people on 127.0.0.1:8000, after the main job has run once. Ctrl-C stops; data is kept.
demo: setup
	@$(LOCAL) --serve -- python manage.py demo

# The same from nothing.
demo-reset: setup
	@$(LOCAL) --reset --serve -- python manage.py demo

# Who may sign in, with the codes of this half minute.
demo-codes: setup
	@$(LOCAL) -- .venv/bin/python manage.py demo --codes

setup:
	@bin/setup

# Everything that must hold, on servers of its own.
test: setup
	@$(LOCAL) --temporary --no-migrate -- bin/check all

# Half an hour of random histories by eight processes, while a nemesis kills them and drops their sessions.
nemesis: setup
	@$(LOCAL) --temporary --no-migrate -- env NEMESIS_SECONDS=1800 .venv/bin/python -m pytest -q tests/ledger/test_nemesis.py

# Which change of one word in money, rules or the ledger's functions does no test notice? Hours. See docs/mutants.md.
mutants: setup
	@$(LOCAL) --temporary --no-migrate -- .venv/bin/python -m tests.mutants python
	@$(LOCAL) --temporary --no-migrate -- .venv/bin/python -m tests.mutants sql
	@$(LOCAL) --temporary --no-migrate -- .venv/bin/python -m tests.mutants locks

# A probe for every guard around the money, found anew into tests/guards/guards.csv where the old one feels nothing.
guards: setup
	@$(LOCAL) --temporary --no-migrate -- env GUARDS=find .venv/bin/python -m pytest -q tests/guards
	@$(LOCAL) --temporary --no-migrate -- .venv/bin/python -m pytest -q tests/guards

lint: setup
	@bin/check lint

fmt: setup
	@.venv/bin/python -m ruff check --quiet --fix . ; .venv/bin/python -m ruff format --quiet .

# Pin anew what pyproject.toml asks for; `make requirements UPGRADE=--upgrade` takes the newest.
COMPILE = .venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate $(UPGRADE)
requirements: setup
	@$(COMPILE) pyproject.toml -o requirements/base.txt
	@$(COMPILE) pyproject.toml -c requirements/base.txt --extra ocr -o requirements/ocr.txt
	@$(COMPILE) pyproject.toml -c requirements/ocr.txt --extra ocr --extra local --extra test -o requirements/dev.txt
	@$(COMPILE) --group bootstrap -o requirements/bootstrap.txt
