#!/bin/sh
# check.sh --image capelet.eif --measurements measurements.json [OPTION...]: starts the image as an enclave, uses it with
# the ordinary programs, and prints one line for each thing that holds or does not. For somebody who has a Nitro instance:
# docs/hardware-check.md. Exit status 0 only if everything that was asked for passed.
#
#   --key ARN            a KMS key whose policy names the image's PCR0; without it nothing is deployed
#   --region REGION      where the key is
#   --credentials FILE   the parent's credentials, as a credential_process prints them
#   --cid NUMBER         the enclave's CID (16)
#   --again NUMBER       connections for the load (200)
#
# And without hardware, as tests/image does: --qemu FOLDER --nsm FILE --root FILE (dev/qemu/build.sh, dev-chain.sh),
# --kms ADDRESS for a development KMS and an image that trusts it.
#
# Taken from PATH: capelet, capelet-parent, python3; on hardware nitro-cli.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

image='' measurements='' key='' region='' credentials='' cid=16 again=200 qemu='' nsm='' root='' kms=''
while [ $# -gt 1 ]; do
  case $1 in
    --image) image=$2 ;; --measurements) measurements=$2 ;; --key) key=$2 ;; --region) region=$2 ;;
    --credentials) credentials=$2 ;; --cid) cid=$2 ;; --again) again=$2 ;;
    --qemu) qemu=$2 ;; --nsm) nsm=$2 ;; --root) root=$2 ;; --kms) kms=$2 ;;
    *) set -- unknown; break ;;
  esac
  shift 2
done
[ $# = 0 ] && [ -n "$image" ] && [ -n "$measurements" ] || { sed -n '2,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }

work=$(mktemp -d "${TMPDIR:-/tmp}/check.XXXXXX")
failures=0 parent='' machine='' enclave=''
pass() { echo "PASS  $*"; }
fail() { echo "FAIL  $*"; failures=$((failures + 1)); }
check() { # NAME COMMAND...: passes if the command does
  name=$1
  shift
  if "$@" > "$work/new" 2> "$work/err"; then pass "$name"; else fail "$name: $(tail -n 1 "$work/err")"; fi
  mv "$work/new" "$work/out"
}
refused() { # CODE COMMAND...: whether the client refuses with this code
  code=$1
  shift
  ! "$@" -o json > "$work/out" 2>&1 && grep -q "\"$code\"" "$work/out"
}
json() { python3 -c 'import functools, json, sys
print(functools.reduce(lambda found, key: found[int(key) if isinstance(found, list) else key], sys.argv[2:], json.load(open(sys.argv[1]))))' "$@"; }
milliseconds() { python3 -c 'import time; print(int(time.monotonic() * 1000))'; }
until_true() { # SECONDS COMMAND...
  end=$(($(milliseconds) + $1 * 1000))
  shift
  until "$@" > /dev/null 2>&1; do
    [ "$(milliseconds)" -lt $end ] || return 1
    sleep 0.2
  done
}
person() { CAPELET_HOME=$work/$1; export CAPELET_HOME; shift; capelet "$@"; }

stop_enclave() {
  if [ -n "$qemu" ]; then
    [ -z "$machine" ] || { kill "$machine" 2> /dev/null || :; wait "$machine" 2> /dev/null || :; machine=''; }
  elif [ -n "$enclave" ]; then
    capelet-parent enclave terminate --id "$enclave" > /dev/null 2>&1 || :
    enclave=''
  fi
}
stop_parent() { [ -z "$parent" ] || { kill "$parent" 2> /dev/null || :; wait "$parent" 2> /dev/null || :; parent=''; }; }
end() {
  status=$?
  trap - EXIT
  stop_enclave
  stop_parent
  if [ $status = 0 ] && [ $failures = 0 ]; then rm -rf "$work"; else echo "what is left to look at: $work" >&2; fi
  exit $status
}
trap end EXIT
trap 'exit 130' INT TERM

url=unix:$work/capelet.sock state=$work/state
[ -z "$qemu" ] || { mkdir -m 700 "$state"; again=$((again < 40 ? again : 40)); }
# --key is what the configuration must have; one that is nowhere will do for an image that only attests.
arn=${key:-arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-4000-8000-000000000000}

# start LIMIT: parent and enclave, under a configuration with this limit for runs
start() {
  capelet-parent configure --force --key "$arn" --limit-run "$1" --to "$work/configuration" > "$work/configured"
  pcr16=$(sed 's/.* //' "$work/configured")
  if [ -n "$qemu" ]; then transport=qemu:$state/vsock; else transport=vsock:$cid; fi
  set -- serve --listen "$url" --enclave "$transport" --store "$work/store" --configuration "$work/configuration"
  [ -z "$region" ] || [ -n "$kms" ] || set -- "$@" --region "$region"
  [ -z "$kms" ] || set -- "$@" --kms "$kms"
  [ -z "$credentials" ] || set -- "$@" --credentials "$credentials"
  capelet-parent "$@" 2>> "$work/parent.log" &
  parent=$!
  until_true 10 test -S "$work/capelet.sock" || return 1
  begun=$(milliseconds)
  if [ -n "$qemu" ]; then
    capelet-parent enclave run "$image" --measurements "$measurements" --cid "$cid" \
      --qemu "$qemu" --nsm "$nsm" --state "$state" > "$work/run" 2> "$work/enclave.log" &
    machine=$!
  else
    capelet-parent enclave run "$image" --measurements "$measurements" --cid "$cid" > "$work/run" 2> "$work/enclave.log" \
      || { tail -n 3 "$work/enclave.log" >&2; return 1; }
    enclave=$(sed -n 's/^Enclave *➜ *//p' "$work/run")
  fi
  # It says something only when it has ended.
  until_true 120 sh -c "CAPELET_HOME=$work/owner capelet attest -u $url || test -s $work/enclave.log"
  person owner attest -u "$url" > /dev/null || { tail -n 3 "$work/enclave.log" >&2; return 1; }
  booted=$(($(milliseconds) - begun))
}
pin() { # PERSON WORD...
  who=$1
  shift
  person "$who" pin "$url" "$@" ${root:+--root "$root"}
}
describe() { # the enclaves with our CID
  if [ -n "$qemu" ]; then set -- --state "$state"; else set --; fi
  capelet-parent enclave describe "$@" | python3 -c 'import json, sys
print(json.dumps([enclave for enclave in json.load(sys.stdin)["enclaves"] if enclave["cid"] == int(sys.argv[1])]))' "$cid"
}

# --- the machine and the image ---------------------------------------------------------------------------------------
if [ -z "$qemu" ]; then
  check 'nitro-cli is there' nitro-cli --version
  check '/dev/vsock and the enclave device are there' test -c /dev/vsock -a -c /dev/nitro_enclaves
else
  echo 'NOTE  under QEMU, with a development root: what is shown here is not shown of Nitro'
fi
check 'pins are taken from the measurements' pin owner --measurements "$measurements"
check 'the image measures as published, starts, and proves to a client what it is' start 20000
[ $failures = 0 ] || exit 1
pass "  (from the start to the first client's attestation: $booted ms)"

describe > "$work/described"
if [ -z "$qemu" ]; then # there it would be our own record of it
  check "nitro-cli's PCR0 is PCR0 as published" \
    test "$(json "$work/described" 0 pcr0)" = "$(json "$measurements" pcrs PCR0)"
fi
person owner attest -u "$url" -o json > "$work/attested"
for index in 0 1 2; do
  check "PCR$index in the document is the published one" \
    test "$(json "$work/attested" pcrs "PCR$index")" = "$(json "$measurements" pcrs "PCR$index")"
done
check 'PCR16 in the document is that of the configuration' test "$(json "$work/attested" pcrs PCR16)" = "$pcr16"
for index in 3 4; do echo "NOTE  PCR$index $(json "$work/attested" pcrs "PCR$index")"; done

# --- what must be refused --------------------------------------------------------------------------------------------
pcr0=$(json "$measurements" pcrs PCR0)
other=$(printf %s "$pcr0" | sed 'y/0123456789abcdef/123456789abcdef0/')
pin stranger -p "0:$other" > /dev/null
check 'another PCR0 is refused' refused pcr-mismatch person stranger attest -u "$url"
check 'no pins, no connection' refused no-pins person nobody attest -u "$url"
if [ -n "$root" ]; then
  person strict pin "$url" --measurements "$measurements" > /dev/null
  check "a root that is not Amazon's is refused" refused untrusted-root person strict attest -u "$url"
fi

# --- under load: vsock joined as only Nitro joins it -----------------------------------------------------------------
begun=$(milliseconds)
# shellcheck disable=SC2016 # the inner shell expands
check "$again connections, 16 at a time, all attest" sh -c '
  seq "$1" | CAPELET_HOME=$2 xargs -P 16 -I{} sh -c "timeout 60 capelet attest -u $3 > /dev/null"
' sh "$again" "$work/owner" "$url"
echo "NOTE  $again attested connections in $(($(milliseconds) - begun)) ms"

# --- deploy, encrypt, run --------------------------------------------------------------------------------------------
if [ -n "$key" ]; then
  head -c 100000 /dev/urandom | base64 > "$work/letter"
  check 'a function is deployed' person owner deploy "$here/echo" -n echo -u "$url" -o json
  checksum=$(json "$work/out" function_checksum 2> /dev/null || :)
  check 'it runs on what is sent along' person owner run echo -f "$work/letter" -u "$url"
  check '  and its result is right' cmp "$work/out" "$work/letter"
  check 'a vault key is made' person owner key create -u "$url"
  owner=$(person owner identity show -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["owner"])')
  check "a sender pins the image and knows the owner's key" pin sender --measurements "$measurements"
  person sender contact add owner "$owner" > /dev/null
  check 'the sender encrypts for that function' person sender encrypt --to owner --for "$checksum" \
    --accept operator-account -f "$work/letter" --out "$work/letter.cape" -u "$url"
  check 'the owner runs it on what the parent cannot read' person owner run echo -f "$work/letter.cape" \
    --receipt "$work/receipt" -u "$url"
  check '  and its result is right' cmp "$work/out" "$work/letter"
  check 'the receipt holds, offline' person sender receipt verify ${root:+--development} "$work/receipt" --input "$work/letter"
  begun=$(milliseconds)
  for _ in 1 2 3 4 5 6 7 8 9 10; do person owner run echo -f "$work/letter" -u "$url" > /dev/null; done
  echo "NOTE  ten runs, each with a connection of its own, in $(($(milliseconds) - begun)) ms"
else
  echo 'NOTE  no --key: deploy, encrypt and run are not tried'
fi

# --- another boot ----------------------------------------------------------------------------------------------------
stop_enclave
describe > "$work/described"
check 'terminated: nothing is left' test "$(cat "$work/described")" = '[]'
stop_parent
rm -f "$work/capelet.sock"
first=$pcr16
check 'the same image starts under another configuration' start 10000
person owner attest -u "$url" -o json > "$work/attested"
check '  with the same PCR0' test "$(json "$work/attested" pcrs PCR0)" = "$pcr0"
check '  and another PCR16' test "$(json "$work/attested" pcrs PCR16)" = "$pcr16" -a "$pcr16" != "$first"
if [ -n "$key" ]; then
  check 'it opens what the first boot sealed' person owner run echo -f "$work/letter.cape" -u "$url"
fi

if [ $failures = 0 ]; then echo 'passed'; else echo "$failures FAILED"; exit 1; fi
