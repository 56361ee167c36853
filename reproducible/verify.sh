#!/bin/sh
# verify.sh: builds the image twice, here and as differently as this machine allows (another folder, user, home, umask,
# time zone, locale, CARGO_HOME, for the kernel another clock, nothing cached but what was downloaded), and compares
# section by section. Where they differ it names the first object or program that does. Exit status 0 only if everything
# is equal.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=products.sh
. "$here/products.sh"
# Both builds are made from one copy of the checkout.
begin

other=$(mktemp -d "${TMPDIR:-/var/tmp}/other.XXXXXX")
trap 'rm -rf "$other" "$private"' EXIT
first=$other/first second=$other/second
"$here/build.sh" "$first"

mkdir -p "$other/checkout" "$other/home" "$second"
copy_checkout "$source" "$other/checkout"
as='user as before, for it takes root to become another'
become=
if [ "$(id -u)" = 0 ]; then
  as='user nobody' become='setpriv --reuid 65534 --regid 65534 --clear-groups'
  chmod 755 "$other"
  chown -R 65534:65534 "$other/checkout" "$other/home" "$second"
fi
debs=$cache/debs rust=$("$here/rust.sh")
# What was downloaded is not built: it may be shared, if the other user can read it.
cp -r "$debs" "$other/debs"
cp -r "$rust" "$other/rust"
chmod -R a+rX "$other/debs" "$other/rust"

say "once more: $as, $other/checkout, umask 077, Pacific/Chatham, another locale, for the kernel a clock 400 days on"
# again SCRIPT...: runs it in the other checkout, as the other user
again() {
  # The compiler that this machine's PATH has may be in somebody's home, where the other user may not look.
  # shellcheck disable=SC2086 # a command or nothing
  (
    cd "$other/checkout" && umask 077
    env -i PATH="$other/rust/bin:$PATH" HOME="$other/home" CARGO_HOME="$other/home/cargo" CAPELET_CACHE="$other/home/cache" \
      CAPELET_DEBS="$other/debs" CAPELET_RUST="$other/rust" CAPELET_CLOCK=+400d TZ=Pacific/Chatham LANG=tr_TR.UTF-8 \
      LC_ALL=tr_TR.UTF-8 $become "$@"
  )
}
again reproducible/build.sh "$second" > "$second/log"

equal=yes
compare() { # WHAT ONE OTHER
  if cmp -s "$2" "$3"; then say "equal: $1"; else say "DIFFERENT: $1"; equal=no; fi
}
compare kernel "$first/parts/bzImage" "$second/parts/bzImage"
compare ramdisk "$first/parts/ramdisk" "$second/parts/ramdisk"
compare capelet.eif "$first/capelet.eif" "$second/capelet.eif"
compare measurements.json "$first/measurements.json" "$second/measurements.json"
compare 'measurements.json and the committed one' "$first/measurements.json" "$here/measurements.json"
if [ $equal = no ]; then
  one=$("$here/kernel.sh")
  two=$(again reproducible/kernel.sh)
  diff "$one/objects" "$two/objects" | sed -n 's/^[<>] [0-9a-f]* */first object that differs: /p' | head -n 1 >&2
  one=$("$here/binaries.sh")
  two=$(again reproducible/binaries.sh)
  for f in "$one"/*; do
    cmp "$f" "$two/$(basename "$f")" >&2 || break
  done
  exit 1
fi
