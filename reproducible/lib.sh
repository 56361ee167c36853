# shellcheck shell=sh
# lib.sh: what the scripts of this folder share. Sourced after `here` (this folder) is set.
#
#   CAPELET_CACHE   where everything that is built is kept, named after a hash of what went in
#   CAPELET_DEBS    a folder of .deb files to take before asking apt
#   CAPELET_CLOCK   what the clock inside the root says, as faketime understands it (verify.sh)
umask 022
export LC_ALL=C
cache=${CAPELET_CACHE:-$HOME/.cache/capelet}
say() { echo "$(basename "$0" .sh): $*" >&2; }
die() { say "$*"; exit 1; }

# copy_checkout FROM TO: everything of a checkout but what was built in it, and its history
copy_checkout() { tar -C "$1" --exclude='./target*' --exclude=./build --exclude=./.git -c . | tar -C "$2" -x; }

# key FILE...: a short name for exactly these contents
key() { cat -- "$@" | sha256sum | cut -c1-16; }

# once OUT MAKE: prints OUT, which MAKE (a function) fills as the folder $part if it is not there yet.
# OUT is whole or it is not there.
once() {
  if [ ! -d "$1" ]; then
    part=$1.partial.$$
    rm -rf "$part"
    trap 'rm -rf "$part"' EXIT
    mkdir -p "$part"
    "$2" >&2
    mv -T "$part" "$1" 2> /dev/null || [ -d "$1" ] # somebody else was faster: it is the same
  fi
  echo "$1"
}

# debs LOCK: sees to it that every .deb of the lock file is in $cache/debs, checked, under its SHA-256 as its name
debs() {
  bad=$(grep -Ev '^#|^[a-z0-9+.-]+ [A-Za-z0-9.+:~-]+ [0-9a-f]{64}$' "$1" || :)
  [ -z "$bad" ] || die "$1 is damaged: $bad"
  mkdir -p "$cache/debs"
  [ -z "${CAPELET_DEBS:-}" ] || take "$1" "$CAPELET_DEBS"
  [ -z "$(lacking "$1")" ] || fetch "$1"
  # An index that is old or absent is the usual reason.
  if [ -n "$(lacking "$1")" ] && [ "$(id -u)" = 0 ] && apt-get -qq update >&2; then fetch "$1"; fi
  missing=$(lacking "$1")
  [ -z "$missing" ] || die "cannot be had as locked (name, version, SHA-256):
$missing
Debian's snapshot archive keeps every package that ever was: put these in a folder, name it in CAPELET_DEBS."
}

# fetch LOCK: brings what apt can get of it into the pool
fetch() {
  new=$(mktemp -d)
  lacking "$1" | awk '{ print $1 "=" $2 }' > "$new/names"
  say "fetching $(wc -l < "$new/names") packages through apt"
  # All at once is quick, but gets nothing if one has left the index.
  (cd "$new" && { xargs apt-get -qq download || xargs -n 1 apt-get -qq download < names; } < names > log 2>&1) || :
  take "$1" "$new"
  rm -rf "$new"
}

# lacking LOCK: its lines whose .deb is not in the pool. A name in the pool proves nothing: who restored the cache?
lacking() {
  grep -v '^#' "$1" | while read -r name version hash; do
    echo "$hash  $cache/debs/$hash.deb" | sha256sum -c --status 2> /dev/null || echo "$name $version $hash"
  done
}

# take LOCK FOLDER: brings what the lock names from FOLDER into the pool, by its hash, whatever the file is called
take() {
  part_deb=$cache/debs/partial.$$
  sha256sum "$2"/*.deb 2> /dev/null | while read -r hash file; do
    grep -q " $hash\$" "$1" || continue
    # What was copied is what counts: the folder is somebody else's, who may have changed it since.
    cp "$file" "$part_deb" && echo "$hash  $part_deb" | sha256sum -c --status && mv "$part_deb" "$cache/debs/$hash.deb"
  done
  rm -f "$part_deb"
}

# in_root ROOT WORK FROM:TO... -- COMMAND...: runs COMMAND in the root, which is read-only, with WORK as /build and each
# folder FROM read-only at TO. No network, no environment, none of this machine's files: what comes out depends on
# what went in. Needs root or user namespaces.
in_root() {
  user=
  [ "$(id -u)" = 0 ] || user=--map-root-user
  clock=
  [ -z "${CAPELET_CLOCK:-}" ] \
    || clock="LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1 NO_FAKE_STAT=1 FAKETIME=$CAPELET_CLOCK"
  # shellcheck disable=SC2016,SC2086 # the inner shell expands; $user and $clock are lists
  CLOCK=$clock unshare $user --mount --net --pid --fork sh -euc '
    root=$1 work=$2
    shift 2
    over() { mount --bind "$1" "$2"; }
    fix() { mount -o remount,bind,ro,nosuid,nodev "$1"; }
    over "$root" "$root" && fix "$root"
    over "$work" "$root/build"
    while [ "$1" != -- ]; do
      over "${1%%:*}" "$root${1##*:}" && fix "$root${1##*:}"
      shift
    done
    shift
    for d in null zero urandom; do over /dev/$d "$root/dev/$d"; done
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/tmp"
    exec chroot "$root" /usr/bin/env -i -C /build PATH=/rust/bin:/usr/bin HOME=/build LC_ALL=C TZ=UTC \
      SOURCE_DATE_EPOCH=0 $CLOCK "$@"
  ' sh "$@"
}
