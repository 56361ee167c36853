#!/bin/sh
# boot.sh DIR IMAGE.eif [QEMU ARGUMENT...]: boots an image in QEMU's nitro-enclave machine, and returns when it ends.
#
#   DIR/console         the output of the guest
#   DIR/vsock           host to guest: connect, send "CONNECT PORT\n", read "OK ...\n", then exchange bytes
#   DIR/vsock_PORT      guest to host (CID 3): listen here before the guest connects
#   DIR/chain/root.der  the development root under which the guest's NSM signs. An existing chain is used. It may be
#                       renewed while the guest runs (dev-chain.sh).
#   DIR/pid             the process id of QEMU
#
# Environment variables, with their defaults: MEMORY (512M), CPUS (2), CID (40); ROLE (an ARN) for PCR3; INSTANCE for
# PCR4; VHOST, the socket of a running vhost-device-vsock; CAPELET_QEMU, the folder that build.sh printed.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$1"
dir=$(CDPATH='' cd -- "$1" && pwd) image=$2
shift 2
id=${INSTANCE:-i-0123456789abcdef0}-enc0123456789abcdef
bin=${CAPELET_QEMU:-$("$here/build.sh")}
[ -e "$dir/chain/nsm.pem" ] || "$here/dev-chain.sh" "$dir/chain" "$id"

backend='' machine='' vhost=${VHOST:-$dir/vhost}
trap 'kill $backend $machine 2> /dev/null || :; rm -f "$dir/vhost" "$dir/vsock" "$dir/pid"' EXIT
trap 'exit 143' INT TERM
if [ -z "${VHOST:-}" ]; then
  "$bin/vhost-device-vsock" --vm "guest-cid=${CID:-40},socket=$vhost,uds-path=$dir/vsock" 2> "$dir/vsock.log" &
  backend=$!
fi
for _ in $(seq 1200); do [ -S "$vhost" ] && break; sleep 0.05; done
[ -S "$vhost" ] || {
  echo "boot.sh: vhost-device-vsock does not listen after a minute:" >&2
  cat "$dir/vsock.log" >&2
  exit 1
}

# AWS's kernels reset through the keyboard controller. With the device i8042 the machine then ends at once.
"$bin/qemu-system-x86_64" -L "$bin/firmware" -accel tcg -cpu max -m "${MEMORY:-512M}" -smp "${CPUS:-2}" \
  -M "nitro-enclave,vsock=c,id=$id,parent-role=${ROLE:-arn:aws:iam::111122223333:role/parent},parent-id=${id%%-enc*}" \
  -chardev "socket,id=c,path=$vhost" -global "virtio-nsm-device.signing-pem=$dir/chain/nsm.pem" \
  -device i8042 -nodefaults -display none -no-reboot -serial "file:$dir/console" -pidfile "$dir/pid" \
  -kernel "$image" "$@" &
machine=$!
wait $machine
