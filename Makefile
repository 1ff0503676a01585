# The verbs of this repository; `make help` lists them.
# Make variables: PYTHON=/path/to/python3.12 for setup, ARGS="--seed 8" for run, PYTEST_ARGS="-k risk" for the tests.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow test-clients bench fuzz-wire lint lock screenshot kafka kafka-stop
bin := .venv/bin
code := src tests $(if $(wildcard benchmarks/*.py),benchmarks)

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

setup: ## everything into .venv, from the locked requirements (does nothing when nothing changed)
	@PYTHON="$(PYTHON)" scripts/setup

run: setup ## a whole six-hour session in virtual time against the gateway simulator
	@$(bin)/algotrade run --profile dev --speed max --duration 6h $(ARGS)

test: lint ## lint, types and all tests that take seconds
	@$(bin)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

test-slow: setup ## the tests that take minutes: kills, campaigns
	@$(bin)/python -m pytest -m slow -n 2 --dist loadgroup $(PYTEST_ARGS)

test-clients: setup ## unmodified clients, each in a locked environment, against `sim serve` (makes them at first use)
	@$(bin)/python -m pytest -m slow tests/conformance $(PYTEST_ARGS)

bench: setup ## every benchmark, one after the other
	@for file in benchmarks/bench_*.py; do name=$$(basename "$$file" .py); printf '\n== %s\n' "$$name"; $(bin)/python -m "benchmarks.$$name" || exit 1; done

fuzz-wire: setup ## a million mutated frames against the gateway simulator (SEED=1 FRAMES=1000000)
	@$(bin)/python -m tests.gateway_sim.fuzz_wire --frames $(or $(FRAMES),1000000) --seed $(or $(SEED),1)

lint: setup ## ruff and mypy
	@$(bin)/ruff check .
	@$(bin)/ruff format --check --quiet . || { echo 'lint: not formatted; run $(bin)/ruff format .' >&2; exit 1; }
	@$(bin)/mypy $(code)

kafka: ## a real Kafka broker on loopback (Java 17 and Maven, or Docker); prints its address
	@scripts/kafka start

kafka-stop: ## end that broker; its data stays in .kafka
	@scripts/kafka stop

screenshot: setup ## the README's picture of a report, docs/report.png (ARGS=DIR of another session)
	@scripts/screenshot $(ARGS)

lock: setup ## compile the requirements files, the tested clients' too (scripts/lock --upgrade for newer pins)
	@scripts/lock
