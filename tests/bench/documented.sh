#!/usr/bin/env bash
# Runs the command that docs/benchmarks.md says it was written by, in a size that
# takes seconds, and holds what it writes against the document's form.
#   documented.sh BUILD SOURCE
set -euo pipefail
build=$(realpath "$1") source=$(realpath "$2")
to=$(mktemp -d /tmp/metsuke-documented.XXXXXX)
trap 'rm -rf "$to"' EXIT
# A folder of the source in which the document may be written.
ln -s "$source"/* "$to"
rm "$to/docs"
rm -f "$to/build"
ln -s "$build" "$to/build"
mkdir "$to/docs"
command=$(sed -n 's/^Written by `\([^`]*\)`.*/\1/p' "$source/docs/benchmarks.md")
[ -n "$command" ] || { echo "docs/benchmarks.md does not say what it was written by"; exit 1; }
(cd "$to" && eval "$command" --only judge,fleet --hosts 3 --named 3 --rounds 1) >"$to/log" 2>&1 || { tail -n 15 "$to/log"; exit 1; }
for line in '^# Benchmarks$' "^Written by \`$command\`" '^## Targets$' '^| 3 hosts'; do
  grep -q "$line" "$to/docs/benchmarks.md" || { echo "it wrote no $line:"; head -n 20 "$to/docs/benchmarks.md"; exit 1; }
done
