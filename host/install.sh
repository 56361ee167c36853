#!/bin/sh
# install.sh: builds the programs and installs them with their man pages and completions; `make install` runs it.
# install.sh uninstall: removes exactly the files that were installed.
#
#   PREFIX    the folder from which they are used (/usr/local)
#   DESTDIR   the folder that stands for / while they are installed, such as the root of a package
set -eu
umask 022
prefix=${PREFIX:-/usr/local}
case $prefix in
/*) ;;
*) echo "Error: PREFIX is $prefix: use an absolute path" >&2; exit 1 ;;
esac
to=${DESTDIR:-}$prefix
case $to in
/*) ;;
*) echo "Error: DESTDIR is $DESTDIR: use an absolute path" >&2; exit 1 ;;
esac
cd "$(dirname "$0")/.."

# The names of all installed files, seen from PREFIX. This list is the last of them.
list=share/capelet/installed
remove() {
    while IFS= read -r file; do rm -f "$to/$file"; done < "$to/$list"
    for folder in share/capelet libexec/capelet; do
        rmdir "$to/$folder" 2> /dev/null || :
    done
}

if [ "${1:-}" = uninstall ]; then
    [ -f "$to/$list" ] || { echo "Error: $to/$list was not found: nothing is installed there" >&2; exit 1; }
    remove
    exit
fi

on_path='capelet capelet-parent capelet-local eif-build'
# capelet-local starts these. Nobody calls them by name.
started='capelet-core-dev capelet-worker capelet-dev-kms'
# shellcheck disable=SC2046,SC2086 # lists of words
"${CARGO:-cargo}" build --locked --quiet --release $(printf -- '--bin %s ' $on_path $started capelet-manual)
built=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$work/bin" "$work/libexec/capelet" "$work/share/capelet"
for program in $on_path; do cp "$built/$program" "$work/bin/"; done
for program in $started; do cp "$built/$program" "$work/libexec/capelet/"; done
"$built/capelet-manual" --to "$work"
files=$(cd "$work" && find . -type f | sed 's|^\./||' | LC_ALL=C sort)
printf '%s\n' "$files" "$list" > "$work/$list"

# Files of another version that this one does not have would otherwise stay.
[ ! -f "$to/$list" ] || remove
while IFS= read -r file; do
    case $file in bin/* | libexec/*) mode=755 ;; *) mode=644 ;; esac
    install -D -m "$mode" "$work/$file" "$to/$file"
done < "$work/$list"
echo "installed in $to; make uninstall PREFIX=$prefix removes it"
