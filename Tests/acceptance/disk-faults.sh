#!/usr/bin/env bash
# Lets the real server fail at each system call of its write path: an I/O error, a full disk, or death (SIGKILL) at the n-th call,
# injected by strace. After each: start again, every acknowledged event has to be there exactly once with its index, and
# `custody verify` has to find everything in order.
#
#   Tests/acceptance/disk-faults.sh [BINARY] [PORT]      default .build/debug/custody 18999; needs strace, curl, jq
#
# CUSTODY_FAULT_CALLS ("1 2 4 …") and CUSTODY_FAULT_SYSCALLS ("unlink,unlinkat mkdir,mkdirat") run a part.
set -u
binary=${1:-.build/debug/custody}
port=${2:-18999}
work=$(mktemp -d "${TMPDIR:-/tmp}/custody-faults.XXXXXX")
token=acceptance-token-0123456789-0123456789
export CUSTODY_ADMIN_TOKEN=$token CUSTODY_TOKEN=$token XDG_STATE_HOME=$work/state
url=http://127.0.0.1:$port
failures=0 runs=0 strikes=0 hit=0
declare -A struck=()
server=
exec 2>"$work/stderr"  # bash tells of every process that ends by a signal
trap '[ -n "$server" ] && kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT

post() {  # ID [QUERY] → the answer; fails unless it is a success
    curl -fsS -m 10 -H "Authorization: Bearer $token" --data-binary "{\"id\":\"$1\",\"actor\":\"a\",\"action\":\"x.y\"}" "$url/v1/events${2:-}" 2>/dev/null
}

redact() {  # the next of the redactions that the approver signed; it may fail, and is finished by the next start
    local approval
    for approval in "$work"/approvals/*; do
        [ -f "$approval" ] || return 0
        jq -Rs '{approval: .}' <"$approval" |
            curl -fsS -m 20 -H "Authorization: Bearer $token" -H 'Content-Type: application/json' --data-binary @- "$url/v1/redactions" >/dev/null 2>&1
        rm -f "$approval"
        return 0
    done
}

stop_server() {  # lets the traced server end by itself, or a while later
    local traced
    for traced in $(pgrep -P "$server"); do kill -TERM "$traced"; done
    for _ in $(seq 100); do
        [ -n "$(pgrep -P "$server")" ] || return 0
        sleep 0.1
    done
}

await_start() {
    for _ in $(seq 300); do
        curl -fsS -m 2 "$url/healthz" >/dev/null 2>&1 && return 0
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# The traced process is a child of strace: end both.
end_server() {
    local traced
    for traced in $(pgrep -P "$server"); do
        kill -9 "$traced"
        # It is no child of ours: on a busy machine its lock outlives strace for a moment.
        while kill -0 "$traced" 2>/dev/null; do sleep 0.05; done
    done
    kill -9 "$server" 2>/dev/null
    { wait "$server"; } 2>/dev/null
    server=
}

strike() {  # SYSCALL EFFECT N
    local data=$work/data acknowledged=() answer id number entry
    # Each run is another history of one key: what was seen of the last one must not count.
    rm -rf "$data" "$work/state" "$work/guard" "$work/trace"
    cp -a "$work/template" "$data" && cp -a "$work/guard-template" "$work/guard"
    rm -rf "$work/approvals" && cp -a "$work/approvals-template" "$work/approvals"
    runs=$((runs + 1))
    strace -f -qq -o "$work/trace" -e "trace=$1" -e "inject=$1:$2:when=$3" \
        "$binary" serve --data "$data" --guard "$work/guard" --listen "127.0.0.1:$port" \
        >"$work/out" 2>&1 &
    server=$!
    if await_start; then
        case $1 in
        # A redaction rewrites segments and lets the journal begin another file and forget the old one.
        unlink*) redact ;;
        # Another retention class has a directory of its own, made when its first segment is written: at the end.
        mkdir*) post "$1-$3-class" "?source=kept" >/dev/null ;;
        esac
        # Some wait, so that checkpoints come in between.
        for number in $(seq 12); do
            [ $((number % 4)) = 0 ] && sleep 0.4
            id=$1-$3-$number
            answer=$(post "$id") || continue
            acknowledged+=("$id $(jq -r .first_index <<<"$answer")")
        done
        case $1 in
        unlink*) redact ;;
        mkdir*) stop_server ;;
        esac
    fi
    end_server
    # A call that killed is not marked as injected, it just does not return.
    hit=0
    if grep -q 'INJECTED\|= ?$' "$work/trace"; then hit=1; fi
    strikes=$((strikes + hit))

    "$binary" serve --data "$data" --guard "$work/guard" --listen "127.0.0.1:$port" >"$work/out" 2>&1 &
    server=$!
    if ! await_start; then
        echo "FAIL $1 $2 call $3: does not start again: $(tail -1 "$work/out")"
        failures=$((failures + 1))
        end_server
        return
    fi
    for entry in "${acknowledged[@]}"; do
        answer=$(post "${entry% *}")
        if [ "$(jq -r '"\(.accepted) \(.duplicates) \(.first_index)"' <<<"$answer")" != "0 1 ${entry#* }" ]; then
            echo "FAIL $1 $2 call $3: the acknowledged event $entry is lost or moved: $answer"
            failures=$((failures + 1))
        fi
    done
    kill -TERM "$server" && wait "$server" 2>/dev/null
    server=
    if ! "$binary" verify "$data" >"$work/verify" 2>&1; then
        echo "FAIL $1 $2 call $3: $(tail -2 "$work/verify")"
        failures=$((failures + 1))
    fi
    struck[$1]=$((${struck[$1]:-0} + ${hit:-0}))
}

# A directory that has served before, so that calls are those of the write path and not of the first start.
"$binary" serve --data "$work/template" --guard "$work/guard-template" --listen "127.0.0.1:$port" >"$work/out" 2>&1 &
server=$!
await_start || { echo "the server does not start: $(cat "$work/out")"; exit 1; }
for number in $(seq 300); do post "before-$number" >/dev/null || { echo "post failed"; exit 1; }; done
custody() { "$binary" "$@" --url "$url" >>"$work/out" 2>&1 || { echo "custody $*: $(tail -1 "$work/out")"; exit 1; }; }
mkdir "$work/approvals-template"
custody source add kept --retention-class 7
vkey=$("$binary" approver keygen approver -o "$work/approver.key" 2>/dev/null | tail -1)
custody approver add "$vkey" --request "$work/request"
"$binary" approver sign "$work/request" --key "$work/approver.key" >>"$work/out" 2>&1
custody approver add "$vkey" --approval "$work/request"
for number in 1 2; do
    custody redact $((number * 10)) --group actor --request "$work/approvals-template/$number"
    "$binary" approver sign "$work/approvals-template/$number" --key "$work/approver.key" >>"$work/out" 2>&1
done
kill -TERM "$server" && wait "$server"
server=

calls=${CUSTODY_FAULT_CALLS:-"1 2 4 7 12 20 33"}
# The write path writes with pwrite64; write is for the log and sockets.
for call in ${CUSTODY_FAULT_SYSCALLS:-pwrite64 fdatasync fsync openat rename,renameat,renameat2 unlink,unlinkat ftruncate mkdir,mkdirat}; do
    for number in $calls; do
        for effect in error=EIO error=ENOSPC signal=KILL; do strike "$call" "$effect" "$number"; done
    done
    echo "$call: $runs runs so far, ${struck[$call]:-0} of this call struck, $failures failures"
    # A call that is never struck is not tested.
    [ "${struck[$call]:-0}" -gt 0 ] || { echo "FAIL $call: no run struck it"; failures=$((failures + 1)); }
done
[ "$failures" -eq 0 ]
