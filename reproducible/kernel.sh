#!/bin/sh
# kernel.sh: builds the kernel from kernel.lock, kernel.config and patches/ inside the locked root, in six CPU-minutes,
# and prints a folder with bzImage, its .config, and objects, the SHA-256 of every object file: where two builds differ,
# the first line that differs says where.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=debs.sh
. "$here/debs.sh"
# shellcheck source=products.sh
. "$here/products.sh"
begin

root=$("$here/root.sh")

build() {
  debs "$here/kernel.lock"
  read -r package _ hash <<LOCK
$(packages "$here/kernel.lock")
LOCK
  work=$private/work in=$private/in
  mkdir -p "$work" "$in/patches"
  deb "$hash"
  dpkg-deb --fsys-tarfile "$private/deb" | tar -xO "./usr/src/$package.tar.xz" > "$in/source.tar.xz"
  cp "$here/kernel.config" "$here/check-config.sh" "$in/"
  for p in "$here"/patches/*.patch; do [ ! -e "$p" ] || cp "$p" "$in/patches/"; done
  say "building ${package#linux-source-}"
  # Without RUSTC=false and the like kconfig looks for these programs and writes into .config what it found. The
  # banner is asked for to the letter, and it must come out so: some versions reformat the time they are given.
  # shellcheck disable=SC2016 # the inner shell expands
  in_root "$root" "$work" "$in:/src" -- sh -euc '
    tar xJf /src/source.tar.xz --no-same-owner
    cd linux-source-*
    for p in /src/patches/*.patch; do [ ! -e "$p" ] || patch -sp1 < "$p"; done
    when="Thu Jan  1 00:00:00 UTC 1970"
    k() {
      make -s -j "$(nproc)" RUSTC=false BINDGEN=false PAHOLE=false KBUILD_BUILD_VERSION=1 \
        KBUILD_BUILD_USER=capelet KBUILD_BUILD_HOST=capelet KBUILD_BUILD_TIMESTAMP="$when" "$@"
    }
    k KCONFIG_ALLCONFIG=/src/kernel.config allnoconfig
    /src/check-config.sh .config . /src/kernel.config
    k bzImage
    release=$(cat include/config/kernel.release)
    compiler=$(gcc --version | head -n 1)
    linker=$(ld --version | head -n 1)
    banner="Linux version $release (capelet@capelet) ($compiler, $linker) #1 SMP $when"
    grep -aqF "$banner" vmlinux || { echo "the banner is not as asked for: $banner"; exit 1; }
    cp arch/x86/boot/bzImage .config ..
    find . -name "*.o" -exec sha256sum {} + | sort -k 2 > ../objects
  '
  collect "$work" "$part" bzImage .config objects
  say "$(stat -c %s "$part/bzImage") bytes, $(wc -l < "$part/objects") objects"
}

set -- "$here/kernel.sh" "$here/kernel.config" "$here/check-config.sh"
for p in "$here"/patches/*.patch; do [ ! -e "$p" ] || set -- "$@" "$p"; done
# The root's name ends with the hash of its inputs, lib.sh among them.
inputs() { echo "${root##*-}" && packages "$here/kernel.lock" && cat -- "$@"; }
once "$cache/kernel-$(inputs "$@" | key -)" build
