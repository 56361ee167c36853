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
source=$(dirname "$here")

kms_root=''
if [ "${1:-}" = --development ]; then
  kms_root=${2:?--development needs the root of a development KMS}
  shift 2
fi
out=${1:?build.sh needs the folder for the image}

kernel=$("$here/kernel.sh")
programs=$("$here/binaries.sh")
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
mkdir -p "$new/parts" "$new/programs"
cp "$programs"/* "$new/programs/"
if [ -n "$kms_root" ]; then
  development=$("$here/binaries.sh" "$kms_root")
  for suffix in '' .tree .crates; do cp "$development/capelet-core-dev$suffix" "$new/programs/capelet-core$suffix"; done
fi
eif_build=$programs/eif-build

sed "s|PROGRAMS|$new/programs|" "$here/ramdisk.list" > "$new/list"
"$eif_build" cpio --list "$new/list" --to "$new/parts/ramdisk" > /dev/null
cp "$kernel/bzImage" "$new/parts/"
for tree in "$new/programs"/capelet-*.tree; do
  # cargo marks a crate that it names again.
  sed 's/ (\*)$//' "$tree" | sort -u > "$new/parts/$(basename "$tree")"
done
cp "$kernel/.config" "$new/parts/kernel.config"
"$eif_build" build --kernel "$kernel/bzImage" --command-line "$(cat "$here/command-line")" --ramdisk "$new/parts/ramdisk" \
  --to "$new/capelet.eif" > /dev/null

# Every input: packages, toolchain, crates (with those that ran during the build), and our own files.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/Cargo.toml" | head -n 1)
ours() { echo "$1 $version $(sha256sum < "$2" | cut -d' ' -f1)"; }
{
  packages "$here/build-root.lock"
  packages "$here/kernel.lock"
  echo "rust $(sed -n 's/^channel = "\(.*\)"$/\1/p' "$source/rust-toolchain.toml") $(sha256sum < "$here/rust.lock" | cut -d' ' -f1)"
  cat "$new"/programs/capelet-*.crates | sed -nE 's/^([^ ]+) v([^ ]+).*/\1 \2/p' | sort -u \
    | while read -r crate v; do
      grep -A 4 -Fx "name = \"$crate\"" "$source/Cargo.lock" | grep -A 3 -Fx "version = \"$v\"" \
        | sed -n "s/^checksum = \"\(.*\)\"$/$crate $v \1/p" | head -n 1
    done
  ours source "$programs/source"
  for f in kernel.config ramdisk.list command-line; do ours "$f" "$here/$f"; done
  for f in "$here"/patches/*.patch; do [ ! -e "$f" ] || ours "$(basename "$f")" "$f"; done
  [ -z "$kms_root" ] || ours development-kms-root "$kms_root"
} > "$new/inputs"
"$eif_build" measurements --inputs "$new/inputs" "$new/capelet.eif" > "$new/measurements.json"

mkdir -p "$out"
rm -rf "$out/parts"
mv "$new/parts" "$new/measurements.json" "$new/capelet.eif" "$out/"

printf '%-16s %9s bytes\n' image "$(stat -c %s "$out/capelet.eif")" kernel "$(stat -c %s "$kernel/bzImage")"
for program in capelet-pid1 capelet-core capelet-worker; do
  printf '%-16s %9s bytes, %s crates\n' "${program#capelet-}" "$(stat -c %s "$new/programs/$program")" \
    "$(wc -l < "$out/parts/$program.tree")"
done
"$eif_build" measure "$out/capelet.eif" | grep ^PCR
echo "written to $out"
[ -z "$kms_root" ] || echo 'DEVELOPMENT: no client should pin this image except under a development root'
