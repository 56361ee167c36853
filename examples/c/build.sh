#!/bin/sh
# Builds function/statistics.wasm. `pip install ziglang` brings the compiler; ZIG names another zig.
set -eu
cd "$(dirname "$0")"
${ZIG:-python3 -m ziglang} cc -target wasm32-wasi -Os -s -Wall -Werror -o function/statistics.wasm statistics.c
