#!/usr/bin/env bash
# Holds the agent that needs nothing but glibc to that: what its programs name,
# and whether they run in a folder where nothing else is.
#   portable.sh BUILD
set -euo pipefail
build=$1 failed=0
to=$(mktemp -d /tmp/metsuke-portable.XXXXXX)
trap 'rm -rf "$to"' EXIT
wrong() { echo "$1"; failed=1; }

tar -C "$to" -xzf "$build"/packages/metsuke-agent-*-linux-x86_64.tar.gz --strip-components=1
for program in "$to"/files/usr/libexec/metsuke/*; do
  others=$(readelf -d "$program" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | grep -vxE 'lib(c|m)\.so\.6|ld-linux-x86-64\.so\.2' || true)
  [ -z "$others" ] || wrong "${program##*/} needs $others"
done
said=$(sed -nE 's/^glibc ([0-9.]+) or later.*/\1/p' "$to/README")
. /etc/os-release
# What it is made on decides; from Debian 12 it is to go as far as Enterprise Linux 9.
[ "$ID:${VERSION_ID:-}" != debian:12 ] || [ "$said" = 2.34 ] || wrong "it needs glibc $said in place of 2.34"

mkdir -p "$to/bare/lib64" "$to/bare/lib" "$to/bare/etc"
cp "$to"/files/usr/libexec/metsuke/* "$to/bare"
cp -L /lib64/ld-linux-x86-64.so.2 "$to/bare/lib64"
cp -L /lib/x86_64-linux-gnu/lib{c,m}.so.6 "$to/bare/lib"
for program in metsuke-agent metsuke-collect metsuke-probe; do
  chroot "$to/bare" "/$program" --version || wrong "$program does not run without other libraries"
done
chroot "$to/bare" /metsuke-collect --once --tables accounts,services,ports -o json >"$to/json" || wrong "metsuke-collect does not look"
/usr/bin/python3 - "$to/json" <<'PYTHON' || wrong "metsuke-collect does not say how it fared: $(cat "$to/json")"
import json, sys
said = {row["table"]: row["status"] for row in json.load(open(sys.argv[1]))["collections"]}
sys.exit(said.keys() != {"accounts", "services", "ports"} or said["services"] != "absent")
PYTHON
exit $failed
