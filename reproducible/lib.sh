# shellcheck shell=sh
# lib.sh: shared by the scripts of this folder. They set `here` (this folder) and then source it. A change of this file or
# of walls.pl rebuilds everything; what cannot change a result stands in products.sh, debs.sh and closure.sh.
#
#   CAPELET_CACHE   the folder that keeps everything that was built, each under a hash of its inputs
#   CAPELET_CLOCK   the clock inside the root, as faketime understands it (verify.sh)
umask 022
export LC_ALL=C
cache=${CAPELET_CACHE:-$HOME/.cache/capelet}
say() { echo "$(basename "$0" .sh): $*" >&2; }
die() { say "$*"; exit 1; }

# copy_checkout FROM TO: copies a checkout without its history and without what was built in it
copy_checkout() {
  tar -C "$1" --exclude-caches-all --exclude='./target*' --exclude=./build --exclude=./.git -c . | tar -C "$2" -x
}

# packages LOCK: its lines NAME VERSION SHA256, without comments and releases
packages() { grep -Ev '^(#|release |file )' "$1"; }
# key FILE...: a short name for exactly these contents
key() { cat -- "$@" | sha256sum | cut -c1-16; }

# in_root ROOT WORK FROM:TO... -- COMMAND...: runs COMMAND in the read-only ROOT, with WORK as /build and each folder FROM
# read-only at TO. COMMAND sees no network, no environment and no other files of this machine, so that its result
# depends on its inputs alone, and it cannot leave (walls.pl).
in_root() {
  work=$2
  clock=
  [ -z "${CAPELET_CLOCK:-}" ] \
    || clock="LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1 NO_FAKE_STAT=1 FAKETIME=$CAPELET_CLOCK"
  # walls.pl runs COMMAND as this user if the caller is root.
  [ "$(id -u)" != 0 ] || chown -hR 65533:65533 "$work"
  CLOCK=$clock "$here/walls.pl" "$@"
  [ "$(id -u)" != 0 ] || chown -hR 0:0 "$work"
}
# collect WORK TO NAME...: copies results out of WORK. COMMAND may have left a link there, to a file that it cannot read.
collect() {
  from=$1 to=$2
  shift 2
  for name; do
    [ -f "$from/$name" ] && [ ! -L "$from/$name" ] || die "the build left no file $name, or something else under that name"
    cp -- "$from/$name" "$to/$name"
  done
}
