#!/usr/bin/env bash
# Installs what is missing and runs every test. --quick leaves out the long
# ones; --no-install installs nothing; anything else goes to ctest.
set -euo pipefail
cd "$(dirname "$0")"
install=1 quick=
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1 ;;
    --no-install) install= ;;
    *) break ;;
  esac
  shift
done
[ -z "$install" ] || packaging/install.sh build run test package
# Also where try.sh did it: it installs less, and cmake looks for programs once.
cmake --preset release
ninja -C build
if [ -z "$quick" ]; then
  ninja -C build metsuke-bench
  ninja -C build tidy
  cmake --preset fuzz >/dev/null
  ninja -C build-fuzz
fi
exec ctest --test-dir build --output-on-failure --parallel 2 ${quick:+--label-exclude long} "$@"
