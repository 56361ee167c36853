#!/bin/sh
# Builds function/cards.wasm. `rustup target add wasm32-unknown-unknown` brings what the compiler needs.
set -eu
cd "$(dirname "$0")"
rustc --edition 2024 --target wasm32-unknown-unknown --crate-type cdylib -O -C panic=abort -C strip=symbols \
    -o function/cards.wasm cards.rs
