#!/bin/sh
# image.sh [--write]: builds the image into build/image and compares its measurements with the committed ones. Exit status
# 1 if they differ; --write then accepts them into reproducible/measurements.json.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
out=$(dirname "$here")/build/image committed=$here/measurements.json
"$here/build.sh" "$out"
if cmp -s "$out/measurements.json" "$committed"; then
  echo 'measurements: as committed'
elif [ "${1:-}" = --write ]; then
  cp "$out/measurements.json" "$committed"
  echo "measurements: written to $committed"
else
  diff -u "$committed" "$out/measurements.json" | head -n 40 >&2 || :
  say 'measurements: NOT as committed in reproducible/measurements.json: this source makes another image.
If the change is yours, accept it: reproducible/image.sh --write'
  exit 1
fi
