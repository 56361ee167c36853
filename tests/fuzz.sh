#!/bin/sh
# fuzz.sh SECONDS [TARGET...]: every parser that sees outside bytes, SECONDS each. A finding ends it with status 1 and
# the path of the input. libFuzzer by its crate; the flags are those that cargo-fuzz gives, all of them stable.
set -eu
cd "$(dirname "$0")/fuzz"
seconds=${1:?fuzz.sh SECONDS [TARGET...]}
shift

target=x86_64-unknown-linux-gnu
folder=${CARGO_TARGET_DIR:-../../target}/fuzz
flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing'
RUSTFLAGS=$flags ${CARGO:-cargo} build --locked --quiet --release --target "$target" --target-dir "$folder"
binary=$folder/$target/release/capelet-fuzz

[ $# -gt 0 ] || set -- $(ls corpus)
findings=$(mktemp -d)
for name; do
    log=$findings/$name.log
    # What is found goes into a scratch copy: the corpus in the repository is what was put there.
    mkdir -p "$findings/$name"
    if ! CAPELET_FUZZ_TARGET=$name "$binary" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$findings/$name-" "$findings/$name" "corpus/$name" 2> "$log"; then
        tail -n 30 "$log" >&2
        echo "FOUND: $name, see $findings" >&2
        exit 1
    fi
    printf '%-14s %s\n' "$name" "$(grep -o 'Done [0-9]* runs in [0-9]* second' "$log" || echo 'no runs?')"
    grep -q 'Done [0-9]* runs' "$log" || exit 1
done
rm -rf "$findings"
