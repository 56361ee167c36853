#!/usr/bin/env bash
# The demo: an owner deploys a function that redacts personal data, a sender encrypts a document for it, the owner runs
# the one on the other, a third party checks the receipt; then three attacks by a parent that lies. Every step that
# does not hold ends it with status 1.
set -euo pipefail
cd "$(dirname "$0")/../.."

bold=$'\033[1m' dim=$'\033[2m' green=$'\033[32m' plain=$'\033[0m'
[ -t 1 ] || { bold='' dim='' green='' plain=''; }

say() { printf '%s\n' "$*"; }
step() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; [ -s "$work/log" ] && tail -n 20 "$work/log" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/capelet-demo.XXXXXX")
started=()
clean() {
    status=$?
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ "$status" = 0 ]; then rm -rf "$work"; else say "What is left to look at: $work" >&2; fi
}
trap clean EXIT

step "Building (the first time takes some minutes) …"
${CARGO:-cargo} build --locked --quiet --release --workspace --bins
programs=$(dev/programs/fetch.py pii-shield.wasm)
bin=$PWD/${CARGO_TARGET_DIR:-target}/release
case ${CARGO_TARGET_DIR:-} in /*) bin=$CARGO_TARGET_DIR/release ;; esac

enclave=$work/enclave        # the machine of the operator: parent, store, and the enclave it may not look into
address=unix:$enclave/capelet.sock
front=unix:$work/front.sock  # what clients connect to: a proxy that records every byte between them and the parent
owner() { CAPELET_HOME=$work/owner "$bin/capelet" "$@" 2>>"$work/log"; }
sender() { CAPELET_HOME=$work/sender "$bin/capelet" "$@" 2>>"$work/log"; }

wait_for() { # a file with a line of this form
    for _ in $(seq 400); do
        grep -q "$2" "$1" 2>/dev/null && return
        sleep 0.05
    done
    fail "nothing like '$2' in $1"
}
start_enclave() { # further arguments
    : >"$work/ready"
    "$bin/capelet-local" --home "$enclave" -o json "$@" >"$work/ready" 2>>"$work/parent.log" &
    local_pid=$!
    started+=("$local_pid")
    wait_for "$work/ready" '"ready":true'
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
stop() { kill "$1" && wait "$1" 2>/dev/null || true; }

step "DEVELOPMENT enclave: parent, core, workers, software NSM and KMS, on this machine"
start_enclave
"$bin/capelet-dev-proxy" --listen "$front" --to "$address" --record "$work/traffic" >"$work/proxy" 2>&1 &
proxy_pid=$!
started+=("$proxy_pid")
for _ in $(seq 200); do [ -S "$work/front.sock" ] && break; sleep 0.05; done

# --- who is who -----------------------------------------------------------------------------------------------------
owner pin --development "$front" >/dev/null
sender pin --development "$front" >/dev/null
owner_key=$(owner identity show -o json | field owner)
say "owner:  $(owner identity show -o json | field fingerprint), PCR0 $(field pcr0 <"$work/ready" | cut -c 1-32)…"

# --- the function ---------------------------------------------------------------------------------------------------
mkdir "$work/redact"
cp "$programs/pii-shield.wasm" "$work/redact/"
printf '{"entry": "pii-shield.wasm", "kind": "reactor", "handler": "redact"}\n' >"$work/redact/capelet.json"
checksum=$(owner checksum "$work/redact" -o json | field function_checksum)
deploy() { owner deploy "$work/redact" -n "$1" -o json >"$work/deployed" || fail "deploy"; field function_id <"$work/deployed"; }
redact=$(deploy redact)
step "owner: deployed 'redact' (pii-shield, WebAssembly), sealed; the parent cannot read it"
say "        id $redact, checksum ${checksum:0:32}…"
owner key create >/dev/null || fail "key create"
say "owner:  published a vault key, attested by the enclave and countersigned"

# --- the document ---------------------------------------------------------------------------------------------------
secret='Ann Example, ann.example@mail.example, called from 555-867-5309 about card 4111 1111 1111 1111.'
printf '%s' "$secret" >"$work/letter.txt"
sender contact add owner "$owner_key" >/dev/null
sender encrypt --to owner --for "$checksum" --accept operator-account -f "$work/letter.txt" --out "$work/letter.cape" >/dev/null || fail "encrypt"
step "sender: encrypted a letter, for this owner and this checksum alone"
say "        ${dim}$secret$plain"
owner run redact -f "$work/letter.cape" --receipt "$work/receipt" >"$work/redacted" || fail "run"
step "owner:  ran the one on the other; what came back:"
say "        $green$(cat "$work/redacted")$plain"
grep -q 'ann.example@mail.example' "$work/redacted" && fail "the function did not redact"
[ -s "$work/redacted" ] || fail "an empty result"

CAPELET_HOME=$work/sender "$bin/capelet" receipt verify --development "$work/receipt" --result "$work/redacted" --input "$work/letter.txt" >/dev/null 2>>"$work/log" || fail "receipt"
say "sender: checked the receipt offline: this image, this checksum, this input, this result"

# --- what the parent saw --------------------------------------------------------------------------------------------
sleep 0.2
seen=$(cat "$work/traffic"/* | wc -c | tr -d ' ')
[ "$seen" -gt 10000 ] || fail "the proxy recorded only $seen bytes"
for needle in 'ann.example' '867-5309' '4111 1111'; do
    grep -raqF "$needle" "$enclave" "$work/traffic" "$work/parent.log" && fail "the parent saw '$needle'"
done
say "parent: $seen bytes of traffic, store and logs hold no word of the letter"

# --- the attacks ----------------------------------------------------------------------------------------------------
refused() { # what, expected code, command…
    local what=$1 expected=$2 code
    shift 2
    if "$@" -o json >"$work/out" 2>>"$work/log"; then fail "$what: succeeded"; fi
    code=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["error"]["code"])' <"$work/out") || fail "$what: no code"
    case " $expected " in *" $code "*) ;; *) fail "$what: $code instead of $expected" ;; esac
    say "        $what: ${green}refused$plain ($code)"
}
step "The parent attacks:"
other=$(deploy other)
"$bin/capelet-dev-adversary" swap-object "$enclave/store" "$redact" "$other" >>"$work/log" 2>&1 || fail "swap-object"
refused "a stored function swapped for another" disagrees owner run redact -f "$work/letter.cape"

stop "$proxy_pid"
rm -f "$work/front.sock"
"$bin/capelet-dev-adversary" mitm --listen "$front" --to "$address" >>"$work/log" 2>&1 &
started+=($!)
for _ in $(seq 200); do [ -S "$work/front.sock" ] && break; sleep 0.05; done
refused "a man in the middle with the genuine document" exporter-mismatch owner run redact -f "$work/letter.cape"
stop "${started[-1]}"
rm -f "$work/front.sock"

stop "$local_pid"
"$bin/capelet-dev-adversary" pad "$bin/capelet-core-dev" "$work/core" >>"$work/log" 2>&1
chmod +x "$work/core"
start_enclave --core "$work/core" --listen "$front"
refused "an enclave with one byte of other code" pcr-mismatch owner run redact -f "$work/letter.cape"
step "Everything held. DEVELOPMENT roots only: what hardware adds, see README."
