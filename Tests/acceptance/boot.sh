#!/usr/bin/env bash
# Boots a fresh Debian system in a virtual machine in which the package that ./package made is installed, and uses the service there as
# systemd runs it: sandboxed, killed, restarted.
#
#   boot.sh [DIST]          DIST (default: dist) holds the .deb
#
# Needs root, debootstrap, qemu-system-x86_64, mkfs.ext4 and Debian's archive. The processor is emulated, which takes minutes; ACCEL=kvm is
# faster where that works. MIRROR names another archive, SUITE another release (default: bookworm).
#
# Exit: 0 all right, 1 something is not, 77 skipped because something needed is missing.
set -euo pipefail

dist=$(readlink -f "${1:-dist}")
suite=${SUITE:-bookworm}
skip() { echo "skipped: $1" >&2; exit 77; }
bad() { echo "FAILED: $1" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || skip "not root"
for tool in debootstrap qemu-system-x86_64 mkfs.ext4; do command -v $tool >/dev/null || skip "$tool is missing"; done
deb=$(ls "$dist"/custody_*_amd64.deb 2>/dev/null | head -n 1)
[ -n "$deb" ] || skip "no package in $dist; run ./package"

work=$(mktemp -d)
cleanup() {
    umount -l "$work/root/proc" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
root=$work/root
debootstrap --variant=minbase --include=ca-certificates,curl,systemd,systemd-sysv,linux-image-cloud-amd64,initramfs-tools "$suite" "$root" \
    ${MIRROR:-} >"$work/debootstrap.log" 2>&1 || { tail -3 "$work/debootstrap.log" >&2; skip "debootstrap of $suite failed"; }
cp /etc/apt/sources.list "$root/etc/apt/sources.list" 2>/dev/null || true
cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/" 2>/dev/null || true
cp "$deb" "$root/root/custody.deb"
mount -t proc proc "$root/proc"
chroot "$root" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq /root/custody.deb' >"$work/install.log" 2>&1 ||
    { cat "$work/install.log" >&2; bad "the package does not install"; }
umount "$root/proc"

cat >"$root/root/check.sh" <<'CHECK'
#!/bin/sh
exec >/dev/ttyS1 2>&1
bad() { echo "FAILED: $1"; journalctl -u custody -n 20 --no-pager; systemctl poweroff; exit 1; }
ready() {
    for _ in $(seq 300); do
        curl -fsS http://127.0.0.1:8400/readyz >/dev/null 2>&1 && return
        sleep 0.1
    done
    bad "not ready after 30 s: $1"
}
property() { systemctl show -P "$1" custody; }
event() { custody search 'actor:octocat' 2>/dev/null | grep -q repo.create; }
ready "after boot"
[ "$(property ActiveState)" = active ] || bad "the service is $(property ActiveState)"
[ "$(property NRestarts)" = 0 ] || bad "the service was restarted"
echo "ok: systemd started it, ready after $((($(property ActiveEnterTimestampMonotonic) - $(property ExecMainStartTimestampMonotonic)) / 1000)) ms"
[ "$(stat -c %U "/proc/$(property MainPID)")" = custody ] || bad "it runs as another user"
[ "$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$(property MainPID)/status")" = 0000000000000000 ] || bad "it has capabilities"
echo "ok: account custody, no capabilities; $(systemd-analyze security custody --no-pager | tail -n 1 | sed 's/^[^A-Za-z]*//; s/[^[:print:]]//g')"
echo '{"id":"e1","actor":"octocat","action":"repo.create","outcome":"success"}' | custody push --source ci >/dev/null || bad "push"
for _ in $(seq 20); do event && break; sleep 0.1; done
event || bad "search"
kill -9 "$(property MainPID)"
sleep 1
ready "after it was killed"
[ "$(property NRestarts)" = 1 ] || bad "systemd did not restart it after a crash"
event || bad "the event is gone after a crash"
systemctl restart custody || bad "restart"
ready "after a restart"
event || bad "the event is gone after a restart"
custody verify /var/lib/custody/data >/dev/null || bad "verify"
journalctl -u custody --no-pager | grep -q vkey || bad "the journal does not tell the verifier key"
custody doctor >/root/doctor.txt 2>&1 || { cat /root/doctor.txt; bad "doctor"; }
systemctl stop custody || bad "stop"
[ "$(property Result)" = success ] || bad "it did not stop cleanly: $(property Result)"
echo; echo "ok: killed, restarted and stopped, the event is there and everything verifies"
echo; echo "all-is-well"
systemctl poweroff
CHECK
chmod 755 "$root/root/check.sh"
cat >"$root/etc/systemd/system/check.service" <<'UNIT'
[Unit]
After=custody.service
[Service]
Type=oneshot
ExecStart=/root/check.sh
Environment=HOME=/root
[Install]
WantedBy=multi-user.target
UNIT
ln -s ../check.service "$root/etc/systemd/system/multi-user.target.wants/check.service"
echo "check" >"$root/etc/hostname"
cp "$root"/boot/vmlinuz-* "$work/kernel"
cp "$root"/boot/initrd.img-* "$work/initrd"
truncate -s 3G "$work/disk"
mkfs.ext4 -q -F -d "$root" "$work/disk"

timeout 900 qemu-system-x86_64 -machine "q35,accel=${ACCEL:-tcg}" -cpu max -m 2048 -smp 2 -nographic -no-reboot -nic none \
    -kernel "$work/kernel" -initrd "$work/initrd" -append "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0" \
    -serial mon:stdio -serial "file:$work/told" -drive "file=$work/disk,if=virtio,format=raw" >"$work/console" 2>&1 </dev/null || true
tr -d "\r" <"$work/told" | grep -aE "^(ok:|FAILED:)" || true
[ -z "${KEEP:-}" ] || cp "$work/told" "$KEEP"
tr -d "\r" <"$work/told" | grep -aq "^all-is-well" || { tail -n 30 "$work/told" >&2; bad "the service in the machine"; }
