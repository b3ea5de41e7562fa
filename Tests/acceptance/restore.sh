#!/usr/bin/env bash
# Loses a server's disk, restores an older backup of it with what is known of the newer ledger, and goes on under another log, as docs/backup.md
# says; also when the key was changed after the backup. What was redacted after the backup must be nowhere in the end, and everything must verify.
#
#   restore.sh CUSTODY
#
# Exit: 0 everything as it has to be, 1 otherwise.
set -euo pipefail
custody=$(realpath "$1")
dir=$(mktemp -d)
server=""
cleanup() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"; }
trap cleanup EXIT
cd "$dir"
port=${CUSTODY_PORT:-18940}
export CUSTODY_ADMIN_TOKEN=restore-check-0123456789-0123456789 CUSTODY_TOKEN=restore-check-0123456789-0123456789
export CUSTODY_URL=http://127.0.0.1:$port
planted=jane.planted@acme.example
bad() { echo "FAILED: $1" >&2; exit 1; }
quietly() { "$@" >"$dir/out" 2>&1 || { cat "$dir/out" >&2; bad "$*"; }; }
start() {
    "$custody" serve --data "$1" --guard guard --listen "127.0.0.1:$port" >"$dir/serve" 2>&1 &
    server=$!
    for _ in $(seq 300); do curl -fsS "$CUSTODY_URL/readyz" >/dev/null 2>&1 && return; sleep 0.1; done
    cat "$dir/serve" >&2
    bad "the server on $1 does not start"
}
stop() { kill "$server"; wait "$server" || true; server=""; }
publication() { curl -fsS -H "Authorization: Bearer $CUSTODY_TOKEN" "$CUSTODY_URL/v1/integrity" | grep -o '"state":"[a-z]*"' | head -n 1; }
lines() { for i in $(seq "$1" "$2"); do echo "{\"id\":\"$i\",\"actor\":\"a$i\",\"action\":\"x.y\"}"; done; }

for change in "" rotate; do
    rm -rf ./*
    # Whoever watches the ledger from elsewhere.
    export XDG_STATE_HOME=$dir/state
    start data
    quietly "$custody" approver keygen alice -o alice.key
    quietly "$custody" approver add "$(cat out | grep -o 'alice+[^ ]*' | head -n 1)" --request add
    quietly "$custody" approver sign add --key alice.key
    quietly "$custody" approver add --approval add
    echo "{\"id\":\"p\",\"actor\":\"$planted\",\"action\":\"secret.read\"}" | quietly "$custody" push --source ci
    lines 1 200 | quietly "$custody" push --source ci
    for _ in $(seq 50); do [ "$(curl -fsS "$CUSTODY_URL/ledger/checkpoint" | sed -n 2p)" -gt 200 ] && break; sleep 0.1; done
    quietly "$custody" backup backup --data data --include-keys
    if [ -n "$change" ]; then
        stop
        quietly "$custody" key rotate --data data --guard guard --overlap 0 --reason "a check"
        start data
    fi
    index=$("$custody" search "actor:$planted" --json 2>/dev/null | grep -o '"index":[0-9]*' | head -n 1 | cut -d: -f2)
    quietly "$custody" redact "$index" --group actor --request redact --reason "a person asked"
    quietly "$custody" approver sign redact --key alice.key
    quietly "$custody" redact --approval redact
    lines 201 260 | quietly "$custody" push --source ci
    quietly "$custody" verify "$CUSTODY_URL"
    stop
    "$custody" restore backup --data restored --newer data >out 2>&1 && bad "an older backup is restored without a word"
    grep -q 'the backup ends at leaf' out || { cat out >&2; bad "the refusal does not say that the backup is older"; }
    quietly "$custody" restore backup --data restored --newer data --accept-loss "the disk is gone"
    grep -q '1 later records are appended again' out || { cat out >&2; bad "the redaction is not taken back"; }
    mv data broken
    start restored
    for _ in $(seq 50); do [ "$(publication)" = '"state":"stopped"' ] && break; sleep 0.1; done
    [ "$(publication)" = '"state":"stopped"' ] || bad "the guard lets a rolled-back ledger publish: $(publication)"
    # While it is stopped the redaction is there all the same, and lawful.
    # Nobody has seen this ledger's longer past here.
    export XDG_STATE_HOME=$dir/state-of-restored
    quietly "$custody" verify restored
    stop
    quietly "$custody" key succeed --data restored --guard guard --reason "the disk is gone"
    start restored
    lines 261 300 | quietly "$custody" push --source ci
    for _ in $(seq 50); do [ "$(publication)" = '"state":"stopped"' ] || break; sleep 0.1; done
    stop
    quietly "$custody" verify restored --deep
    grep -q '^ *0  destroyed without proven authority' out || { cat out >&2; bad "what was taken back is not lawful"; }
    grep -q 'redacted lawfully' out || { cat out >&2; bad "the redaction is not told"; }
    # The delivery keys of segments and journal are all that may remember; the words are nowhere.
    ! grep -rqaF "$planted" restored || bad "the redacted name is in $(grep -rlaF "$planted" restored | head -n 1)"
    echo "ok: restored${change:+ across a change of the key}, taken back, succeeded, verified"
done
