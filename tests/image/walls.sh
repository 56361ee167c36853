#!/bin/sh
# walls.sh: tests what keeps the build of the image apart from the machine and its cache: attacks by what runs during a
# build (attacks.c), products of the cache that were changed, files that change between check and use, links among the
# sources. Run a build first: this script uses its root, its toolchain and its downloads, and contacts nobody.
set -eu
cd "$(dirname "$0")/../.."
checkout=$PWD
here=$checkout/reproducible
root=$("$here/root.sh")
rust=$("$here/rust.sh")
# shellcheck source=../../reproducible/lib.sh
. "$here/lib.sh"
# shellcheck source=../../reproducible/products.sh
. "$here/products.sh"
test=$(mktemp -d)
started=
# shellcheck disable=SC2086 # a list
trap '[ -z "$started" ] || kill $started 2> /dev/null || :; rm -rf "$test"' EXIT
trap 'exit 143' INT TERM HUP
# Another user has to pass through here.
chmod 755 "$test"

ok() { echo "ok     $*"; }
wrong() { echo "$*" >&2; exit 1; }
# linked FROM TO: copies a folder without its contents, where the file system permits it
linked() { cp -al "$1" "$2" 2> /dev/null || { rm -rf "$2" && cp -a "$1" "$2"; }; }
# refused NAME TEXT COMMAND...: checks that COMMAND fails and prints TEXT
refused() {
  name=$1 text=$2
  shift 2
  if ("$@") > "$test/printed" 2>&1; then wrong "$name: it was not refused"; fi
  grep -qF -e "$text" "$test/printed" || { cat "$test/printed" >&2; wrong "$name: it did not print \"$text\""; }
  ok "$name"
}

# --- attacks from inside, as root and as another user ---
cat > "$test/server.py" <<'SERVER'
import os, socket, sys, time
tcp = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX)
unix.bind("\0" + sys.argv[1])
unix.listen()
with open(sys.argv[2] + ".new", "w") as ready:
    ready.write(str(tcp.getsockname()[1]))
os.rename(sys.argv[2] + ".new", sys.argv[2])
time.sleep(600)
SERVER
socket=capelet-walls-$$
python3 "$test/server.py" "$socket" "$test/port" &
started=$!
until [ -e "$test/port" ]; do kill -0 "$started" || wrong 'the server does not start'; sleep 0.1; done

# Files that whoever runs the build can read.
mkdir -p "$cache/debs" "$test/home"
marker=$(mktemp "$HOME/.capelet-walls.XXXXXX")
trap '[ -z "$started" ] || kill $started 2> /dev/null || :; rm -rf "$test" "$marker"' EXIT
echo marker > "$test/home/marker"
namespaces=$(for kind in mnt pid net ipc uts cgroup; do readlink "/proc/self/ns/$kind"; done)
# attacked NAME ROOT COMMAND...: runs the attacks through COMMAND, which may become another user
attacked() {
  name=$1 build_root=$2
  shift 2
  rm -rf "$test/work" "$test/in"
  mkdir "$test/work" "$test/in"
  cp tests/image/attacks.c "$test/in/"
  chmod 666 "$test/in/attacks.c"
  {
    printf 'here=%s\n. "$here/lib.sh"\n' "$test/reproducible"
    # shellcheck disable=SC2016 # the script expands
    echo 'in_root "$@"'
  } > "$test/attack.sh"
  [ "$name" != user ] || chown 65534:65534 "$test/work"
  # shellcheck disable=SC2086,SC2016 # a list; the inner shell expands
  CAPELET_TEST_SECRET=secret "$@" sh -eu "$test/attack.sh" "$build_root" "$test/work" "$test/in:/src" -- sh -euc '
    gcc -O0 -o attacks /src/attacks.c
    status=0
    ./attacks "$@" > /build/attacks.log || status=$?
    cat /build/attacks.log
    ln -s /etc/hostname linked
    exit $status
  ' sh "$started" "$(cat "$test/port")" "$socket" "$marker" "$test/home/marker" "$cache/debs" -- $namespaces \
    7< / 8> "$test/leaked" 2> "$test/printed" || { cat "$test/printed" >&2; wrong "as $name: an attack succeeded"; }
  [ "$(grep -c '^failed ' "$test/printed")" -ge 40 ] || { cat "$test/printed" >&2; wrong "as $name: not all attacks ran"; }
  if LC_ALL=C grep -q "$(printf '[\033\007]')" "$test/printed"; then wrong "as $name: control characters were printed"; fi
  if grep -lsa '^capelet-survivor' /proc/[0-9]*/cmdline; then wrong "as $name: a process survived"; fi
  ok "attacks by a build script, as $name: all $(grep -c '^failed ' "$test/printed") failed"
}
mkdir "$test/reproducible"
cp "$here/lib.sh" "$here/walls.pl" "$test/reproducible/"
if [ "$(id -u)" = 0 ]; then
  attacked root "$root" env
  linked "$root" "$test/root"
  another='setpriv --reuid 65534 --regid 65534 --clear-groups'
  # shellcheck disable=SC2086 # a command
  if $another unshare --user true 2> /dev/null; then
    attacked user "$test/root" $another
  else
    echo 'not tested: this machine permits other users no user namespace'
  fi
else
  attacked you "$root" env
fi
collect "$test/work" "$test" attacks.log
ok 'a result is taken'
refused '  but not a link in its place' 'left no file linked' collect "$test/work" "$test" linked
refused '  nor nothing' 'left no file absent' collect "$test/work" "$test" absent

# Whoever started a build may be killed, and then nobody asks the build to end.
mkdir "$test/empty" "$test/killed"
[ "$(id -u)" != 0 ] || chown 65533 "$test/killed"
"$here/walls.pl" "$root" "$test/killed" -- sh -c 'ln -s /usr/bin/sleep /tmp/capelet-killed; : > /build/begun; /tmp/capelet-killed 600' &
parent=$!
server=$started started="$started $parent"
until [ -e "$test/killed/begun" ]; do kill -0 "$parent" || wrong 'the build does not start'; sleep 0.1; done
kill -KILL "$parent"
wait "$parent" || :
started=$server
n=0
while grep -lsa '^/tmp/capelet-killed' /proc/[0-9]*/cmdline > "$test/printed"; do
  n=$((n + 1))
  [ "$n" -le 300 ] || wrong 'a build survived the process that started it'
  sleep 0.1
done
ok 'a build whose parent is killed: ends'

# --- a machine that does not permit it ---
walls() { "$@" "$here/walls.pl" "$root" "$test/empty" -- true; }
if [ "$(id -u)" = 0 ]; then
  refused 'root without CAP_SYS_ADMIN: says what is missing' 'root needs CAP_SYS_ADMIN' \
    walls setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin
fi
if [ "$(id -u)" = 0 ]; then
  # A chroot: the folder is no mount, its folders are.
  # shellcheck disable=SC2016 # the inner shell expands
  unshare --mount sh -euc '
    mkdir "$1/chroot"
    for folder in usr proc dev bin lib lib64 "${2#/}" "${3#/}"; do
      mkdir -p "$1/chroot/$folder"
      mount --bind "/$folder" "$1/chroot/$folder"
    done
    mkdir "$1/chroot/written"
    chown 65533:65533 "$1/chroot/written"
    exec chroot "$1/chroot" "$2/walls.pl" "$3" /written -- sh -c "ls / > /build/seen"
  ' sh "$test" "$here" "$root" || wrong 'a chroot: the build does not start'
  [ "$(cat "$test/chroot/written/seen")" = "$(ls "$root")" ] || wrong 'a chroot: another root is seen'
  ok 'a chroot: the build sees its root, and nothing else'
fi
if unshare --user --map-root-user true 2> /dev/null; then
  refused 'root of a container without the builder: says what is missing' 'the range of users must include' \
    walls unshare --user --map-root-user
  # shellcheck disable=SC2016 # the inner shell expands
  refused 'a user without user namespaces: says what is missing' 'user.max_user_namespaces' \
    walls unshare --user --map-user=1000 --keep-caps sh -euc 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"' sh
fi
status=0
"$here/walls.pl" "$root" "$test/empty" -- sh -c 'exit 7' || status=$?
[ "$status" = 7 ] || wrong "status $status instead of 7"
ok 'a command that fails: its status'

# --- products of the cache that were changed ---
real_cache=$cache real_built=$built
cache=$test/toys/cache built=$test/toys/built
begin
trap '[ -z "$started" ] || kill $started 2> /dev/null || :; rm -rf "$test" "$marker"' EXIT
make() {
  echo made >> "$test/made"
  # A product's own variables must not meet those of once.
  name=other fault=none
  mkdir "$part/bin"
  echo compiler > "$part/bin/cc"
  ln -s cc "$part/bin/gcc"
}
# product TEXT: gets the toy product; TEXT must be said, or nothing if it is empty. It must be as it was made.
product() {
  rm -rf "$private/part"
  : > "$test/made"
  once "$cache/toy-1" make > "$test/out" 2> "$test/printed"
  [ -z "$1" ] || grep -qF -e "$1" "$test/printed" || { cat "$test/printed" >&2; wrong "it did not say \"$1\""; }
  if [ -n "$1" ]; then [ -s "$test/made" ]; else [ ! -s "$test/printed" ] && [ ! -s "$test/made" ]; fi \
    || wrong "the product was built again, or was not: $1"
  [ "$(cat "$test/out")" = "$cache/toy-1" ]
  [ "$(cat "$cache/toy-1/bin/cc" "$cache/toy-1/bin/gcc")" = "$(printf 'compiler\ncompiler')" ]
}
once "$cache/toy-1" make > /dev/null
product ''
ok 'a product that is as it was built: used'
toy=$cache/toy-1
printf C | dd of="$toy/bin/cc" bs=1 conv=notrunc 2> /dev/null
product 'changed since it was built: ./bin/cc'
ok 'one byte of a product changed: named, and built again'
ln -sf /bin/true "$toy/bin/gcc"
product 'changed since it was built: ./bin/gcc'
ok '  a link that leads elsewhere'
rm "$toy/bin/gcc"
product 'changed since it was built: ./bin/gcc'
ok '  a missing file'
echo more > "$toy/bin/$(printf 'a\033b')"
product 'changed since it was built: ./bin/a?b'
ok '  another file, whose name is no command to the terminal'
chmod 755 "$toy/bin/cc"
product 'changed since it was built: ./bin/cc'
ok '  a mode'
chmod 666 "$toy/bin/cc"
product "others may write $toy/bin/cc"
ok '  a file that others may write'
if [ "$(id -u)" = 0 ]; then
  chown 65534 "$toy/bin/cc"
  product "others may write $toy/bin/cc"
  ok '  a file of another user'
fi
echo better > "$toy/bin/cc"
manifest "$toy" > "$cache/toy-1.manifest"
product 'its manifest was changed'
ok 'a product and its manifest changed, by one who can write the cache: built again'
rm "$cache/toy-1.manifest"
product 'its manifest is missing'
rm "$built/toy-1"
product "$built has no hash of its manifest"
ok 'a cache from elsewhere: built again'
mv "$toy" "$test/elsewhere"
ln -s "$test/elsewhere" "$toy"
product 'it is not a folder'
ok 'a link in the place of a product: built again'
copied "$toy" "$test/copy"
rm -rf "$test/copy"
echo better > "$toy/bin/cc"
refused 'a product that changes before it is copied: refused' 'changed while it was copied' copied "$toy" "$test/copy"
for folder in "$cache" "$built"; do
  chmod 777 "$folder"
  refused "a folder that others may write: refused: ${folder##*/}" "the folder $folder" begin
  chmod 755 "$folder"
done
# The products of the build itself: each has its manifest, and one byte is noticed.
cache=$real_cache built=$real_built
for product in "$root" "$rust" "$("$here/kernel.sh")" "$("$here/binaries.sh")"; do
  name=${product##*/}
  copy=$test/$name
  linked "$product" "$copy"
  [ -z "$(fault "$name" "$copy")" ] || wrong "$(fault "$name" "$copy")"
  for file in bin/rustc usr/bin/gcc-12 bzImage capelet-core; do
    [ ! -f "$copy/$file" ] || break
  done
  cp -p "$copy/$file" "$test/changed"
  printf '\252' | dd of="$test/changed" bs=1 seek=4000 conv=notrunc 2> /dev/null
  mv "$test/changed" "$copy/$file"
  [ "$(fault "$name" "$copy")" = "changed since it was built: ./$file" ] || wrong "$name: $(fault "$name" "$copy")"
  rm -rf "$copy"
  ok "one byte of $file changed: noticed"
done

# --- between check and use ---
# In front of the others in PATH: a sha256sum whose check number $AT puts $BY in the place of the file $SWAP, as the
# file's owner could. Before it the file is as it was.
mkdir "$test/bin"
cat > "$test/bin/sha256sum" <<SWAPPER
#!/bin/sh
PATH=\${PATH#*:} sha256sum "\$@"
status=\$?
case " \$* " in
  *' -c '*)
    echo check >> "$test/checks"
    [ "\$(wc -l < "$test/checks")" != "\$AT" ] || cp --remove-destination "\$BY" "\$SWAP"
    ;;
esac
exit \$status
SWAPPER
chmod +x "$test/bin/sha256sum"
# fresh: makes another checkout with empty folders
fresh() {
  rm -rf "$test/checkout" "$test/cache" "$test/built"
  mkdir "$test/checkout"
  copy_checkout "$checkout" "$test/checkout"
}
echo swapped > "$test/other"
# swapped AT BY FILE SCRIPT: runs it while check number AT puts BY in the place of FILE
swapped() {
  : > "$test/checks"
  (cd "$test/checkout" && env -u CAPELET_COPY AT="$1" BY="$2" SWAP="$3" PATH="$test/bin:$PATH" CAPELET_CACHE="$test/cache" CAPELET_BUILT="$test/built" "$4")
}
fresh
mkdir -p "$test/toolchain/bin"
printf '#!/bin/sh\n' > "$test/toolchain/bin/rustc"
(cd "$test/toolchain" && sha256sum bin/rustc) > "$test/checkout/reproducible/rust.lock"
found=$(CAPELET_RUST=$test/toolchain swapped 1 "$test/other" "$test/toolchain/bin/rustc" reproducible/rust.sh)
[ "$(cat "$test/toolchain/bin/rustc")" = swapped ] || wrong 'the toolchain did not change'
[ "$(cat "$found/bin/rustc")" = '#!/bin/sh' ] || wrong 'a program that was not checked is in the toolchain'
ok 'a toolchain that changes after its check: what was checked is used'
# One who writes the cache and the hashes of manifests still meets the lock file.
echo '# another' >> "$found/bin/rustc"
manifest "$found" > "$found.manifest"
sha256sum < "$found.manifest" > "$test/built/${found##*/}"
refused '  and a toolchain with a forged manifest is not as locked' 'is not as locked' swapped 0 '' '' reproducible/rust.sh

fresh
mkdir -p "$test/package/DEBIAN" "$test/package/usr/bin" "$test/debs"
printf 'Package: toy\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: toy\n' > "$test/package/DEBIAN/control"
for deb in debs/toy.deb other.deb; do
  echo "$deb" > "$test/package/usr/bin/cc1"
  dpkg-deb --root-owner-group --build "$test/package" "$test/$deb" > /dev/null
done
hash=$(sha256sum < "$test/debs/toy.deb" | cut -d' ' -f1)
printf 'release bookworm\ntoy 1 %s\n' "$hash" > "$test/checkout/reproducible/build-root.lock"
CAPELET_DEBS=$test/debs swapped 0 '' '' reproducible/root.sh > /dev/null 2>&1
rm -rf "$test/cache"/root-*
# The second check is the last one before the packages are unpacked.
refused 'a package that changes after its check: refused' 'changed while it was used' \
  swapped 2 "$test/other.deb" "$test/cache/debs/$hash.deb" reproducible/root.sh

fresh
mkdir "$test/cache" "$test/built"
for product in "$root" "$rust"; do
  linked "$product" "$test/cache/${product##*/}"
  cp "$product.manifest" "$test/cache/"
  cp "$real_built/${product##*/}" "$test/built/"
done
mkdir -p "$test/cargo/registry"
for folder in cache index; do linked "${CARGO_HOME:-$HOME/.cargo}/registry/$folder" "$test/cargo/registry/$folder"; done
for file in config config.toml credentials.toml; do
  [ ! -e "${CARGO_HOME:-$HOME/.cargo}/$file" ] || cp "${CARGO_HOME:-$HOME/.cargo}/$file" "$test/cargo/"
done
crate=$(ls -d "$test"/cargo/registry/cache/*/wasmi-[0-9]*.crate | head -n 1)
name=$(basename "$crate" .crate)
grep -q "^name = \"wasmi\"$" Cargo.lock
# One check is of the toolchain, and then the crates come in the order of Cargo.lock.
number=$(sed -nE 's/^(name|checksum) = "(.*)"$/\1 \2/p' Cargo.lock | awk '
  $1 == "name" { name = $2 }
  $1 == "checksum" { n++; if (name == "wasmi") { print n + 1; exit } }')
crates=$(CARGO_HOME=$test/cargo swapped "$number" "$test/other" "$crate" reproducible/crates.sh 2> "$test/printed") || { cat "$test/printed" >&2; wrong 'a crate that was not checked was unpacked'; }
[ "$(cat "$crate")" = swapped ] || wrong "the crate did not change: check $number was another one"
[ -e "$crates/$name/Cargo.toml" ]
ok 'a crate that changes after its check: what was checked is used'

fresh
(
  cache=$test/cache built=$test/built here=$test/checkout/reproducible private=
  unset CAPELET_COPY
  begin
  echo changed > "$test/checkout/reproducible/kernel.config"
  echo changed > "$test/checkout/init/pid1/src/main.rs"
  [ "$here" != "$test/checkout/reproducible" ]
  cmp "$here/kernel.config" "$checkout/reproducible/kernel.config"
  cmp "$source/init/pid1/src/main.rs" "$checkout/init/pid1/src/main.rs"
  rm -rf "$private"
)
ok 'a checkout that changes during a build: the copy is built'
fresh
chmod -R go= "$test/checkout"
(
  cache=$test/cache built=$test/built here=$test/checkout/reproducible private=
  unset CAPELET_COPY
  begin
  [ -z "$(find "$source" ! -type l ! -perm -a+r)" ] || wrong 'the builder cannot read the copy of a checkout'
  rm -rf "$private"
)
ok 'a checkout that only its owner can read: its copy is for the builder too'

# --- links among the sources ---
# shellcheck source=../../reproducible/closure.sh
. "$here/closure.sh"
listed() { closure "$test/checkout" capelet-worker > /dev/null; }
# not_hashed NAME: after the change that was made, the sources are refused
not_hashed() { refused "$1: refused" 'what it leads to is not hashed' listed; }
worker=$test/checkout/init/worker
fresh
listed || wrong 'the closure of an unchanged checkout'
echo 'fn main() {}' > "$test/precious.rs"
ln -s "$test/precious.rs" "$worker/build.rs"
not_hashed 'a build script that is a link'
fresh
ln -s "$test/precious.rs" "$worker/src/precious.rs"
not_hashed 'a source that is a link'
fresh
mv "$worker/src" "$test/src"
ln -s "$test/src" "$worker/src"
not_hashed 'a folder of sources that is a link'
fresh
mv "$test/checkout/init" "$test/checkout/moved"
ln -s moved "$test/checkout/init"
not_hashed 'a folder above the sources that is a link'
fresh
mv "$worker/Cargo.toml" "$test/manifest.toml"
ln -s "$test/manifest.toml" "$worker/Cargo.toml"
not_hashed 'a manifest that is a link'
fresh
mv "$test/checkout/Cargo.lock" "$test/lock"
ln -s "$test/lock" "$test/checkout/Cargo.lock"
not_hashed 'a lock file that is a link'
# Elsewhere a link is no fault, but the compiler shall not see it, and it is not written through.
fresh
mkdir -p "$test/checkout/tests/toy" "$test/elsewhere"
ln -s "$test/precious.rs" "$test/checkout/tests/toy/file.rs"
ln -s "$test/elsewhere" "$test/checkout/tests/toy/folder"
mkfifo "$test/checkout/tests/toy/fifo.rs"
prune "$test/checkout" capelet-worker
[ -s "$test/precious.rs" ] || wrong 'a file outside of the copy was emptied'
[ -z "$(find "$test/checkout" ! -type f ! -type d)" ] || wrong 'a link is in the copy that is compiled'
ok 'other links: taken out of the copy that is compiled, and not followed'
fresh
# In a list with a name in each line, this name is two: `a`, and the file outside.
folder="$test/checkout/a
$test"
mkdir -p "$folder"
echo 'fn main() {}' > "$folder/precious.rs"
refused 'a name with a line end: refused' 'a name with control characters' prune "$test/checkout" capelet-worker
[ -s "$test/precious.rs" ] || wrong 'a file outside of the copy was emptied'
rm -rf "$private"
