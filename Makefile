# The commands of the README. `make help` lists them.

CARGO ?= cargo
export CARGO_TERM_PROGRESS_WHEN ?= never

.PHONY: help demo test test-long fuzz sim bench image verify audit lint needs

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
	@tests/fuzz.sh lint

fuzz: needs ## every parser, SECONDS (60) each
	@tests/fuzz.sh $(or $(SECONDS),60)

sim: ## SEEDS (10000) simulated sessions with faults
	SEEDS=$(or $(SEEDS),10000) $(CARGO) run --locked --release -p capelet-sim --bin sim

bench: needs ## ratios against peers and floors of the same run
	@$(CARGO) build --locked --quiet --release --workspace --bins
	@$(CARGO) run --locked --quiet --release -p capelet-bench
	@tests/image/run.sh figures

image: needs ## capelet.eif and measurements.json, compared with the committed ones
	@reproducible/image.sh

verify: needs ## rebuilds the image elsewhere, as somebody else, and compares
	@reproducible/verify.sh

audit: needs ## what there is to read inside, as docs/audit.md; fails when that page is stale
	@reproducible/audit.sh
