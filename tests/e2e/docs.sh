# The commands of the documentation, run against the fleet of fleet.sh, of which
# it is a part. Each block between "```sh" and "```" is a script; web01 is host
# "one". Findings and what is unknown are answers, errors are not.
mkdir "$work/docs" "$work/docs/bin"
printf '#!/bin/sh\nexec "%s" --config "%s" "$@"\n' "$bin/metsukectl" "$work/ctl/ctl.yaml" >"$work/docs/bin/metsukectl"
chmod +x "$work/docs/bin/metsukectl"
# What stands in the folder of the source; pages write into their own.
ln -s "$(dirname "$bin")" "$work/docs/build"
ln -s "$source"/proto "$source"/collectors "$source"/tests "$work/docs"
blocks() { # blocks FILE: writes its scripts as numbered files
  rm -f "$work"/docs/*.block
  awk -v to="$work/docs/" '/^```sh$/ {inside=1; file=sprintf("%s%02d.block", to, ++n); next} /^```$/ {inside=0} inside {print >file}' "$1"
}
for page in "$source"/docs/*.md; do
  blocks "$page"
  # tests/lab/install does what the first says on booted hosts, and
  # tests/bench/documented.sh runs what the second was written by.
  case $page in */install.md | */benchmarks.md) continue ;; esac
  [ -e "$work/docs/01.block" ] || bad "$(basename "$page") has commands to run"
  for block in "$work"/docs/*.block; do
    [ -f "$block" ] || continue
    sed -i 's/web01/one/g' "$block"
    out=$(cd "$work/docs" && PATH="$work/docs/bin:$PATH" bash -c '
      trap "code=\$?; case \$code in 2|3) ;; *) echo \"\$BASH_COMMAND: \$code\"; exit 9 ;; esac" ERR
      . "$1"' docs "$block" 2>&1 </dev/null)
    code=$?
    case $code in 0 | 2 | 3) ok "$(basename "$page"): $(grep -c . "$block") lines" ;; *) bad "$(basename "$page"): $(head -n 1 "$block")" "$out" ;; esac
  done
done
