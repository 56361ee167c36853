#!/bin/sh
# root.sh: the root that everything in the image is built in, from the packages that build-root.lock names, no others.
# No maintainer script runs: files are unpacked, and the few links made that the scripts would make. Prints its folder.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

unpack() {
  debs "$here/build-root.lock"
  say 'unpacking the build root'
  mkdir -p "$part/usr/bin" "$part/usr/sbin" "$part/usr/lib" "$part/usr/lib64"
  for d in bin sbin lib lib64; do ln -s "usr/$d" "$part/$d"; done
  grep -v '^#' "$here/build-root.lock" | while read -r _ _ hash; do
    dpkg-deb --fsys-tarfile "$cache/debs/$hash.deb" \
      | tar -xp -C "$part" --no-same-owner --keep-directory-symlink --exclude=./usr/share/doc --exclude=./usr/share/man
  done
  ln -sf dash "$part/usr/bin/sh"
  ln -sf mawk "$part/usr/bin/awk"
  ln -sf gcc "$part/usr/bin/cc"
  # Where in_root puts what it lends.
  for d in build src rust vendor dev proc tmp; do mkdir -p "$part/$d"; done
  for f in null zero urandom; do : > "$part/dev/$f"; done
  for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "$part/dev/${n#*:}"; done
  ln -s /proc/self/fd "$part/dev/fd"
}

once "$cache/root-$(key "$here/build-root.lock" "$here/root.sh" "$here/lib.sh")" unpack
