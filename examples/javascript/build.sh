#!/bin/sh
# Puts QuickJS beside main.js: function/quickjs.wasm, fetched by its hash.
set -eu
cd "$(dirname "$0")"
programs=${CAPELET_PROGRAMS:-$(python3 ../../dev/programs/fetch.py)}
cp "$programs/quickjs.wasm" function/quickjs.wasm
