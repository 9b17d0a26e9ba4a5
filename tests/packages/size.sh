#!/usr/bin/env bash
# Holds what each deb says it takes on a disk against the files that are in it.
#   size.sh BUILD
set -euo pipefail
failed=0
for deb in "$1"/packages/*.deb; do
  said=$(dpkg-deb -f "$deb" Installed-Size)
  # Bytes of all files; each, and each folder, may take a KiB more.
  read -r bytes entries < <(dpkg-deb --fsys-tarfile "$deb" | tar -tv | awk '{bytes += $3; ++n} END {print bytes, n}')
  least=$((bytes / 1024)) most=$((bytes / 1024 + entries))
  echo "${deb##*/}: $said KiB"
  ((least <= said && said <= most)) || { echo "it holds $least to $most KiB"; failed=1; }
done
exit $failed
