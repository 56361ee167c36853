#!/bin/sh
# root.sh: makes the root in which everything in the image is built, from the packages in build-root.lock alone, and
# prints its folder. Files are unpacked and the few needed links made; no maintainer script runs.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=debs.sh
. "$here/debs.sh"
# shellcheck source=products.sh
. "$here/products.sh"
begin

unpack() {
  debs "$here/build-root.lock"
  say 'unpacking the build root'
  mkdir -p "$part/usr/bin" "$part/usr/sbin" "$part/usr/lib" "$part/usr/lib64"
  for d in bin sbin lib lib64; do ln -s "usr/$d" "$part/$d"; done
  packages "$here/build-root.lock" | while read -r _ _ hash; do
    deb "$hash"
    dpkg-deb --fsys-tarfile "$private/deb" \
      | tar -xp -C "$part" --no-same-owner --keep-directory-symlink --exclude=./usr/share/doc --exclude=./usr/share/man
  done
  ln -sf dash "$part/usr/bin/sh"
  ln -sf mawk "$part/usr/bin/awk"
  ln -sf gcc "$part/usr/bin/cc"
  # Where walls.pl mounts what it is given.
  for d in build src rust vendor dev proc tmp; do mkdir -p "$part/$d"; done
}

once "$cache/root-$(packages "$here/build-root.lock" | key - "$here/root.sh" "$here/lib.sh" "$here/walls.pl")" unpack
