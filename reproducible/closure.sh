# shellcheck shell=sh
# closure.sh: what a package of this workspace is compiled from. Sourced after lib.sh, with $rust set. A build is kept under
# the hash of its closure, so that a change elsewhere in the workspace does not repeat it. Cargo.lock and the other
# manifests stay readable in the copy that is compiled, unhashed: a source of ours that read them as data would show it.
target=x86_64-unknown-linux-gnu
# tree_of CHECKOUT PACKAGE...: each package's tree of crates with versions and features, as cargo resolves it. Neither this
# machine's environment nor another toolchain has a part in it.
tree_of() {
  checkout=$(CDPATH='' cd -- "$1" && pwd -P)
  shift
  for package; do
    (cd "$checkout" && env -i PATH="$PATH" HOME="$HOME" CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" RUSTC="$rust/bin/rustc" \
      "$rust/bin/cargo" tree -q --locked --offline --target $target --edges normal,build --prefix depth --format ' {p} [{f}]' \
      -p "$package") || die "cargo cannot list the crates of $package"
  done
}
# sources_of CHECKOUT TREE: the files of the crates in the tree that are folders of the checkout, relative to it: all
# sources that the compiler may read. The compiler follows links, so every link on the way to a source is refused, and
# prune takes all other ones away.
sources_of() {
  top=$(CDPATH='' cd -- "$1" && pwd -P)
  members=$(echo "$2" | sed -nE 's/^[0-9]+ [^ ]+ v[^ ]+ \((\/[^)]*)\) .*/\1/p' | sort -u \
    | awk -v top="$top/" 'index($0, top) == 1 { print substr($0, length(top) + 1) }')
  [ -n "$members" ] || die "no package of $top is among the crates"
  # The lists here have a name in each line.
  other=$(find "$top" -name '*[[:cntrl:]]*' | tr -c '[:print:]\n' '?')
  [ -z "$other" ] || die "a name with control characters: $other"
  # In this order: each folder on the way, beginning with the package's; the two files that all crates share, and the
  # manifest; what is in src; what lies beside the manifest, such as the build script.
  other=$(
    for member in $members; do
      folder=$top/$member
      while [ "$folder" != "$top" ]; do
        find "$folder" -maxdepth 0 ! -type d
        folder=$(dirname "$folder")
      done
      find "$top/Cargo.toml" "$top/Cargo.lock" "$top/$member/Cargo.toml" -maxdepth 0 ! -type f
      find "$top/$member/src" ! -type f ! -type d
      find "$top/$member" -maxdepth 1 -name '*.rs' ! -type f ! -type d
    done
  )
  [ -z "$other" ] || die "neither a file nor a folder, and what it leads to is not hashed: $other"
  for member in $members; do
    (cd "$top" && find "$member/src" -type f && find "$member" -maxdepth 1 -type f \( -name Cargo.toml -o -name '*.rs' \))
  done | sort
}
# closure CHECKOUT PACKAGE...: lists it: the trees of crates, each crate's SHA-256 from Cargo.lock, the settings of the
# workspace that reach the compiler, every source by its SHA-256
closure() {
  trees=$(tree_of "$@") || exit 1
  sources=$(sources_of "$1" "$trees") || exit 1
  echo "$trees" | sed -E 's| \(/[^)]*\)||'
  echo "$trees" | sed -nE 's/^[0-9]+ ([^ ]+) v([^ ]+) \[.*/\1 \2/p' | sort -u | while read -r crate version; do
    grep -A 3 -Fx "name = \"$crate\"" "$1/Cargo.lock" | grep -A 2 -Fx "version = \"$version\"" | grep '^checksum = ' \
      || die "Cargo.lock has no checksum of $crate $version"
  done || exit 1
  awk '/^\[/ { on = /^\[ *(workspace\.(package|lints)|profile)/ } on && !/^(#|$)/' "$1/Cargo.toml"
  # Dependencies that these packages take from the workspace: under which name, and with which features.
  (cd "$1" && echo "$sources" | grep '/Cargo.toml$' | xargs sed -nE 's/^([A-Za-z0-9_-]+)(\.workspace = true| = \{ workspace = true.*)$/\1/p') \
    | sort -u | while read -r name; do grep "^$name = " "$1/Cargo.toml" || die "Cargo.toml has no dependency $name"; done || exit 1
  (cd "$1" && echo "$sources" | xargs -d '\n' sha256sum)
}
# prune CHECKOUT PACKAGE...: takes every other source out of a copy, and all that is neither a file nor a folder. Manifests
# stay, and empty files under the names that they may mention, because cargo asks for them.
prune() {
  trees=$(tree_of "$@") || exit 1
  sources_of "$1" "$trees" > "$1.sources" || exit 1
  # Before a file is emptied: a link would empty what it leads to.
  find "$1" ! -type d ! -type f -delete
  (cd "$1" && find . -type f | sed 's|^\./||' | sort | comm -23 - "$1.sources" | while read -r file; do
    case $file in
      Cargo.lock | Cargo.toml | */Cargo.toml) ;;
      *.rs) : > "$file" ;;
      *) rm -f "$file" ;;
    esac
  done)
}
