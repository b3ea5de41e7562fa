#!/usr/bin/env bash
# Installs what ./package made into a fresh Debian system and uses it there, where no toolchain is.
#
#   package.sh [DIST]          DIST (default: dist) holds the .deb and the tarball
#
# Needs root, debootstrap and Debian's archive. The service's command is run by hand; boot.sh has systemd run it, sandbox included.
# MIRROR names another archive, SUITE another release (default: bookworm).
#
# Exit: 0 all right, 1 something is not, 77 skipped because something needed is missing.
set -euo pipefail

dist=$(readlink -f "${1:-dist}")
suite=${SUITE:-bookworm}
skip() { echo "skipped: $1" >&2; exit 77; }
bad() { echo "FAILED: $1" >&2; exit 1; }
good() { echo "ok: $1"; }

[ "$(id -u)" -eq 0 ] || skip "not root"
command -v debootstrap >/dev/null || skip "debootstrap is missing"
deb=$(ls "$dist"/custody_*.deb 2>/dev/null | head -n 1)
tarball=$(ls "$dist"/custody-linux-*.tar.gz 2>/dev/null | head -n 1)
[ -n "$deb" ] && [ -n "$tarball" ] || skip "no packages in $dist; run ./package"
(cd "$dist" && sha256sum --quiet -c SHA256SUMS) || bad "SHA256SUMS"

root=$(mktemp -d)
# It becomes the root directory of a user without rights.
chmod 755 "$root"
cleanup() {
    [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
    umount -l "$root/proc" 2>/dev/null || true
    rm -rf "$root"
}
trap cleanup EXIT
debootstrap --variant=minbase --include=ca-certificates,curl,systemd,systemd-sysv "$suite" "$root" ${MIRROR:-} >/dev/null 2>&1 ||
    skip "debootstrap of $suite failed"
cp /etc/apt/sources.list "$root/etc/apt/sources.list" 2>/dev/null || true
cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/" 2>/dev/null || true
cp "$deb" "$root/root/custody.deb"
mount -t proc proc "$root/proc"

# The tarball first: none of its libraries is in the system yet.
mkdir -p "$root/opt"
tar -C "$root/opt" -xzf "$tarball"
chroot "$root" /opt/custody/bin/custody --version >/dev/null || bad "the tarball's program does not start"
good "tarball: starts on a system without its libraries"

begin=$(date +%s%N)
chroot "$root" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq /root/custody.deb' >"$root/install.log" 2>&1 ||
    { cat "$root/install.log" >&2; bad "the package does not install"; }
good "package: installed in $((($(date +%s%N) - begin) / 1000000)) ms, dependencies fetched included"
chroot "$root" sh -c 'command -v swift' && bad "a toolchain is in the system"
[ "$(chroot "$root" stat -c '%U %a' /var/lib/custody)" = "custody 700" ] || bad "/var/lib/custody is not the service's alone"
[ "$(chroot "$root" stat -c '%U:%G %a' /etc/custody/custody.yaml)" = "root:custody 640" ] || bad "the configuration's rights"
for page in custody custody-serve custody-search custody-push-kubernetes; do
    [ -s "$root/usr/share/man/man1/$page.1.gz" ] || bad "no manual page $page"
done
good "package: rights, manual pages"

use() {
    # $1: runs a command inside; then the service is used as its administrator would.
    $1 custody search 'actor:octocat' >/dev/null 2>&1 && bad "something is found before anything was sent"
    echo '{"id":"e1","actor":"octocat","action":"repo.create","outcome":"success"}' | $1 custody push --source ci >/dev/null ||
        bad "push"
    found=""
    # What was acknowledged can be searched a moment later.
    for _ in $(seq 20); do
        $1 custody search 'actor:octocat' 2>/dev/null | grep -q repo.create && { found=1; break; }
        sleep 0.1
    done
    [ -n "$found" ] || bad "search"
    $1 custody verify /var/lib/custody/data >/dev/null || bad "verify"
    good "$2: an event is pushed, found and verified"
}
ready() {
    # $1: runs a command inside; $2: since when, in nanoseconds
    for _ in $(seq 300); do
        if $1 curl -fsS http://127.0.0.1:8400/readyz >/dev/null 2>&1; then
            echo "ok: ready after $((($(date +%s%N) - $2) / 1000000)) ms"
            return
        fi
        sleep 0.1
    done
    tail -5 "$root/serve.log" >&2 2>/dev/null || true
    bad "not ready after 30 s"
}

inside() { chroot "$root" "$@"; }
begin=$(date +%s%N)
chroot --userspec=custody:custody "$root" env HOME=/var/lib/custody custody serve --config /etc/custody/custody.yaml \
    --data /var/lib/custody/data --guard /var/lib/custody/guard >"$root/serve.log" 2>&1 &
server=$!
ready inside "$begin"
use inside "by hand"
kill "$server"
wait "$server" || bad "the server's status after SIGTERM"
server=""
chroot "$root" sh -c 'DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq custody' >"$root/purge.log" 2>&1 || bad "purge"
[ -d "$root/var/lib/custody/data" ] || bad "purge removed the evidence"
[ ! -e "$root/etc/custody/custody.yaml" ] || bad "purge left the configuration"
good "purge: configuration gone, evidence kept"
