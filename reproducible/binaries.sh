#!/bin/sh
# binaries.sh [KMS_ROOT.der]: builds the programs of the image, and eif-build, which puts it together, inside the locked
# root with the locked toolchain; with an argument, only the development core, under that root of a development KMS.
# Prints a folder that holds them; NAME.tree, the crates that each is made of; NAME.crates, those and what built them;
# and source, the SHA-256 of every file of ours that the compiler could read.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
source=$(dirname "$here")
packages='capelet-pid1 capelet-core capelet-worker eif-build'
kms_root=${1:-/dev/null}
[ $# = 0 ] || packages=capelet-core-dev

# rustc does not start under libfaketime (its allocator asks for the time before there is one): the other clock of
# verify.sh is for the kernel.
unset CAPELET_CLOCK

root=$("$here/root.sh")
rust=$("$here/rust.sh")
crates=$("$here/crates.sh")

# cargo would take its configuration from there, and with it another compiler or other crates.
[ ! -e "$source/.cargo" ] || die "$source/.cargo is there: the image is built without; move it away"

# contents FOLDER: the SHA-256 of every file of ours that the compiler can read: lock file and manifests of the workspace,
# and the packages that go in with all that they hold
contents() {
  (cd "$1" && find Cargo.toml Cargo.lock enclave-core init eif-build host tests -type f \
    \( -name Cargo.toml -o -path Cargo.lock -o -path 'enclave-core/*' -o -path 'init/*' -o -path 'eif-build/*' \) \
    | sort | xargs -d '\n' sha256sum)
}

build() {
  work=$part/work
  mkdir -p "$work/cargo" "$work/out" "$work/src"
  # A copy, or what is built could be other than what was hashed.
  copy_checkout "$source" "$work/src"
  [ "$(contents "$work/src")" = "$code" ] || die 'the source has changed while it was read; try again'
  printf '[source.crates-io]\nreplace-with = "locked"\n[source.locked]\ndirectory = "/vendor"\n' > "$work/cargo/config.toml"
  cp "$kms_root" "$work/kms-root.der"
  say "building $packages"
  # Each package by itself, or cargo would merge the features of what they share. --target keeps the flags from what
  # runs during the build. Paths are the same in every such root; remapped, they are not even those.
  # shellcheck disable=SC2016,SC2086 # the inner shell expands; a list of names
  in_root "$root" "$work" "$rust:/rust" "$crates:/vendor" "$work/src:/src" -- sh -euc '
    target=x86_64-unknown-linux-gnu
    export CARGO_HOME=/build/cargo CARGO_TARGET_DIR=/build/target CAPELET_DEVELOPMENT_KMS_ROOT=/build/kms-root.der
    export CFLAGS="-ffile-prefix-map=/vendor=. -ffile-prefix-map=/build=."
    export RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,--build-id=none \
      --remap-path-prefix=/vendor=. --remap-path-prefix=/src=. --remap-path-prefix=/build=."
    cd /src
    for package; do
      cargo build -q --profile image --locked --offline --target $target -p "$package"
      tree() {
        cargo tree -q --locked --offline --target $target -p "$package" --prefix none --format "{p}" --edges "$1" | sort -u
      }
      tree normal,no-proc-macro > "/build/out/$package.tree"
      tree normal,build > "/build/out/$package.crates"
    done
    find /build/target/$target/image -maxdepth 1 -type f -perm /111 -exec cp {} /build/out/ ";"
  ' sh $packages
  mv "$work"/out/* "$part/"
  echo "$code" > "$part/source"
  rm -rf "$work"
}

code=$(contents "$source")
once "$cache/binaries-$(printf '%s\n' "$packages" "${root##*-}" "${rust##*-}" "${crates##*-}" "$code" \
  | cat - "$here/binaries.sh" "$here/lib.sh" "$kms_root" | sha256sum | cut -c1-16)" build
