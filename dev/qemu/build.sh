#!/bin/sh
# build.sh: builds the programs that boot an .eif on an ordinary machine, and prints their folder:
#   qemu-system-x86_64   10.0.2 from Debian's orig tarball, with libcbor and the patch that signs NSM documents
#   vhost-device-vsock   0.3.0 from crates.io, with the patch for CID 3, bulk transfers and refused connections
#   vhost-device-vsock-joined   the same with a second patch: it joins two guests as Nitro joins parent and enclave
#   firmware/            qboot and related firmware from Debian's qemu-system-data (for QEMU's option -L)
# The folder is in ${CAPELET_CACHE:-$HOME/.cache/capelet}, under a hash of the inputs. If it exists, nothing is built.
# A build takes ten CPU-minutes. Progress goes to stderr. For tests only.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=../../reproducible/lib.sh
. "$here/../../reproducible/lib.sh"
# shellcheck source=../../reproducible/debs.sh
. "$here/../../reproducible/debs.sh"
say() { echo "qemu: $*" >&2; }
# cargo runs outside the checkout here, where rustup finds no rust-toolchain.toml.
RUSTUP_TOOLCHAIN=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$here/../../rust-toolchain.toml")
export RUSTUP_TOOLCHAIN

version=10.0.2
crate=vhost-device-vsock-0.3.0
crate_sha256=52ce95d81af89ad693d067c650e42df0f217addfbc96cc4820f7c62eb4a28b13
packages='build-essential ninja-build pkg-config flex bison python3 python3-venv
 libcbor-dev libglib2.0-dev libfdt-dev libpixman-1-dev libgnutls28-dev'

out=$cache/qemu-$(key "$here/build.sh" "$here/qemu.lock" "$here/nitro.mak" "$here/requirements.txt" "$here"/*.patch)
# there: whether the programs are in the cache and start. A cache may come from a machine with other libraries.
there() { "$out/qemu-system-x86_64" --version > /dev/null 2>&1; }
! there || { echo "$out"; exit 0; }
mkdir -p "$cache/files"
exec 9> "$out.lock"
flock 9

missing=
for p in $packages; do
  dpkg-query -W -f '${db:Status-Status}' "$p" 2> /dev/null | grep -qx installed || missing="$missing $p"
done
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || die "run this as root first: apt-get install --no-install-recommends$missing"
  say "installing$missing"
  apt-get -qq update >&2
  # shellcheck disable=SC2086 # a list of names
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >&2
fi
! there || { echo "$out"; exit 0; }
rm -rf "$out"

tarball=$cache/files/qemu-$version.tar.xz
locked_file "$here/qemu.lock" "pool/main/q/qemu/qemu_$version+ds.orig.tar.xz" "$tarball"
debs "$here/qemu.lock"
firmware=$cache/debs/$(packages "$here/qemu.lock" | cut -d' ' -f3).deb

work=$out.partial
rm -rf "$work"
mkdir -p "$work/bin/firmware"
cd "$work"

say 'firmware'
dpkg-deb -x "$firmware" firmware
for f in qboot.rom bios-microvm.bin linuxboot.bin linuxboot_dma.bin pvh.bin; do
  cp -L "firmware/usr/share/qemu/$f" bin/firmware/
done

# cargo downloads the crate from the source that this machine configures, and checks the hash in its index. This script
# checks its own hash.
say "$crate"
cargo info -q vhost-device-vsock@0.3.0 > /dev/null
for c in "${CARGO_HOME:-$HOME/.cargo}"/registry/cache/*/"$crate.crate"; do
  echo "$crate_sha256  $c" | sha256sum -c --status || continue
  tar xzf "$c"
  break
done
[ -d "$crate" ] || die "cargo did not download $crate.crate with SHA-256 $crate_sha256"
cd "$crate"
for patch in cid3: joined:-joined; do
  patch -sp1 < "$here/$crate-${patch%:*}.patch"
  CARGO_TARGET_DIR=$work/target cargo build -q --release --locked >&2
  cp "$work/target/release/vhost-device-vsock" "$work/bin/vhost-device-vsock${patch#*:}"
done

cd "$work"
say "unpacking QEMU $version"
tar xJf "$tarball"
cd "qemu-$version"
patch -sp1 < "$here/virtio-nsm-sign-$version.patch"
sed -i 's/^if unpack_edk2_blobs/if false/' pc-bios/meson.build # the "+ds" tarball has none
cp "$here/nitro.mak" configs/devices/x86_64-softmmu/
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --require-hashes -r "$here/requirements.txt" >&2
mkdir build && cd build
say 'configuring'
../configure --python="$work/venv/bin/python3" --target-list=x86_64-softmmu \
  --without-default-features --without-default-devices --with-devices-x86_64=nitro \
  --enable-system --enable-tcg --enable-libcbor --enable-gnutls --enable-vhost-user --enable-fdt=system \
  --disable-docs --disable-tools --disable-user --disable-install-blobs --disable-download --disable-werror \
  > "$work/configure.log" 2>&1 || { tail -n 30 "$work/configure.log" >&2; die 'configure failed'; }
say 'building (eight CPU-minutes)'
ninja qemu-system-x86_64 > "$work/ninja.log" 2>&1 || { tail -n 30 "$work/ninja.log" >&2; die 'the build failed'; }
strip -o "$work/bin/qemu-system-x86_64" qemu-system-x86_64

mv "$work/bin" "$out"
rm -rf "$work"
echo "$out"
