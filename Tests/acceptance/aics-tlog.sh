#!/bin/sh
# Checks a ledger with aics-tlog (PyPI), a verifier of C2SP logs that shares no code with Custody.
#
#   aics-tlog.sh TILES VKEY-FILE [OLD-CHECKPOINT]
#
# TILES is a directory that `custody export --ledger` wrote, or the URL of /ledger of a running server (then entries
# have to be public). VKEY-FILE, which must not lie in TILES, holds the ledger's verifier
# key. With OLD-CHECKPOINT, a checkpoint saved earlier, the log
# must also extend it. POLICY names a C2SP tlog-policy file and QUORUM a number: so many of its witnesses must have
# cosigned the checkpoint within the last hour (default: all of them). PYTHON names a Python of version 3.12 or later (default: python3), VENV the environment to install
# into (default: a temporary one).
#
# Exit: 0 accepted, 1 refused, 64 usage, 77 skipped because Python 3.12 or PyPI is missing.
set -eu

[ $# -ge 2 ] && [ $# -le 3 ] || { echo "usage: $0 TILES VKEY-FILE [OLD-CHECKPOINT]" >&2; exit 64; }
tiles=$1
vkey=$2
old=${3:-}
python=${PYTHON:-python3}

skip() { echo "skipped: $1" >&2; exit 77; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null || skip "$python is not Python 3.12 or later"
if [ -z "${VENV:-}" ]; then
    VENV=$(mktemp -d)
    trap 'rm -rf "$VENV"' EXIT
fi
if [ ! -x "$VENV/bin/aics-tlog" ]; then
    "$python" -m venv "$VENV" && "$VENV/bin/pip" install --quiet --disable-pip-version-check 'aics-tlog==0.2.1' >&2 ||
        skip "aics-tlog cannot be installed"
fi

"$VENV/bin/aics-tlog" verify-checkpoint --tiles "$tiles" --vkey-file "$vkey" || exit 1
if [ -n "${POLICY:-}" ]; then
    # Its policies are JSON: the witnesses' keys, and how many of them.
    json=$(mktemp)
    "$python" - "$POLICY" "${QUORUM:-}" >"$json" <<'PYTHON' || exit 1
import json
import sys

lines = [line.split() for line in open(sys.argv[1])]
keys = [items[2] for items in lines if items and items[0] == "witness"]
print(json.dumps({"quorum": int(sys.argv[2] or len(keys)), "witnesses": keys, "max_checkpoint_age": 3600}))
PYTHON
    "$VENV/bin/aics-tlog" verify-checkpoint --tiles "$tiles" --vkey-file "$vkey" --policy-file "$json" || exit 1
    rm -f "$json"
fi
if [ -n "$old" ]; then
    "$VENV/bin/aics-tlog" verify-consistency --tiles "$tiles" --vkey-file "$vkey" --old-checkpoint "$old" || exit 1
fi

# Every tile and every bundle against the signed root, then inclusion of the first, a middle and the last entry.
"$VENV/bin/python" - "$tiles" <<'PYTHON' || exit 1
import pathlib
import sys
import aics_tlog

tiles = sys.argv[1]
if "://" in tiles:
    reader = aics_tlog.HttpTileReader(tiles)
    note = reader.read_checkpoint()
else:
    reader = aics_tlog.FileSystemTileReader(tiles)
    note = pathlib.Path(tiles, "checkpoint").read_text()
checkpoint = aics_tlog.parse_checkpoint(aics_tlog.parse_note(note).text)
print("audit:", aics_tlog.audit_tiles(reader, checkpoint.size, checkpoint.root))
PYTHON
size=$("$VENV/bin/aics-tlog" verify-checkpoint --tiles "$tiles" --vkey-file "$vkey" |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["size"])')
for index in 0 $((size / 2)) $((size - 1)); do
    [ "$size" -gt 0 ] || break
    "$VENV/bin/aics-tlog" verify-inclusion --tiles "$tiles" --vkey-file "$vkey" --index "$index" || exit 1
done
