#!/usr/bin/env bash
# Measures and writes docs/benchmarks.md. As root, so that the collectors see
# all they are made for; on a machine that does nothing else. Takes about ten
# minutes.
#   tests/bench/run.sh [FLAGS OF metsuke-bench]
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -f build/build.ninja ] || cmake --preset release
ninja -C build metsuke-bench
# What the targets speak of; flags replace all of them.
flags=(--hosts 1000,10000,100000 --named 1000,10000)
[ $# = 0 ] || flags=("$@")
# Lines that begin like this are the log of the parts under test.
page=$(build/bench/metsuke-bench "${flags[@]}" 2> >(grep -v "^<5>" >&2))
mkdir -p docs
printf '%s\n' "$page" >docs/benchmarks.md
echo "written: docs/benchmarks.md" >&2
