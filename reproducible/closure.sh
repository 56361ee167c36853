# shellcheck shell=sh
# closure.sh: what a package of this workspace is compiled from, and nothing else. Sourced after lib.sh, with $rust set.
# A build is kept under the hash of its closure, so that a change elsewhere in the workspace does not repeat it.
target=x86_64-unknown-linux-gnu
# crates_of CHECKOUT PACKAGE...: each crate with its version and features, a dependency's dependencies included
crates_of() {
  checkout=$1
  shift
  listed=''
  for package; do
    listed="$listed
$(cd "$checkout" && "$rust/bin/cargo" tree -q --locked --offline --target $target --edges normal,build --prefix none \
  --format '{p} [{f}]' -p "$package")" || die "cargo cannot list the crates of $package"
  done
  echo "$listed" | sed 's/ (\*)$//; s/ (proc-macro)//; /^$/d' | sort -u
}
# sources_of CHECKOUT CRATES: the files of those crates that are folders of the checkout, relative to it: all that the
# compiler may read
sources_of() {
  here_in=$(CDPATH='' cd -- "$1" && pwd)
  echo "$2" | sed -nE "s|^[^ ]+ v[^ ]+ \($here_in/([^)]*)\).*|\1|p" | sort -u | while read -r member; do
    # Beside the manifest lies the build script, if there is one.
    (cd "$1" && find "$member/src" -type f && find "$member" -maxdepth 1 -type f \( -name Cargo.toml -o -name '*.rs' \))
  done | sort
}
# closure CHECKOUT PACKAGE...: lists it, one line each: crates (from Cargo.lock by SHA-256), the profiles and other
# settings of the workspace that reach the compiler, files by SHA-256
closure() {
  crates_in=$(crates_of "$@") || exit 1
  echo "$crates_in" | sed -E 's| \(/[^)]*\)||'
  echo "$crates_in" | sed -nE 's/^([^ ]+) v([^ ]+) \[.*/\1 \2/p' | while read -r crate version; do
    grep -A 3 -Fx "name = \"$crate\"" "$1/Cargo.lock" | grep -A 2 -Fx "version = \"$version\"" | grep '^checksum = ' \
      || die "Cargo.lock has no checksum of $crate $version"
  done
  awk '/^\[/ { on = /^\[(workspace\.(package|lints)|profile\.(release|image))/ } on && !/^(#|$)/' "$1/Cargo.toml"
  sources_of "$1" "$crates_in" | (cd "$1" && xargs -d '\n' sha256sum)
}
# prune CHECKOUT PACKAGE...: takes every other source out of a copy. Manifests stay, and empty files under the names that
# they may mention, because cargo wants to see them.
prune() {
  crates_in=$(crates_of "$@") || exit 1
  sources_of "$1" "$crates_in" > "$1.sources"
  (cd "$1" && find . -type f | sed 's|^\./||' | sort | comm -23 - "$1.sources" | while read -r file; do
    case $file in
      Cargo.lock | Cargo.toml | */Cargo.toml) ;;
      *.rs) : > "$file" ;;
      *) rm -f "$file" ;;
    esac
  done)
}
