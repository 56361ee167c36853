#!/bin/sh
# bare.sh RELEASE [COMMAND...]: runs the README's commands in a bare Debian root of RELEASE (bookworm, trixie), as somebody
# would on a new machine: nothing is there but Debian's base system, make, certificates, and rustup's toolchain. Without
# COMMANDs it runs `make demo`, `make image` and `make test-quick`. It says how long each took. Needs root, debootstrap,
# and 12 GB in ${TMPDIR:-/var/tmp}; everything that runs inside ends with this script, and the root is removed.
#
#   CAPELET_MIRROR   the Debian archive, if not the one that this machine's apt is configured with
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=../reproducible/lib.sh
. "$here/../reproducible/lib.sh"
# shellcheck source=../reproducible/debs.sh
. "$here/../reproducible/debs.sh"
release=${1:?bare.sh RELEASE [COMMAND...]}
shift
[ $# -gt 0 ] || set -- 'make demo' 'make image' 'make test-quick'
[ "$(id -u)" = 0 ] || die 'needs root, for debootstrap and chroot'
command -v debootstrap > /dev/null || die 'debootstrap is missing: apt-get install debootstrap'
root=$(mktemp -d "${TMPDIR:-/var/tmp}/bare.XXXXXX")
# Other users of this root must be able to pass through it.
chmod 755 "$root"
inside=
# unshare itself ignores a signal that asks it to end; with it everything inside is killed.
trap '[ -z "$inside" ] || kill -KILL "$inside" 2> /dev/null || :; rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM HUP
read -r main _ <<MIRRORS
$(mirrors)
MIRRORS
say "a bare root of $release in $root"
debootstrap --variant=minbase --include=make,ca-certificates "$release" "$root" "$main" > "$root.log" 2>&1 \
  || { tail -n 20 "$root.log" >&2; die 'debootstrap failed'; }
rm -f "$root.log"
# The machine's way into the network, and the toolchain that rustup installed, are all that is lent.
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rustup=${RUSTUP_HOME:-$HOME/.rustup}
program=$(command -v rustup) || die 'rustup is missing'
# rustup knows it under this name, whatever its folder is called here.
toolchain=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$here/../rust-toolchain.toml")-x86_64-unknown-linux-gnu
sysroot=$(cd "$here" && rustc --print sysroot)
mkdir -p "$root/root/.rustup/toolchains/$toolchain" "$root/root/.cargo/bin" "$root/root/capelet"
cp "$rustup/settings.toml" "$root/root/.rustup/"
cp -L "$program" "$root/root/.cargo/bin/rustup"
for name in cargo cargo-clippy cargo-fmt clippy-driver rustc rustdoc rustfmt; do ln -s rustup "$root/root/.cargo/bin/$name"; done
copy_checkout "$here/.." "$root/root/capelet"
for command; do
  say "$release: $command"
  begun=$(date +%s)
  # shellcheck disable=SC2016 # the inner shell expands
  unshare --mount --pid --fork --kill-child sh -euc '
    # A mount of its own, as the root of a machine is: the build makes namespaces of its own inside.
    mount --bind "$2" "$2"
    mount -t proc proc "$2/proc"
    mount --bind "$1" "$2/root/.rustup/toolchains/$3"
    mount -o remount,bind,ro "$2/root/.rustup/toolchains/$3"
    mount -t tmpfs -o mode=755 tmpfs "$2/dev"
    for d in null zero full random urandom tty; do : > "$2/dev/$d"; mount --bind "/dev/$d" "$2/dev/$d"; done
    mkdir "$2/dev/shm" && mount -t tmpfs tmpfs "$2/dev/shm"
    mkdir "$2/dev/pts" && mount -t devpts -o newinstance,ptmxmode=666 devpts "$2/dev/pts"
    ln -s pts/ptmx "$2/dev/ptmx"
    ln -s /proc/self/fd "$2/dev/fd"
    for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "$2/dev/${n#*:}"; done
    exec chroot "$2" /usr/bin/env -i HOME=/root PATH=/root/.cargo/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
      RUSTUP_AUTO_INSTALL=0 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
      PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DEFAULT_TIMEOUT=60 sh -c "cd /root/capelet && $4"
  ' sh "$sysroot" "$root" "$toolchain" "$command" < /dev/null &
  inside=$!
  wait "$inside" || die "$release: $command FAILED with status $? after $(($(date +%s) - begun)) s"
  inside=
  say "$release: $command: $(($(date +%s) - begun)) s"
done
