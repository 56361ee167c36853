#!/bin/sh
# binaries.sh [KMS_ROOT.der]: builds the programs of the image, and eif-build, which assembles it, inside the locked root
# with the locked toolchain. With an argument it builds the development core alone, which trusts that root of a
# development KMS. It prints a folder with the programs; NAME.tree, the crates of each; NAME.crates, these and what built
# them; and source, everything that the compiler could read (closure.sh).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=products.sh
. "$here/products.sh"
begin
packages='capelet-pid1 capelet-core capelet-worker eif-build'
kms_root=$private/kms-root.der
cat -- "${1:-/dev/null}" > "$kms_root"
[ $# = 0 ] || packages=capelet-core-dev
# rustc does not start under libfaketime, because its allocator asks for the time too early. verify.sh changes the clock
# for the kernel alone.
unset CAPELET_CLOCK
root=$("$here/root.sh")
rust=$("$here/rust.sh")
# shellcheck source=closure.sh
. "$here/closure.sh"
(cd "$source" && "$rust/bin/cargo" fetch -q --locked)

build() {
  crates=$("$here/crates.sh")
  work=$private/work src=$private/src
  mkdir -p "$work" "$src"
  # A copy, because prune empties the other sources.
  copy_checkout "$source" "$src"
  # shellcheck disable=SC2086 # a list of names
  prune "$src" $packages
  # shellcheck disable=SC2086 # a list of names
  copied=$(closure "$src" $packages)
  [ "$copied" = "$code" ] || die 'the copy that is compiled has other sources than the checkout'
  # Everything that cargo reads is read-only, its configuration too: a build script writes to /build and /tmp alone.
  mkdir "$src/cargo-home"
  printf '[source.crates-io]\nreplace-with = "locked"\n[source.locked]\ndirectory = "/vendor"\n' > "$src/cargo-home/config.toml"
  cp "$kms_root" "$src/kms-root.der"
  say "building $packages"
  # Each package by itself, or cargo would merge the features of shared crates. --target keeps the flags away from what
  # runs during the build. Paths are the same in every such root, and are removed all the same.
  # shellcheck disable=SC2016,SC2086 # the inner shell expands; a list of names
  in_root "$root" "$work" "$rust:/rust" "$crates:/vendor" "$src:/src" -- sh -euc '
    target=x86_64-unknown-linux-gnu
    export CARGO_HOME=/src/cargo-home CARGO_TARGET_DIR=/build/target
    export CAPELET_DEVELOPMENT_KMS_ROOT=/src/kms-root.der
    export CFLAGS="-ffile-prefix-map=/vendor=. -ffile-prefix-map=/build=."
    export RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,--build-id=none \
      --remap-path-prefix=/vendor=. --remap-path-prefix=/src=. --remap-path-prefix=/build=."
    cd /src
    for package; do
      cargo build -q --profile image --locked --offline --target $target -p "$package"
      tree() {
        cargo tree -q --locked --offline --target $target -p "$package" --prefix none --format "{p}" --edges "$1" | sort -u
      }
      tree normal,no-proc-macro > "/build/$package.tree"
      tree normal,build > "/build/$package.crates"
    done
    for package; do cp "/build/target/$target/image/$package" /build/; done
  ' sh $packages
  for package in $packages; do collect "$work" "$part" "$package" "$package.tree" "$package.crates"; done
  echo "$code" > "$part/source"
}

# shellcheck disable=SC2086 # a list of names
code=$(closure "$source" $packages)
# The root's name ends with the hash of its inputs, lib.sh among them.
inputs() { printf '%s\n' "$packages" "${root##*-}" "${rust##*-}" "$code" && cat "$here/binaries.sh" "$here/crates.sh" "$kms_root"; }
once "$cache/binaries-$(inputs | key -)" build
