#!/bin/sh
# Two servers witness each other, a third party checks both, and a fork that one of them makes is found from outside.
#
#   witnesses.sh CUSTODY
#
# CUSTODY is the built program. With PYTHON (3.12 or later) and PyPI, aics-tlog, which shares no code with Custody, verifies
# checkpoint, inclusion, consistency and quorum over HTTP too. With CHROMIUM (a Chromium) and Node 20, the page /verify judges the same
# evidence packs. Uses the ports BASE (default 18690) to BASE + 2 of this machine.
#
# Exit: 0 everything as it has to be, 1 otherwise, 64 usage.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 CUSTODY" >&2; exit 64; }
custody=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
base=${BASE:-18690}
dir=$(mktemp -d)
pids=
stop() { for pid in $pids; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done; pids=; }
trap 'stop; rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir" XDG_STATE_HOME="$dir/state"

fail() { echo "FAIL: $1" >&2; exit 1; }
step() { echo "== $1"; }
url() { echo "http://127.0.0.1:$((base + $1))"; }

# serve NAME NUMBER [DATA]: in the background, until it answers.
serve() {
    printf 'public_entries: true\nbeacon_minutes: 0\n' >"$1.yaml"
    [ ! -f "$1.witness" ] || echo "witness: $dir/$1.witness" >>"$1.yaml"
    [ ! -f "$1.policy" ] || echo "policy: $dir/$1.policy" >>"$1.yaml"
    "$custody" serve --data "${3:-$1}" --guard "$dir/guard-$1" --config "$1.yaml" --listen "127.0.0.1:$((base + $2))" >"$1.log" 2>&1 &
    pids="$pids $!"
    for _ in $(seq 100); do
        curl -sf "$(url "$2")/healthz" >/dev/null && return
        sleep 0.1
    done
    cat "$1.log" >&2
    fail "$1 did not start"
}
vkey() { sed -n 's/^  vkey  *//p' "$1.log"; }
push() { seq "$2" "$3" | sed 's/.*/{"id":"&","actor":"a","action":"x.y"}/' | CUSTODY_URL=$(url "$1") "$custody" push --data "$4" --source ci >/dev/null 2>&1; }
size() { curl -sf "$(url "$1")/ledger/checkpoint" | sed -n 2p; }
# published NUMBER SIZE: within ten seconds
published() {
    for _ in $(seq 100); do
        [ "$(size "$1" 2>/dev/null || echo 0)" -ge "$2" ] && return
        sleep 0.1
    done
    fail "server $1 did not publish $2 leaves"
}

step "two servers, first without witnesses, to learn their keys"
serve a 0
serve b 1
stop
echo "log $(vkey a)
quorum none" >b.witness
echo "log $(vkey b)
quorum none" >a.witness
cp a.log a.first; cp b.log b.first
serve a 0
serve b 1
# A witness' key stands in its directory's first cosignature; ask for one with a checkpoint of size 0.
stop
witnesskey() { # NAME NUMBER: the vkey of the witness that the server NAME is
    "$custody" witness --data "$1" --policy "$1.witness" --listen "127.0.0.1:$((base + 2))" >"$1.wlog" 2>&1 &
    pid=$!
    for _ in $(seq 50); do grep -q '^  vkey' "$1.wlog" && break; sleep 0.1; done
    kill "$pid"; wait "$pid" 2>/dev/null || true
    sed -n 's/^  vkey  *//p' "$1.wlog"
}
echo "log $(vkey a)
witness b $(witnesskey b) $(url 1)/witness/
quorum b" >a.policy
echo "log $(vkey b)
witness a $(witnesskey a) $(url 0)/witness/
quorum a" >b.policy

step "they witness each other"
serve a 0
serve b 1
push 0 1 700 a
push 1 1 300 b
published 0 700
published 1 300
CUSTODY_TOKEN=$(cat a/keys/admin.token) "$custody" verify "$(url 0)" --policy a.policy | grep "cosigned by b" || fail "a is not cosigned by b"
CUSTODY_TOKEN=$(cat b/keys/admin.token) "$custody" verify "$(url 1)" --policy b.policy | grep "cosigned by a" || fail "b is not cosigned by a"
curl -sf "$(url 0)/ledger/checkpoint" >old.checkpoint
vkey a >a.vkey
push 0 701 1500 a
published 0 1500
if [ -n "${PYTHON:-}" ]; then
    step "aics-tlog: checkpoint, quorum, consistency, every tile, inclusion over HTTP"
    POLICY=a.policy QUORUM=1 sh "$here/aics-tlog.sh" "$(url 0)/ledger" a.vkey old.checkpoint || fail "aics-tlog refuses a"
fi

step "an evidence pack is judged by the policy: its quorum, another's, and a pack that somebody changed"
verified() { # STATUS PATTERN ARGUMENT...: custody verify with its exit status and something that it says
    want=$1 pattern=$2
    shift 2
    status=0
    "$custody" verify "$@" >verified.out 2>&1 || status=$?
    [ "$status" -eq "$want" ] || { cat verified.out >&2; fail "verify $*: status $status, not $want"; }
    grep -q "$pattern" verified.out || { cat verified.out >&2; fail "verify $*: does not say $pattern"; }
}
page() { # STATUS PATTERN ARGUMENT...: the same with the page of server a
    [ -n "${CHROMIUM:-}" ] || return 0
    want=$1 pattern=$2
    shift 2
    status=0
    node "$here/verify-page.mjs" "$(url 0)" "$@" >page.out 2>&1 || status=$?
    [ "$status" -eq "$want" ] && grep -q "$pattern" page.out || { cat page.out >&2; fail "the page, $*: status $status, not $want and $pattern"; }
}
CUSTODY_URL=$(url 0) "$custody" export 'action:x.y' --limit 5 --since 2000-01-01 --data a -o a.evidence 2>/dev/null
other=$(sed -n 's/^witness a \([^ ]*\).*/\1/p' b.policy)
sed "s|^witness b .*|witness other $other|; s/^quorum .*/quorum other/" a.policy >other.policy
sed 's/^log .*//' a.policy >nolog.policy
sed '2s/"index":[0-9]*/"index":3/' a.evidence >changed.evidence
verified 0 "cosigned by b" a.evidence --policy a.policy
verified 0 "cosigned by b" a.evidence --policy nolog.policy --vkey "$(cat a.vkey)"
verified 0 "self-consistent only" a.evidence --policy nolog.policy
verified 2 "no quorum" a.evidence --policy other.policy
verified 2 "does not know the log" a.evidence --policy b.policy
verified 2 "line 2" changed.evidence --policy a.policy
page 0 "Cosigned by: b at 20" a.evidence --policy a.policy
page 0 "names only" a.evidence --vkey "$(cat a.vkey)"
page 1 "no quorum" a.evidence --policy other.policy
page 1 "Self-consistent only" a.evidence
page 1 "line 2" changed.evidence --policy a.policy
page 1 "policy line 1" a.evidence --policy a.vkey

step "one goes away: the other publishes nothing more, and takes events all the same"
hash=$(printf %s "$(head -1 old.checkpoint)" | sha256sum | cut -d' ' -f1)
curl -sf "$(url 1)/witness/$hash/checkpoint" >seen-by-b.checkpoint || fail "b has not kept a's checkpoint"
stop
serve a 0
before=$(size 0)
push 0 1501 1600 a || fail "a takes no events without its witness"
sleep 3
[ "$(size 0)" -eq "$before" ] || fail "a published without its quorum"
curl -sf -H "Authorization: Bearer $(cat a/keys/admin.token)" "$(url 0)/v1/integrity" | grep -q '"state":"waiting"' || fail "a does not say that it waits"
serve b 1
for _ in $(seq 400); do [ "$(size 0)" -gt "$before" ] && break; sleep 0.1; done
[ "$(size 0)" -gt "$before" ] || fail "a did not publish when its witness was back"
stop

step "a copy of the directory goes on with other events: its guard, empty, refuses"
cp -r a fork
# Another account, which has not seen a's history.
push_to_fork() { (export XDG_STATE_HOME="$dir/fork-state"; push 2 "$1" "$2" fork); }
serve a 0
serve b 1
push 0 2001 2500 a
published 0 2100
CUSTODY_TOKEN=$(cat a/keys/admin.token) "$custody" verify "$(url 0)" --policy a.policy >/dev/null || fail "a does not verify"
cp a.policy f.policy; cp a.witness f.witness
serve f 2 fork
push_to_fork 5001 5400 || fail "the copy takes no events"
status=0
echo '{"id":"seen","actor":"a","action":"x.y"}' | CUSTODY_URL=$(url 2) "$custody" push --data fork --source ci >pushed.out 2>&1 || status=$?
[ "$status" -eq 2 ] && grep -q "rolled back or rewritten" pushed.out || { cat pushed.out >&2; fail "an agent that saw a's history does not notice"; }
grep -q "1 event.* accepted" pushed.out || { cat pushed.out >&2; fail "the copy does not take the agent's event"; }
sleep 2
curl -sf -H "Authorization: Bearer $(cat fork/keys/admin.token)" "$(url 2)/v1/integrity" | grep -q '"code":"guardLost"' || fail "the copy's guard does not refuse"
stop

step "its operator vouches for it, and drops the witness: now it signs a second history"
"$custody" guard accept --data fork --guard "$dir/guard-f" --reason "an attack" 2>/dev/null
rm f.policy
serve f 2 fork
published 2 2000
if CUSTODY_TOKEN=$(cat fork/keys/admin.token) "$custody" verify "$(url 2)" --vkey "$(cat a.vkey)" >fork.out 2>&1; then
    fail "this machine, which saw a's history, accepts the fork"
else
    [ $? -eq 2 ] || fail "the fork is not an integrity failure"
fi
grep "rolled back or rewritten\|checkpoint" fork.out
# Whoever has seen neither asks the witness, and demands the policy's quorum.
if HOME=/nonexistent XDG_STATE_HOME="$dir/other" CUSTODY_TOKEN=$(cat fork/keys/admin.token) "$custody" verify "$(url 2)" --policy a.policy >fork.out 2>&1; then
    fail "a third party with the policy accepts the fork"
fi
grep "no quorum" fork.out || fail "the third party does not miss the quorum"
stop

step "the fork asks its witness after all: it is refused"
cp a.policy f.policy
serve b 1
serve f 2 fork
push_to_fork 6001 6100
sleep 3
curl -sf -H "Authorization: Bearer $(cat fork/keys/admin.token)" "$(url 2)/v1/integrity" >fork.json
grep -o '"failure":"[^"]*"' fork.json || fail "the witness does not refuse the fork"
stop

step "both are gone: the pack from before verifies all the same, offline and by the policy"
verified 0 "cosigned by b" a.evidence --policy a.policy
echo "ok"
