# The commands of the README. `make help` lists them.

CARGO ?= cargo
export CARGO_TERM_PROGRESS_WHEN ?= never

.PHONY: help demo test test-long fuzz sim bench audit image verify lint needs

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

needs:
	@tests/needs.sh

demo: needs ## deploy, encrypt and run on this machine, and three attacks that are refused
	@tests/demo/run.sh

test: needs lint ## everything that the gate checks
	@tests/run.sh

test-long: needs ## the slow rest: real programs, long simulations
	@tests/run-long.sh

lint: needs ## formatting and lints; warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --quiet --workspace --all-targets -- -D warnings

