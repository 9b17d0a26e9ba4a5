#!/usr/bin/env bash
# Compiles each case of a file of tests/negative: 0 must compile, every other
# must be refused, and because of HostText.
#   run.sh FILE COMPILER FLAGS…
set -uo pipefail
file=$1; shift
failed=0
compile() { "$@" -fsyntax-only -DCASE="$case" "$file" 2>&1; }
for case in $(grep -oE 'CASE == [0-9]+' "$file" | grep -oE '[0-9]+'); do
  said=$(compile "$@"); code=$?
  if [ "$case" = 0 ]; then
    [ $code = 0 ] || { echo "case 0 must compile:"; echo "$said"; failed=1; }
  elif [ $code = 0 ]; then
    echo "$file: case $case compiles"; failed=1
  elif ! grep -q 'error: .*HostText' <<<"$said"; then
    echo "$file: case $case fails for another reason:"; echo "$said"; failed=1
  fi
done
exit $failed
