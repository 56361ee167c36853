# shellcheck shell=sh
# lib.sh: shared by the scripts of this folder. They set `here` (this folder) and then source it. A change of this file
# rebuilds everything; what cannot change a result stands in debs.sh and closure.sh.
#
#   CAPELET_CACHE   the folder that keeps everything that was built, each under a hash of its inputs
#   CAPELET_CLOCK   the clock inside the root, as faketime understands it (verify.sh)
umask 022
export LC_ALL=C
cache=${CAPELET_CACHE:-$HOME/.cache/capelet}
say() { echo "$(basename "$0" .sh): $*" >&2; }
die() { say "$*"; exit 1; }

# copy_checkout FROM TO: copies a checkout without its history and without what was built in it
copy_checkout() { tar -C "$1" --exclude='./target*' --exclude=./build --exclude=./.git -c . | tar -C "$2" -x; }

# packages LOCK: its lines NAME VERSION SHA256, without comments and releases
packages() { grep -Ev '^(#|release |file )' "$1"; }
# key FILE...: a short name for exactly these contents
key() { cat -- "$@" | sha256sum | cut -c1-16; }

# once OUT MAKE: prints OUT. If OUT does not exist, MAKE (a function) fills the folder $part, which then becomes OUT.
# OUT is complete or does not exist.
once() {
  if [ ! -d "$1" ]; then
    part=$1.partial.$$
    rm -rf "$part"
    trap 'rm -rf "$part"' EXIT
    # Without this dash ends on a signal and leaves the folder.
    trap 'exit 143' INT TERM HUP
    mkdir -p "$part"
    "$2" >&2
    mv -T "$part" "$1" 2> /dev/null || [ -d "$1" ] # another process was faster; its result is the same
  fi
  echo "$1"
}

# in_root ROOT WORK FROM:TO... -- COMMAND...: runs COMMAND in the read-only ROOT, with WORK as /build and each folder FROM
# read-only at TO. COMMAND sees no network, no environment and no other files of this machine, so that its result
# depends on its inputs alone. Needs root or user namespaces.
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
