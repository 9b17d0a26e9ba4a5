#!/bin/sh
# Installs the agent that lies beside, or with --remove takes it off again.
#   sudo ./install.sh [--remove]
set -eu
cd "$(dirname "$0")/files"
starts="metsuke-collect.socket metsuke-agent.service"
units="$starts metsuke-collect.service"

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

managed() { [ -d /run/systemd/system ]; }

[ "$(id -u)" = 0 ] || fail "run it as root: sudo ./install.sh"
[ "$(uname -m)" = x86_64 ] || fail "these programs are for x86_64, not for $(uname -m)"
if command -v dpkg-query >/dev/null && dpkg-query -W -f '${db:Status-Status}' metsuke-agent 2>/dev/null | grep -qx installed; then
  fail "the package metsuke-agent is installed; one of the two can be: apt remove metsuke-agent"
fi

case "${1:-}" in
  "") ;;
  --remove)
    if managed; then
      systemctl disable -q --now $units 2>/dev/null || true
    fi
    find usr ! -type d | while read -r file; do rm -f "/$file"; done
    rm -rf /usr/share/doc/metsuke-agent /run/metsuke-collect
    rmdir /usr/libexec/metsuke 2>/dev/null || true
    if managed; then
      systemctl daemon-reload
      journalctl --update-catalog
    fi
    echo "removed; /etc/metsuke, /var/lib/metsuke-agent and the accounts metsuke-agent and metsuke-collect stay"
    exit 0 ;;
  *) fail "'$1': --remove, or nothing" ;;
esac

usr/libexec/metsuke/metsuke-agent --version >/dev/null || fail "glibc @GLIBC@ or later is needed; this host has $(getconf GNU_LIBC_VERSION)"

# Others read and run what is installed, whatever whoever unpacked it allows.
umask 022
# A program that runs cannot be written over, but its name can be taken.
put() {
  mkdir -p "/${1%/*}"
  cp -P "$1" "/$1.new"
  if [ ! -h "$1" ]; then
    if [ -x "$1" ]; then chmod 0755 "/$1.new"; else chmod 0644 "/$1.new"; fi
  fi
  mv -f "/$1.new" "/$1"
}
at=usr/lib/systemd/system
find usr ! -type d ! -path "$at/*" | while read -r file; do put "$file"; done
mkdir -p /etc/metsuke
for file in etc/metsuke/*; do
  [ -e "/$file" ] || install -m 0644 "$file" "/$file"
done
if command -v restorecon >/dev/null; then
  restorecon -RF /usr/libexec/metsuke /etc/metsuke
fi

if command -v systemd-sysusers >/dev/null; then
  systemd-sysusers metsuke-agent.conf
else
  for account in metsuke-agent metsuke-collect; do
    id "$account" >/dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /sbin/nologin "$account"
  done
fi
install -d -m 0700 -o metsuke-agent -g metsuke-agent /var/lib/metsuke-agent

# A unit is enabled when it is new: whether it is afterwards is the operator's word.
new=
for unit in $units; do
  [ -e "/$at/$unit" ] || new="$new $unit"
  put "$at/$unit"
done

# Also for a system that is yet to start.
if command -v systemctl >/dev/null; then
  for unit in $starts; do
    case "$new " in
      *" $unit "*) [ "$(systemctl is-enabled "$unit" 2>/dev/null)" = masked ] || systemctl enable -q "$unit" ;;
    esac
  done
fi
if managed; then
  systemctl daemon-reload
  journalctl --update-catalog
  systemctl try-restart metsuke-collect.service metsuke-agent.service
  for unit in $starts; do
    if systemctl -q is-enabled "$unit"; then
      systemctl start "$unit"
    else
      echo "$unit is not enabled and stays so; to have it back: systemctl enable --now $unit"
    fi
  done
else
  echo "no systemd here: have metsuke-collect and metsuke-agent started as their accounts by what starts services"
fi
echo "installed; now: metsuke-agent join"
