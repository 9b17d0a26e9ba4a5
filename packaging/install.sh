#!/usr/bin/env bash
# Installs the rows of packages.txt that were asked for and are missing:
#   install.sh [--dry-run] build run test
# Prints what it installs; with --dry-run prints what is missing and exits 1
# when something is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dry=
[ "${1:-}" = --dry-run ] && { dry=1; shift; }

. /etc/os-release
case "${ID:-}:${VERSION_ID:-}" in
  debian:12) column=2 ;;
  debian:13) column=3 ;;
  ubuntu:24.04) column=4 ;;
  *) echo "install.sh: ${PRETTY_NAME:-this system} has no column in packaging/packages.txt; install what its rows name and use --no-install" >&2; exit 1 ;;
esac

missing=()
for name in $(awk -v c=$column -v want=" $* " '!/^#/ && NF && index(want, " " $1 " ") && $c != "-" {print $c}' "$here/packages.txt"); do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || true)" = installed ] || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "${#missing[@]} packages to install: ${missing[*]}"
[ -z "$dry" ] || exit 1

root=()
[ "$(id -u)" = 0 ] || root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq
"${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
