#!/bin/sh
# audit.sh [--write]: what there is to read for whoever audits the image, as docs/audit.md: the crates of each program,
# our own lines and unsafe blocks, the files of the image, the kernel's objects, and that there is no shell, interpreter
# or debug console. Builds the image, if it is not there. Fails if the committed page says something else, or if
# something has no explanation; --write writes the page instead.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
source=$(dirname "$here")
cargo=${CARGO:-cargo}
cd "$source"

write=''
case ${1:-} in
  --write) write=yes ;;
  ?*) die "no such option: $1" ;;
esac
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
image=$new/built
"$here/image.sh" "$image" > /dev/null

# --- the source ------------------------------------------------------------------------------------------------------

crates() { # PACKAGE: its tree, as it is built into the image
  $cargo tree -q --locked --offline --target x86_64-unknown-linux-gnu -p "$1" --edges normal,no-proc-macro --format '{p}' \
    | sed 's| (/[^)]*)||; s| (proc-macro)||'
}

ours='enclave-core/src enclave-core/aws-lc/src init/job/src init/pid1/src init/core/src init/worker/src'

# count FOLDER...: for each, files, lines of code (no comments, no blank ones) and unsafe blocks; without tests: what
# stands behind #[cfg(test)], and the files that it names.
count() {
  for folder; do
    find "$folder" -name '*.rs' -path '*/src/*' | sort > "$new/files"
    xargs awk -v folder="$folder" '
      FNR == 1 {
        skip = was = 0
        dir = base = FILENAME
        sub(/[^\/]*$/, "", dir)
        sub(/.*\//, "", base)
        sub(/\.rs$/, "", base)
      }
      # The attribute is on a module of this file, or on one of another file, or on something small.
      was && /^(pub )?mod [a-z0-9_]+;/ {
        name = $0
        gsub(/^(pub )?mod |;.*/, "", name)
        tests[(base ~ /^(lib|main|mod)$/ ? dir : dir base "/") name ".rs"]
        was = 0
        next
      }
      was && /\{ *$/ { skip = 1; was = 0; next }
      was && !/^#\[/ { was = 0; next }
      /^#\[cfg\(test\)\]/ { was = 1; next }
      skip { if (/^\}/) skip = 0; next }
      { files[FILENAME] }
      /^[ \t]*(\/\/|$)/ { next }
      { lines[FILENAME]++ }
      /(^|[^a-z_])unsafe( \{|$| fn| impl)/ { blocks[FILENAME]++ }
      END {
        for (f in files) if (!(f in tests)) { count++; total += lines[f]; bad += blocks[f] }
        printf "| `%s` | %d | %d | %d |\n", folder, count, total, bad
      }' < "$new/files"
  done
}

source_part() {
  echo '## The crates of each program'
  echo
  for program in pid1 core worker; do
    crates "capelet-$program" > "$new/tree"
    names=$(sed -E 's/^[│├└─ ]*//; s/ \(\*\)$//' "$new/tree" | sort -u)
    printf '### %s: %s crates, itself among them\n\n```\n' "$program" "$(echo "$names" | wc -l)"
    cat "$new/tree"
    printf '```\n\n'
  done
  echo '## The crates by size'
  echo
  echo 'Lines of Rust in `src/`, without comments and blank lines, tests and other platforms included: an upper bound.'
  echo '`aws-lc-sys` is mostly C and assembly, of which the linker keeps what is called.'
  echo
  echo '| crate | lines | in |'
  echo '|---|---|---|'
  vendored=$("$here/crates.sh")
  for program in pid1 core worker; do
    crates "capelet-$program" | sed -E 's/^[│├└─ ]*//; s/ \(\*\)$//; s/ v/-/' | sort -u | sed "s/$/ $program/"
  done | sort | awk '{ in_[$1] = in_[$1] " " $2 } END { for (c in in_) print c in_[c] }' | sort > "$new/where"
  while read -r crate where; do
    [ -d "$vendored/$crate/src" ] || continue
    lines=$(find "$vendored/$crate/src" -name '*.rs' -exec cat {} + | grep -cvE '^[ \t]*(//|$)')
    printf '| `%s` | %d | %s |\n' "$crate" "$lines" "$(echo "$where" | sed 's/ /, /g')"
  done < "$new/where" | sort -t '|' -k 3,3nr
  echo
  echo '## Our own code inside'
  echo
  echo 'Without tests, comments and blank lines. Unsafe code stands in modules named `sys.rs` alone.'
  echo
  echo '| folder | files | lines of code | unsafe |'
  echo '|---|---|---|---|'
  # shellcheck disable=SC2086 # a list
  count $ours
  echo
  echo 'Every unsafe block:'
  echo
  # shellcheck disable=SC2086 # a list
  grep -rnE '(^|[^a-z_])unsafe( \{|$| fn| impl)' $ours | grep -vE ':[0-9]+: *//' > "$new/unsafe" || :
  ! grep -v '/src/sys.rs:' "$new/unsafe" >&2 || die 'unsafe code outside of sys.rs'
  sed -E 's/^([^:]*):([0-9]+): *(.*)$/- `\1`: `\3`/' "$new/unsafe"
  echo
}

# --- the image -------------------------------------------------------------------------------------------------------

purpose() { # PATH: why it is there; nothing if nobody has said
  case $1 in
    /init) echo 'PID 1: boots, starts the rest, ends everything when something is wrong' ;;
    /core) echo 'the core: holds the keys, speaks to the parent and to the NSM' ;;
    /worker) echo 'the worker: runs one function, once' ;;
    /dev) echo 'PID 1 mounts the device nodes there' ;;
    /dev/console) echo 'standard descriptors, without which Rust ends before main' ;;
    /proc) echo 'PID 1 reads the command line there; later the empty root of every program' ;;
    /sys) echo 'PID 1 reads the source of randomness there' ;;
    *) ;;
  esac
}

image_part() {
  eif_build=$("$here/binaries.sh")/eif-build
  echo '## Every file of the image'
  echo
  echo '| path | mode | bytes | purpose |'
  echo '|---|---|---|---|'
  "$eif_build" describe "$image/capelet.eif" > "$new/described"
  sed -nE 's/^([-dlc])([0-7]{4}) +([0-9]+) +([0-9]+)  (\/[^ ]*)(  ([0-9]+) bytes)?.*/\5 \1\2 \7/p' "$new/described" > "$new/entries"
  while read -r path mode size; do
    why=$(purpose "$path")
    [ -n "$why" ] || die "$path has no purpose: reproducible/audit.sh"
    printf '| `%s` | %s | %s | %s |\n' "$path" "$mode" "${size:-–}" "$why"
  done < "$new/entries"
  echo
  sed -nE 's/^(file|kernel|cmdline|metadata|ramdisk) +([0-9]+)  .*/\1 \2/p' "$new/described" \
    | awk '{ printf "%s %s %d bytes", NR == 1 ? "" : ",", $1, $2 } END { print "." }' | sed 's/^ //'
  echo
  proof
  kernel_part
}

proof() {
  config=$image/parts/kernel.config
  # What is looked for and not found must have been looked at.
  for tool in readelf:binutils cpio:cpio; do
    command -v "${tool%:*}" > /dev/null || die "${tool%:*} is missing: install ${tool#*:}"
  done
  grep -q '^CONFIG_SECCOMP=y$' "$config" || die "$config is no configuration of this kernel"
  # Every regular file is one of our static programs: an ELF without an interpreter, and no script.
  for path in /init /core /worker; do
    file=$new/file
    cpio -i --quiet --to-stdout "${path#/}" < "$image/parts/ramdisk" > "$file"
    [ -s "$file" ] || die "$path is not in the ramdisk"
    head=$(head -c 4 "$file" | od -An -tx1 | tr -d ' \n')
    [ "$head" = 7f454c46 ] || die "$path is no ELF file ($head)"
    ! readelf -lW "$file" | grep -q INTERP || die "$path asks for an interpreter"
    ! readelf -dW "$file" | grep -q NEEDED || die "$path asks for libraries"
  done
  [ "$(grep -c ' -' "$new/entries")" = 3 ] || die 'the ramdisk holds other files than /init, /core and /worker'
  ! grep -E ' l' "$new/entries" || die 'the ramdisk holds a link'
  ! grep -E '/(sh|ash|bash|dash|zsh|busybox|toybox|python[0-9.]*|perl|lua|node|awk|sed|cat|nc|login|getty|sshd|dropbear|gdb|gdbserver|strace)( |$)' \
    "$new/entries" || die 'the ramdisk holds one of them by name'
  echo '## No shell, no interpreter, no debug console'
  echo
  echo 'Checked, each by this page'"'"'s script:'
  echo
  echo '- the ramdisk holds three regular files, no link, and none with the name of a shell, an interpreter or a login;'
  echo '- each is an ELF file without interpreter and without libraries, and none begins with `#!`;'
  echo '- the kernel was built without:'
  for switch in BINFMT_SCRIPT BINFMT_MISC MODULES KEXEC KEXEC_FILE MAGIC_SYSRQ KGDB DEBUG_FS FTRACE KPROBES VT \
    PROC_KCORE DEVMEM BPF_SYSCALL IO_URING COREDUMP USER_NS INET BLOCK NETCONSOLE; do
    ! grep -qE "^CONFIG_$switch=" "$config" || die "the kernel was built with CONFIG_$switch"
    printf '  `CONFIG_%s`\n' "$switch"
  done
  echo
  echo 'Not shown by this: that no program reads from the serial console, which the kernel has for output. Of the three only'
  echo 'PID 1 holds it open for reading, and `init/pid1/src` has no code that does.'
  echo
}

kernel_part() {
  kernel=$("$here/kernel.sh")
  echo '## The kernel'
  echo
  echo "bzImage: $(stat -c %s "$kernel/bzImage") bytes. Object files that were compiled for it, by folder:"
  echo
  echo '| folder | objects |'
  echo '|---|---|'
  awk '{ print $2 }' "$kernel/objects" | sed -E 's|^\./||' | grep -E '^[a-z0-9]+/' \
    | grep -vE '^(scripts|tools)/' | sed -E 's|/.*||' | sort | uniq -c | awk '{ printf "| `%s` | %d |\n", $2, $1 }'
  echo
}

# --- both ------------------------------------------------------------------------------------------------------------

{
  cat <<'TEXT'
# What there is to read

Written by `reproducible/audit.sh --write`; `make audit` and the gate fail when it is stale.

TEXT
  source_part
  image_part
} > "$new/page"
page=$source/docs/audit.md
if [ -n "$write" ]; then
  cp "$new/page" "$page"
  say 'docs/audit.md written'
else
  diff -u "$page" "$new/page" >&2 || die 'docs/audit.md is stale: reproducible/audit.sh --write'
  say 'docs/audit.md is what there is'
fi
