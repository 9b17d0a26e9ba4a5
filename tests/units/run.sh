#!/usr/bin/env bash
# Holds the sandbox of each unit against what systemd-analyze(1) gives it, of a
# hundred; a unit that is looser than it was fails. metsuke-collect has more than
# the others, since it reads all of the host: the network's sockets, every
# process, every home and temporary folder, the host's name, whether the clock is
# synchronised.
#   run.sh SOURCE
set -uo pipefail
declare -A most=([metsuke-agent]=12 [metsuke-ca]=4 [metsuke-collect]=21 [metsuke-controller]=11 [metsuke-enrol]=11)
failed=0
for unit in "$1"/packaging/systemd/*.service; do
  name=$(basename "$unit" .service)
  said=$(systemd-analyze security --offline=true --no-pager --threshold="${most[$name]:-0}" "$unit" 2>&1)
  code=$?
  grep -a 'Overall exposure' <<<"$said"
  [ $code = 0 ] || { echo "$unit: more than ${most[$name]:-0} of 100:"; grep -a '✗' <<<"$said"; failed=1; }
done
exit $failed
