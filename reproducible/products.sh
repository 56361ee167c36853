# shellcheck shell=sh
# products.sh: what is hashed is what is used. Sourced after lib.sh. A script first copies the checkout into a private
# folder and reads it there alone. What it builds is kept in the cache, and is compared with its manifest at each use.
#
#   CAPELET_BUILT   the folder that keeps the hash of each manifest: ~/.local/state/capelet-build
#
# A product NAME in the cache has a manifest beside it, NAME.manifest: type, mode and name of each entry, and the SHA-256 of
# each file. The SHA-256 of the manifest is in the file NAME in $built, which is no part of the cache. So a cache that was
# damaged, or that came from somebody else, is noticed. Whoever can write $built can change these scripts as well.
built=${CAPELET_BUILT:-${XDG_STATE_HOME:-$HOME/.local/state}/capelet-build}
private=

# only_ours FOLDER VARIABLE: makes the folder. It is refused if another user owns it or may write there.
only_ours() {
  mkdir -p "$1" || die "the folder $1 cannot be made: name another one in $2"
  [ -z "$(find "$1/." -maxdepth 0 \( ! -user "$(id -u)" -o -perm /022 \))" ] \
    || die "the folder $1 belongs to another user, or others may write there ($(stat -L -c '%U, %a' "$1")): name another one in $2"
}
# begin: makes the folder $private, which ends with the script, and copies the checkout there. Sets `here` and `source` to
# the copy, unless the caller did all this and `here` is in its copy.
begin() {
  private=
  only_ours "$cache" CAPELET_CACHE
  only_ours "$built" CAPELET_BUILT
  trap '[ -z "$private" ] || rm -rf "$private"' EXIT
  # Without this dash ends on a signal and leaves the folder.
  trap 'exit 143' INT TERM HUP
  private=$(mktemp -d "$cache/private.XXXXXXXX")
  if [ "${CAPELET_COPY:-}" != "$(dirname "$here")" ]; then
    CAPELET_COPY=$private/checkout
    mkdir "$CAPELET_COPY"
    copy_checkout "$(dirname "$here")" "$CAPELET_COPY"
    # cargo would read its configuration there, which can name another compiler, other crates or other variables.
    rm -rf "$CAPELET_COPY/.cargo"
    # What runs during the build is another user.
    chmod -R a+rX "$CAPELET_COPY"
    export CAPELET_COPY
    here=$CAPELET_COPY/reproducible
  fi
  source=$(dirname "$here")
}

# manifest FOLDER: lists what is in it
manifest() {
  (cd "$1" && find . -mindepth 1 -printf '%y %m %p -> %l\n' | sort && find . -type f -print0 | sort -z | xargs -0r sha256sum)
}
# fault NAME FOLDER: says how FOLDER differs from the product NAME when it was built. Prints nothing if it is the same.
fault() {
  [ -d "$2" ] && [ ! -L "$2" ] || { echo 'it is not a folder'; return; }
  loose=$(find "$2" \( ! -user "$(id -u)" -o ! -type l -perm /022 \) -print -quit)
  [ -z "$loose" ] || { echo "others may write $loose"; return; }
  [ -f "$built/$1" ] || { echo "$built has no hash of its manifest"; return; }
  cp "$cache/$1.manifest" "$private/then" 2> /dev/null || { echo 'its manifest is missing'; return; }
  [ "$(sha256sum < "$private/then")" = "$(cat "$built/$1")" ] || { echo 'its manifest was changed'; return; }
  manifest "$2" > "$private/now" || { echo 'it cannot be read'; return; }
  ! cmp -s "$private/then" "$private/now" || return 0
  # The name of the first entry that differs, without characters that a terminal obeys.
  echo "changed since it was built: $(diff "$private/then" "$private/now" | tr -c '[:print:]\n' '?' \
    | sed -nE 's/^[<>] ([0-9a-f]{64}  |[a-z] [0-7]+ )(.*)$/\2/p' | sed 's/ -> .*//' | head -n 1)"
}
# once OUT MAKE: prints OUT, a folder in the cache. If it does not exist, or is not what was built, MAKE (a function) fills
# the folder $part, which then becomes OUT. OUT is complete or does not exist.
once() {
  # MAKE shares the variables of this shell, so that the name is taken from $1 each time.
  exec 9> "$built/${1##*/}.lock"
  flock -n 9 || { say "waiting for another build of ${1##*/}"; flock 9; }
  if [ -e "$1" ] || [ -L "$1" ]; then
    fault=$(fault "${1##*/}" "$1")
    [ -z "$fault" ] || { say "${1##*/} in $cache is not used, and built again: $fault"; rm -rf "$1"; }
  fi
  if [ ! -d "$1" ]; then
    part=$private/part
    mkdir "$part"
    "$2" >&2
    odd=$(find "$part" ! -type f ! -type d ! -type l -print -quit)
    [ -z "$odd" ] || die "neither a file nor a folder nor a link: $odd"
    chmod -R a+rX,go-w "$part"
    manifest "$part" > "$private/manifest"
    sha256sum < "$private/manifest" > "$private/hash"
    [ ! -e "$built/${1##*/}" ] || cmp -s "$private/hash" "$built/${1##*/}" \
      || say "${1##*/}: this build differs from the one before"
    mv "$private/manifest" "$1.manifest"
    mv "$private/hash" "$built/${1##*/}"
    mv -T "$part" "$1"
  fi
  exec 9>&-
  echo "$1"
}
# copied OUT TO: copies the product OUT to TO, and checks the copy
copied() {
  cp -a --reflink=auto "$1" "$2"
  fault=$(fault "$(basename "$1")" "$2")
  [ -z "$fault" ] || die "$1 changed while it was copied: $fault; try again"
}
