#!/bin/sh
# build.sh [--development KMS_ROOT.der] FOLDER: builds the image from this checkout and writes it to FOLDER with its
# measurements. image.sh is the command for people: it compares them with the committed ones.
#
#   capelet.eif         the image
#   measurements.json   PCRs; size and SHA-256 of file and sections; name, version, SHA-256 of all that went in
#   parts/              kernel and its configuration, ramdisk, a list of each program's crates
#
# The development image differs from the release in its core alone, which trusts the KMS with the root KMS_ROOT.der.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=products.sh
. "$here/products.sh"

kms_root=''
if [ "${1:-}" = --development ]; then
  kms_root=${2:?--development needs the root of a development KMS}
  shift 2
fi
out=${1:?build.sh needs the folder for the image}

# Inside begin the checkout is copied: what the measurements name as the inputs is what was built.
begin
[ -z "$kms_root" ] || { cat -- "$kms_root" > "$private/kms-root.der" && kms_root=$private/kms-root.der; }

root=$("$here/root.sh")
kernel=$("$here/kernel.sh")
programs=$("$here/binaries.sh")
new=$private/new in=$private/in work=$private/work
mkdir -p "$new/parts" "$in" "$work"
copied "$kernel" "$private/kernel"
copied "$programs" "$in/programs"
if [ -n "$kms_root" ]; then
  development=$("$here/binaries.sh" "$kms_root")
  copied "$development" "$private/development"
  for suffix in '' .tree .crates; do cp "$private/development/capelet-core-dev$suffix" "$in/programs/capelet-core$suffix"; done
fi
for tree in "$in/programs"/capelet-*.tree; do
  # cargo marks a crate that it names again.
  sed 's/ (\*)$//' "$tree" | sort -u > "$new/parts/$(basename "$tree")"
done
cp "$private/kernel/.config" "$new/parts/kernel.config"
cp "$private/kernel/bzImage" "$new/parts/"
cp "$private/kernel/bzImage" "$here/command-line" "$in/"
sed "s|PROGRAMS|/src/programs|" "$here/ramdisk.list" > "$in/list"

# Every input: packages, toolchain, crates (with those that ran during the build), and our own files.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml" | head -n 1)
ours() { echo "$1 $version $(sha256sum < "$2" | cut -d' ' -f1)"; }
{
  packages "$here/build-root.lock"
  packages "$here/kernel.lock"
  echo "rust $(sed -n 's/^channel = "\(.*\)"$/\1/p' "$source/rust-toolchain.toml") $(sha256sum < "$here/rust.lock" | cut -d' ' -f1)"
  cat "$in"/programs/capelet-*.crates | sed -nE 's/^([^ ]+) v([^ ]+).*/\1 \2/p' | sort -u \
    | while read -r crate v; do
      grep -A 4 -Fx "name = \"$crate\"" "$source/Cargo.lock" | grep -A 3 -Fx "version = \"$v\"" \
        | sed -n "s/^checksum = \"\(.*\)\"$/$crate $v \1/p" | head -n 1
    done
  ours source "$in/programs/source"
  for f in kernel.config ramdisk.list command-line; do ours "$f" "$here/$f"; done
  for f in "$here"/patches/*.patch; do [ ! -e "$f" ] || ours "$(basename "$f")" "$f"; done
  [ -z "$kms_root" ] || ours development-kms-root "$kms_root"
} > "$in/inputs"

# eif-build contains others' crates, as the programs do, so it runs inside the walls too.
# shellcheck disable=SC2016 # the inner shell expands
in_root "$root" "$work" "$in:/src" -- sh -euc '
  eif_build=/src/programs/eif-build
  "$eif_build" cpio --list /src/list --to ramdisk > /dev/null
  "$eif_build" build --kernel /src/bzImage --command-line "$(cat /src/command-line)" --ramdisk ramdisk --to capelet.eif > /dev/null
  "$eif_build" measurements --inputs /src/inputs capelet.eif > measurements.json
  "$eif_build" measure capelet.eif > measured
'
collect "$work" "$new" capelet.eif measurements.json
collect "$work" "$new/parts" ramdisk
collect "$work" "$private" measured

mkdir -p "$out"
rm -rf "$out/parts"
mv "$new/parts" "$new/measurements.json" "$new/capelet.eif" "$out/"

printf '%-16s %9s bytes\n' image "$(stat -c %s "$out/capelet.eif")" kernel "$(stat -c %s "$private/kernel/bzImage")"
for program in capelet-pid1 capelet-core capelet-worker; do
  printf '%-16s %9s bytes, %s crates\n' "${program#capelet-}" "$(stat -c %s "$in/programs/$program")" \
    "$(wc -l < "$out/parts/$program.tree")"
done
grep ^PCR "$private/measured" | tr -c '[:print:]\n' '?'
echo "written to $out"
[ -z "$kms_root" ] || echo 'DEVELOPMENT: no client should pin this image except under a development root'
