#!/bin/sh
# fuzz.sh SECONDS [TARGET...]: fuzzes every parser of outside bytes, SECONDS each; with 0 it runs the corpora alone, with
# the same end each time. A finding ends it with status 1 and the path of the input. libFuzzer comes as its crate, and
# the flags are those of cargo-fuzz, all stable: nothing has to be installed, and one build serves all targets.
# `fuzz.sh build` only builds. `fuzz.sh lint` checks formatting and lints under the same flags.
set -eu
cd "$(dirname "$0")/fuzz"
seconds=${1:?fuzz.sh SECONDS [TARGET...] | build | lint}
shift

target=x86_64-unknown-linux-gnu
folder=${CARGO_TARGET_DIR:-$PWD/../../target}/fuzz
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing'
with_flags() {
    RUSTFLAGS=$flags ${CARGO:-cargo} "$1" --locked --quiet --release --target "$target" --target-dir "$folder"
}
if [ "$seconds" = lint ]; then
    ${CARGO:-cargo} fmt --check
    with_flags clippy
    exit
fi
with_flags build
[ "$seconds" != build ] || exit 0
binary=$folder/$target/release/capelet-fuzz

if [ $# = 0 ]; then
    targets=$(CAPELET_FUZZ_TARGET=list "$binary" 2>&-)
    # shellcheck disable=SC2086 # a list
    set -- $targets
    [ $# -gt 0 ] || { echo 'fuzz.sh: the binary names no targets' >&2; exit 1; }
fi
limit=-max_total_time=$seconds
[ "$seconds" != 0 ] || limit=-runs=0
findings=$(mktemp -d)
for name; do
    log=$findings/$name.log
    # What is found goes into a scratch folder: the corpus in the repository is what was put there.
    mkdir "$findings/$name"
    if ! CAPELET_FUZZ_TARGET=$name "$binary" "$limit" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$findings/$name-" "$findings/$name" "corpus/$name" 2> "$log" ||
        ! grep -q '^Done [0-9]* runs' "$log"; then
        tail -n 30 "$log" >&2
        echo "FOUND: $name, see $findings" >&2
        ls "$findings/$name-"* >&2 || true
        exit 1
    fi
    printf '%-14s %s\n' "$name" "$(sed -n 's/^Done \(.*\)/\1/p' "$log")"
done
rm -rf "$findings"
