#!/bin/sh
# fuzz.sh SECONDS [TARGET...] | build | lint
#
# Fuzzes each TARGET for SECONDS; without a TARGET, every target in fuzz/fuzz_targets. With 0 seconds it only runs the
# corpora, and the result is the same each time. A finding ends the script with status 1 and the path of the input.
# `build` only builds. `lint` checks formatting and runs clippy with the flags of the build.
#
# The layout of fuzz/ is that of cargo-fuzz, but this script needs only cargo: the crate libfuzzer-sys contains
# libFuzzer, and stable rustc accepts these flags, which are those of cargo-fuzz.
set -eu
cd "$(dirname "$0")/fuzz"
seconds=${1:?fuzz.sh SECONDS [TARGET...] | build | lint}
shift

triple=x86_64-unknown-linux-gnu
folder=${CARGO_TARGET_DIR:-$PWD/../../target}/fuzz
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing'
with_flags() {
    RUSTFLAGS=$flags ${CARGO:-cargo} "$@" --locked --quiet --release --target "$triple" --target-dir "$folder"
}
if [ "$seconds" = lint ]; then
    ${CARGO:-cargo} fmt --check
    with_flags clippy
    exit
fi
if [ "$seconds" = build ]; then
    with_flags build
    exit
fi

if [ $# = 0 ]; then
    for path in fuzz_targets/*.rs; do
        set -- "$@" "$(basename "$path" .rs)"
    done
fi
bins=
for name; do
    if [ ! -f "fuzz_targets/$name.rs" ]; then
        echo "Error: target not found: $name; each file in tests/fuzz/fuzz_targets is one" >&2
        exit 1
    fi
    bins="$bins --bin $name"
done
# shellcheck disable=SC2086 # a list
with_flags build $bins

limit=-max_total_time=$seconds
[ "$seconds" != 0 ] || limit=-runs=0
findings=$(mktemp -d)
for name; do
    log=$findings/$name.log
    # New inputs go to a scratch folder, because the corpus in the repository contains only the seeds of corpus.py.
    mkdir "$findings/$name"
    # libFuzzer can end with status 0 without having run, so the script also looks for its last line.
    if ! "$folder/$triple/release/$name" "$limit" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
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
