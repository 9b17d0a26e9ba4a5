#!/usr/bin/env bash
# Makes the packages as rpms and holds what is in them against the debs. An rpm
# that was made on Debian is not for other systems; what it would hold is.
#   rpm.sh BUILD
set -euo pipefail
build=$1 failed=0
to=$(mktemp -d /tmp/metsuke-rpm.XXXXXX)
trap 'rm -rf "$to"' EXIT
(cd "$build" && cpack -G RPM -B "$to") >"$to/log" 2>&1 || { tail -n 20 "$to/log"; exit 1; }
for name in metsuke-agent metsuke-controller metsukectl; do
  dpkg-deb -c "$build"/packages/${name}_*.deb | awk '!/^d/ {sub(/^\./, "", $6); print $6}' | sort >"$to/deb"
  rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$to"/$name-[0-9]*.rpm | awk '!/^d/ {print $2}' | sort >"$to/rpm"
  diff "$to/deb" "$to/rpm" || { echo "$name: the rpm (>) has other files than the deb (<)"; failed=1; }
  wanted=$(dpkg-deb -I "$build"/packages/${name}_*.deb conffiles 2>/dev/null | sort || true)
  found=$(rpm -qpc "$to"/$name-[0-9]*.rpm | grep -v '^(' | sort || true)
  [ "$wanted" = "$found" ] || { echo "$name: the configuration files of the rpm are: $found"; failed=1; }
done
exit $failed
