# The commands of the README. `make help` lists them.

CARGO ?= cargo
export CARGO_TERM_PROGRESS_WHEN ?= never

.PHONY: help demo test test-quick test-long fuzz sim bench load image verify audit lint needs relock boots install uninstall manual

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

needs:
	@tests/needs.sh

demo: needs ## deploy, encrypt and run on this machine, and three attacks that are refused
	@tests/demo/run.sh

install: ## programs, man pages and completions into PREFIX (/usr/local), below DESTDIR
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' host/install.sh

uninstall: ## removes what `make install` installed with the same PREFIX
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' host/install.sh uninstall

test: needs ## everything that the gate checks; says first what it does and how long it takes
	@tests/run.py

test-quick: needs ## for everyday work: no QEMU, no image
	@tests/run.py --quick

boots: needs ## BOOTS (30) boots of the release, AT_A_TIME (6) at once, beside BUSY (2) busy loops
	@BOOTS=$(or $(BOOTS),30) AT_A_TIME=$(or $(AT_A_TIME),6) BUSY=$(or $(BUSY),2) tests/image/run.sh boots

test-long: needs ## the slow rest: real programs, long simulations
	@tests/run-long.sh

lint: needs ## formatting, lints, documentation; warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --quiet --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --quiet --workspace --no-deps
	@tests/fuzz.sh lint

fuzz: needs ## every parser, SECONDS (60) each
	@tests/fuzz.sh $(or $(SECONDS),60)

sim: ## SEEDS (10000) simulated sessions with faults
	SEEDS=$(or $(SEEDS),10000) $(CARGO) run --locked --release -p capelet-sim --bin sim

bench: needs ## ratios against peers and floors of the same run; PARTS names some of them (tests/bench/src/main.rs)
	@$(CARGO) build --locked --quiet --release --workspace --bins
	@$(CARGO) run --locked --quiet --release -p capelet-bench $(PARTS)
	@[ -n "$(PARTS)" ] || tests/image/run.sh figures

load: needs ## 1, 8, 64 and 256 clients, SECONDS (60) each: throughput, times, ends, memory; WRITE=1 writes docs/load.md
	@$(CARGO) build --locked --quiet --release --workspace --bins
	@target/release/capelet-load --seconds $(or $(SECONDS),60) $(if $(WRITE),--to docs)

image: needs ## capelet.eif and measurements.json; fails if they are not the committed ones
	@reproducible/image.sh

verify: needs ## rebuilds the image elsewhere, as somebody else, and compares
	@reproducible/verify.sh

relock: needs ## new lock files where the Debian archive dropped a version; rebuilds and shows what changed
	@reproducible/relock.sh

audit: needs ## what there is to read inside: docs/audit.md, docs/audit.html; fails when they are stale (WRITE=1 writes them)
	@reproducible/build.sh build/image > /dev/null
	@$(CARGO) run --locked --quiet -p xtask -- audit build/image $(if $(WRITE),--write)

manual: ## docs/cli.md anew, from the programs' argument types, and the tables of docs/json.md from its schema
	@$(CARGO) run --locked --quiet -p capelet-manual -- --markdown docs/cli.md
	@$(CARGO) run --locked --quiet -p capelet-json-schema -- docs/json.md
