# What other programs read of the fleet of fleet.sh, of which it is a part: host
# "one" has a waiver for the control $failing.
export_as() { ctl report "$@" >"$work/exported"; }
read_as() { python3 "$source/tests/exports/check.py" "$1" "$work/exported"; }
of() { python3 -c "import json,sys; d=json.load(sys.stdin); control='$failing'; print($1)"; }
for format in junit xccdf ocsf; do
  out=$(export_as $format 2>&1); is "$format: findings make the exit code 2" 2 $? "$out"
  read_as $format >"$work/$format.json" || bad "$format: others can read it"
  out=$(ctl report $format no-such-host 2>&1); is "$format: an unknown host is an error" 1 $? "$out"
  says "$format: and nothing but an error" "^metsukectl: [^<{]*no-such-host[^<{]*$" "$out"
  out=$(export_as $format -l env=none 2>&1); is "$format: no host matched is incomplete" 3 $? "$out"
  says "$format: says so" 'no host matched' "$out"
  read_as $format >/dev/null || bad "$format: without a host others can read it"
  export_as $format one --exit-zero; is "$format: a host alone" 0 $?
  out=$(ctl report $format -o yaml 2>&1); is "$format: has one form" 64 $? "$out"
  out=$(ctl report $format --at nonsense 2>&1); is "$format: a time that is none is refused" 64 $? "$out"
  out=$(ctl report $format --at 2999-01-01 2>&1); is "$format: nobody knows the future" 64 $? "$out"
  out=$(ctl report $format 2>&1 >/dev/full); is "$format: a full disk is an error" 1 $? "$out"
done
posture=$(ctl posture -o json 2>/dev/null | of 'sorted((h["host"], h["pass"], h["fail"] - h["waived"], h["unknown"], h["not_applicable"] + h["waived"]) for h in d["items"])')
is "junit counts what posture counts" "$posture" "$(of 'sorted((s["host"], *(sum(c["outcome"] == o for c in s["cases"].values()) for o in ("passed", "failure", "error", "skipped"))) for s in d)' <"$work/junit.json")"
is "so does xccdf" "$posture" "$(of 'sorted((h["host"], *(sum(r["result"] in o for r in h["results"].values()) for o in (("pass",), ("fail",), ("unknown",), ("notapplicable", "informational")))) for h in d["hosts"])' <"$work/xccdf.json")"
is "and ocsf" "$posture" "$(of 'sorted((h, *(sum(e["resources"][0]["name"] == h and (e["compliance"]["status"] + e.get("status", "")) in o for e in d) for o in (("Pass",), ("FailNew",), ("WarningNew",), ("Not Applicable", "FailSuppressed")))) for h in ("one", "two"))' <"$work/ocsf.json")"
says "junit tells why it is waived" 'waived until .*moves in March' "$(of '[c["message"] for s in d if s["host"] == "one" for n, c in s["cases"].items() if n.startswith(control + ":")]' <"$work/junit.json")"
export_as xccdf --exit-zero; out=$(oscap xccdf validate "$work/exported" 2>&1); is "oscap takes the xccdf for valid (openscap-scanner)" 0 $? "$out"
is "each control is a rule" "$(ctl control list --no-headers | wc -l)" "$(of 'd["rules"]' <"$work/xccdf.json")"
out=$(export_as metrics 2>&1); is "metrics are no finding" 0 $? "$out"
out=$(promtool check metrics <"$work/exported" 2>&1); is "promtool has nothing against them (prometheus)" 0 $? "$out"
is "they count what posture counts" "$(ctl posture -o json 2>/dev/null | of 'sorted([h["host"], h["pass"], h["fail"], h["unknown"]] for h in d["items"])')" "$(read_as metrics | of 'sorted([h, *(int(next(v for k, v in d.items() if k.startswith("metsuke_host_controls") and "\"host\": \"" + h in k and o in k)) for o in ("pass", "fail", "unknown"))] for h in ("one", "two"))')"
out=$(promtool test rules "$source/tests/exports/alerts.yml" 2>&1); is "the alerts come when they must" 0 $? "$out"
for name in $(grep -oE 'metsuke_[a-z_]+' "$source/packaging/contrib/metsuke.rules.yml" | sort -u); do
  grep -q "\"$name\"" "$source/controller/export/metrics.cc" || echo "$name"
done >"$work/unknown"
is "and of what there is" "" "$(cat "$work/unknown")"
says "the controller wrote some to its file" '^metsuke_build_info' "$(cat "$work/metsuke.prom")"
is "that all may read" 644 "$(stat -c %a "$work/metsuke.prom")"
