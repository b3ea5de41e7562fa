#!/usr/bin/env bash
# Builds the container of packaging/Containerfile and uses what runs in it. No engine is needed: buildah does both, in a change of root.
#
#   container.sh [BASE]          in a clone in which ./package has run; BASE is a directory with a Debian system to begin with
#                                (default: debootstrap makes one, so that no registry is asked)
#
# Exit: 0 all right, 1 something is not, 77 skipped because something needed is missing.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/../.."
skip() { echo "skipped: $1" >&2; exit 77; }
bad() { echo "FAILED: $1" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || skip "not root"
command -v buildah >/dev/null || skip "buildah is missing"
ls dist/custody-linux-*.tar.gz >/dev/null 2>&1 || skip "no packages in dist; run ./package"
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
work=$(mktemp -d)
port=${CUSTODY_PORT:-18999}
# A storage of its own: nothing of this machine's images is used, or left.
buildah() { command buildah --root "$work/images" --runroot "$work/run" "$@"; }
cleanup() {
    pkill -f "custody serve --listen 127.0.0.1:$port" 2>/dev/null || true
    buildah rm --all >/dev/null 2>&1 || true
    umount -l "$work"/images/* 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
base=${1:-$work/base}
[ $# -ge 1 ] || debootstrap --variant=minbase --include=ca-certificates bookworm "$base" ${MIRROR:-} >"$work/log" 2>&1 || skip "debootstrap failed"
container=$(buildah from scratch)
place=$(buildah mount "$container")
cp -a "$base/." "$place/"
buildah umount "$container" >/dev/null
buildah commit -q "$container" debian:12-slim >/dev/null
buildah build --pull-never --network host -t custody -f packaging/Containerfile . >"$work/log" 2>&1 || { tail "$work/log" >&2; bad "the build"; }
container=$(buildah from --pull-never custody)
inside() { buildah run --network host "$container" -- "$@"; }
[ "$(inside id -un)" = custody ] || bad "it does not run as custody"
inside /usr/bin/custody serve --listen "127.0.0.1:$port" --data /var/lib/custody/data --guard /var/lib/custody/guard >"$work/serve" 2>&1 &
for _ in $(seq 100); do
    curl -fsS "http://127.0.0.1:$port/readyz" >/dev/null 2>&1 && break
    sleep 0.1
done
grep -q vkey "$work/serve" || { cat "$work/serve" >&2; bad "it does not start"; }
at=(--url "http://127.0.0.1:$port" --data /var/lib/custody/data)
echo '{"id":"e1","actor":"octocat","action":"repo.create","outcome":"success"}' | inside custody push --source ci "${at[@]}" >/dev/null || bad "push"
found=""
for _ in $(seq 20); do
    inside custody search actor:octocat "${at[@]}" 2>/dev/null | grep -q repo.create && { found=1; break; }
    sleep 0.1
done
[ -n "$found" ] || bad "search"
inside custody verify /var/lib/custody/data >/dev/null || bad "verify"
echo "ok: $(command buildah --version | cut -d' ' -f1-3), account custody; an event is pushed, found and verified"
