#!/bin/sh
# relock.sh [--newest] [--no-build]: writes the lock files anew where the archive has dropped a locked version; with
# --newest, takes the newest version of every package. Then it builds the image and shows what changed. Nothing is
# committed: `git diff` shows the locks, and `reproducible/image.sh --write` accepts the new measurements.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=debs.sh
. "$here/debs.sh"
newest='' build=yes
for word; do
  case $word in
    --newest) newest=yes ;;
    --no-build) build='' ;;
    *) die "unknown option: $word; usage: relock.sh [--newest] [--no-build]" ;;
  esac
done
# New hashes come from lists that apt has just verified, not from what a cache holds.
rm -rf "$cache"/apt-*
# index NAME: version and SHA-256 of every build of a package that the archive has, the newest first
index() {
  apt-cache show "$1" 2> /dev/null | awk '$1 == "Version:" { version = $2 } $1 == "SHA256:" { print version, $2 }'
}
relock() { # LOCK
  lines "$1" > /dev/null
  changed=0 release=''
  while read -r first second third; do
    case $first in
      release)
        release=$second
        apt_for "$release" || die "no package lists of $release"
        echo "$first $second"
        ;;
      '#'* | file) echo "$first $second${third:+ $third}" ;;
      *)
        found=$(index "$first")
        [ -n "$found" ] || die "$release has no package $first any more: edit $1"
        if [ -z "$newest" ] && echo "$found" | grep -Fqx "$second $third"; then
          echo "$first $second $third"
        else
          best=$(echo "$found" | head -n 1)
          echo "$first $best"
          [ "$best" = "$second $third" ] || { say "$first: $second is now ${best% *}"; changed=$((changed + 1)); }
        fi
        ;;
    esac
  done < "$1" > "$1.new"
  cat "$1.new" > "$1"
  rm -f "$1.new"
  say "$1: $changed packages changed"
}
trap 'rm -f "$here"/*.lock.new "$here"/../dev/qemu/*.lock.new' EXIT
for lock in "$here/build-root.lock" "$here/kernel.lock" "$here/../dev/qemu/qemu.lock"; do
  relock "$lock"
done
[ -n "$build" ] || exit 0
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
trap 'exit 143' INT TERM HUP
"$here/build.sh" "$new"
if diff -u "$here/measurements.json" "$new/measurements.json" >&2; then
  say 'the image is the committed one'
else
  say "the image is another one; reproducible/image.sh --write accepts its measurements"
fi
