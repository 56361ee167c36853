#!/bin/sh
# inputs.sh: tests the build of the image with inputs that differ from the lock files. The build must name the input and
# leave no partial result. Run a build first, because this script uses its downloads. Only relock.sh contacts the Debian
# archive.
set -eu
cd "$(dirname "$0")/../.."
here=$PWD/reproducible
# shellcheck source=../../reproducible/lib.sh
. "$here/lib.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fresh: makes a separate checkout, an empty cache, and an apt-get that reaches no network
fresh() {
  rm -rf "$work/checkout" "$work/cache" "$work/built" "$work/debs"
  mkdir -p "$work/checkout" "$work/cache" "$work/built" "$work/debs" "$work/bin"
  copy_checkout . "$work/checkout"
  printf '#!/bin/sh\necho "apt-get: no network" >&2\nexit 100\n' > "$work/bin/apt-get"
  chmod +x "$work/bin/apt-get"
}
# fails NAME TEXT SCRIPT...: checks that SCRIPT fails, prints TEXT, and leaves no partial result in the cache
fails() {
  name=$1 text=$2
  shift 2
  # An archive is named, so that apt is the part that fails.
  if (cd "$work/checkout" && export CAPELET_MIRROR=http://nowhere.invalid/debian PATH="$work/bin:$PATH" \
    CAPELET_CACHE="$work/cache" CAPELET_BUILT="$work/built" CAPELET_DEBS="$work/debs" && "$@") \
    > "$work/out" 2> "$work/err"; then
    echo "$name: the script succeeded" >&2
    exit 1
  fi
  grep -qF -e "$text" "$work/err" \
    || { echo "$name: the script did not print \"$text\":" >&2; cat "$work/err" >&2; exit 1; }
  left=$(find "$work/cache" -mindepth 1 -maxdepth 1 ! -name debs ! -name 'rust-*' ! -name 'apt-*' ! -name '*.lock')
  [ -z "$left" ] || { echo "$name: the script left $left" >&2; exit 1; }
  [ ! -s "$work/out" ] || { echo "$name: the script printed a folder" >&2; exit 1; }
  echo "ok     $name"
}
lock=$work/checkout/reproducible/build-root.lock
first() { packages "$lock" | head -n 1; }

fresh
fails 'no network and no downloads: names the first package, version and hash' "$(first)" reproducible/root.sh
fails '  and CAPELET_DEBS' 'CAPELET_DEBS' reproducible/root.sh

fresh
sed -i '$s/ [0-9a-f]*$/ 1234/' "$lock"
fails 'a damaged lock file: rejected' 'is damaged' reproducible/root.sh

fresh
sed -i '/^release /d' "$lock"
fails 'a lock file without a release: rejected' 'before the first release' reproducible/root.sh

# asked NAME EXPECTED LINE...: checks which archives debs.sh uses if apt is configured with these archives and releases
asked() {
  name=$1 expected=$2
  shift 2
  { echo '#!/bin/sh'; printf 'echo "%s"\n' "$@"; } > "$work/bin/apt-get"
  # shellcheck source=../../reproducible/debs.sh
  found=$(. "$here/debs.sh" && PATH=$work/bin:$PATH mirrors)
  [ "$found" = "$expected" ] || { echo "$name: found '$found', expected '$expected'" >&2; exit 1; }
  echo "ok     $name"
}
asked 'archive and security archive' 'http://a.example/debian/ http://s.example/debian-security/' \
  'http://d.example/linux/debian trixie main' 'http://a.example/debian/ trixie main' 'http://a.example/debian/ trixie-updates main' \
  'http://s.example/debian-security trixie-security main'
asked '  without a security archive: the path beside the archive' 'http://a.example/debian/ http://a.example/debian-security/' \
  'http://a.example/debian bookworm main'
asked '  of another distribution: none' '' 'http://u.example/ubuntu/ noble main' 'http://u.example/ubuntu/ noble-security main'
CAPELET_MIRROR=http://m.example/debian asked '  named by the user' 'http://m.example/debian/ http://m.example/debian-security/' \
  'http://a.example/debian/ trixie main'

# All packages are present under arbitrary names. The lock file has another hash for one of them.
fresh
n=0
for deb in "$cache"/debs/*.deb; do n=$((n + 1)); ln "$deb" "$work/debs/$n.deb" 2> /dev/null || cp "$deb" "$work/debs/$n.deb"; done
sed -i "s/$(first | cut -d' ' -f3)/$(printf %064d 0)/" "$lock"
fails 'one wrong hash: names that package only' "$(first)" reproducible/root.sh
[ "$(grep -cE ' [0-9a-f]{64}$' "$work/err")" = 1 ]

# The cache has a file with the right name and wrong content.
fresh
mkdir "$work/cache/debs"
echo 'another compiler' > "$work/cache/debs/$(first | cut -d' ' -f3).deb"
fails 'a wrong package with the right name in the cache: rejected' "$(first)" reproducible/root.sh

# A configuration of cargo in the checkout has no part in the build, neither the one of the repository nor a foreign one.
# With this one cargo could not even list the crates.
fresh
mkdir -p "$work/checkout/.cargo"
printf '[build]\nrustc-wrapper = "/bin/false"\n' > "$work/checkout/.cargo/config.toml"
programs=$(reproducible/binaries.sh)
for product in "$(reproducible/root.sh)" "$(reproducible/rust.sh)" "$programs"; do
  cp -al "$product" "$work/cache/" 2> /dev/null || cp -a "$product" "$work/cache/"
  cp "$product.manifest" "$work/cache/"
  cp "${CAPELET_BUILT:-${XDG_STATE_HOME:-$HOME/.local/state}/capelet-build}/${product##*/}" "$work/built/"
done
found=$(cd "$work/checkout" && CAPELET_CACHE=$work/cache CAPELET_BUILT=$work/built reproducible/binaries.sh)
[ "${found##*/}" = "${programs##*/}" ] || { echo "with a configuration of cargo: $found in place of $programs" >&2; exit 1; }
# The checkout is copied in this way wherever cargo runs.
(
  cache=$work/cache built=$work/built here=$work/checkout/reproducible
  # shellcheck source=../../reproducible/products.sh
  . "$here/products.sh"
  begin
  [ -e "$source/Cargo.toml" ] && [ ! -e "$source/.cargo" ]
)
echo 'ok     a configuration of cargo in the checkout: ignored'

# A change of the client alone must not rebuild the image. A change of a source, a profile or a feature must.
fresh
# shellcheck source=../../reproducible/closure.sh
. "$here/closure.sh"
rust=$(reproducible/rust.sh)
image='capelet-pid1 capelet-core capelet-worker eif-build'
closed() {
  # shellcheck disable=SC2086 # a list
  listed=$(closure "$work/checkout" $image) || exit 1
  echo "$listed" | sha256sum
}
before=$(closed)
echo '// another line' >> "$work/checkout/host/client/src/lib.rs"
sed -i 's/^rpassword = "7.5"$/rpassword = "7"/' "$work/checkout/Cargo.toml"
if cmp -s Cargo.toml "$work/checkout/Cargo.toml"; then echo 'Cargo.toml has no rpassword: change this test to another dependency' >&2; exit 1; fi
[ "$(closed)" = "$before" ] || { echo 'a change of the client alone changed the closure' >&2; exit 1; }
echo 'ok     a change of the client alone does not rebuild the image'
for change in 'init/worker/src/main.rs:$a// another line' 'enclave-core/Cargo.toml:$a# another line' \
  'Cargo.toml:s/^opt-level = "s"$/opt-level = 2/' 'Cargo.toml:s/^\(nix = .*default-features = \)false/\1true/'; do
  file=${change%%:*}
  cp "$work/checkout/$file" "$work/kept"
  sed -i "${change#*:}" "$work/checkout/$file"
  if cmp -s "$work/kept" "$work/checkout/$file"; then echo "$change changed nothing" >&2; exit 1; fi
  after=$(closed)
  [ "$after" != "$before" ] || { echo "$change did not change the closure" >&2; exit 1; }
  cp "$work/kept" "$work/checkout/$file"
  echo "ok     a change of $file changes the closure"
done
# Pruning empties the sources that the compiler does not read. The closure stays the same.
# shellcheck disable=SC2086 # a list
prune "$work/checkout" $image
[ "$(closed)" = "$before" ]
[ ! -s "$work/checkout/host/client/src/lib.rs" ]
[ -s "$work/checkout/init/worker/src/main.rs" ]
echo 'ok     a pruned copy holds only the sources of the image'

# The archive no longer has one version. relock.sh locks a version that exists, and keeps all others.
fresh
rm "$work/bin/apt-get"
one=$(first)
sed -i "s/^$one\$/${one%% *} 0.0-1 $(printf %064d 0)/" "$lock"
(cd "$work/checkout" && reproducible/relock.sh --no-build) 2> "$work/err" || { cat "$work/err" >&2; exit 1; }
grep -qE "^${one%% *} [^ ]+ [0-9a-f]{64}\$" "$lock"
if grep -q ' 0\.0-1 ' "$lock"; then cat "$lock" >&2; exit 1; fi
echo 'ok     relock.sh replaces a version that the archive no longer has'

fresh
sed -i '0,/^[0-9a-f]/s/^[0-9a-f]\{8\}/00000000/' "$work/checkout/reproducible/rust.lock"
fails 'another toolchain: rejected' 'is not as locked' reproducible/rust.sh

fresh
sed -i '0,/^checksum = "/s/^checksum = ".\{8\}/checksum = "00000000/' "$work/checkout/Cargo.lock"
fails 'another crate: rejected' 'checksum' reproducible/crates.sh

# The checker of the kernel configuration, with the options of the built kernel.
fresh
config=$(find "$(reproducible/kernel.sh)" -name .config)
fragment=$work/checkout/reproducible/kernel.config
mkdir "$work/kernel"
sed -nE 's/^(# )?CONFIG_([A-Za-z0-9_]+)[= ].*/config \2/p' "$config" > "$work/kernel/Kconfig"
sed -nE 's/^# CONFIG_([A-Za-z0-9_]+) is not set/config \1/p' "$fragment" >> "$work/kernel/Kconfig"
checked() { reproducible/check-config.sh "$config" "$work/kernel" "$fragment" > "$work/out" 2>&1; }
checked || { cat "$work/out"; exit 1; }
for change in 's/^CONFIG_SECCOMP=y$/CONFIG_SECCCOMP=y/' 's/^CONFIG_SECCOMP=y$/# CONFIG_SECCOMP is not set/' \
  's/^# CONFIG_MODULES is not set$/CONFIG_MODULES=y/' 's/^CONFIG_SECCOMP=y$/&\n&/'; do
  cp reproducible/kernel.config "$fragment"
  sed -i "$change" "$fragment"
  if cmp -s reproducible/kernel.config "$fragment"; then echo "$change changed nothing" >&2; exit 1; fi
  if checked; then echo "the checker accepted $change" >&2; exit 1; fi
  echo "ok     another kernel configuration: rejected: $(head -n 1 "$work/out")"
done
