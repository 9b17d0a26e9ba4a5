"""password_rules: which passwords passwd(1) sets for a user of the host."""

import re
import string

from truth import apart, check

OLD = "Old-Secret-77x"
HASH = ("$6$lab$87Td.ATAxLJ3cUGzVFLNfmHk9ZIzZlxSFa8TEeqhkty4vdw/5jefq"
        "FIoI.3rFKLdczJQLI8F231KZj3WngDuf/")
# An account that lives in a copy of /etc that no other process sees. A refusal takes two seconds (pam_fail_delay(3)), and so
# each password is tried beside the others.
ONE = """
mount -t tmpfs tmpfs /mnt
cp -a /etc/. /mnt
mount --bind /mnt /etc
useradd -M -u 1987 -p "$1" tries
{ echo "$2"; for again in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "$3"; done; } |
  setpriv --reuid 1987 --regid 1987 --clear-groups passwd >/dev/null 2>&1 || true
[ "$(getent shadow tries | cut -d: -f2)" = "$1" ] && echo "kept $3" || echo "set $3"
"""
ALL = """
one=$1 hash=$2 old=$3
shift 3
for new in "$@"; do unshare -m sh -ec "$one" sh "$hash" "$old" "$new" & done
wait
"""
# Of each class letters that make no word and are not in the old password, lest anything else be held against them.
CLASSES = ("kwvqzmbjfnhgpyu", "KWVQZMBJFNHGPYU", "9431862059431", "%;:,!+?^~&")


def word(length, classes):
    """A password of so many characters of the first classes."""
    return "".join(CLASSES[i % classes][i // classes] for i in range(length))


WORDS = [word(length, classes) for length in (5, 6, 7, 8, 11, 12, 13, 15) for classes in (1, 2, 3, 4)
         if classes > 1 or length not in (6, 7)]  # what pam_unix's "obscure" may mind


def number(value):
    return int(value) if re.fullmatch(r"-?\d+", value) else 999


def takes(module, rules, password):
    """Whether a module of these options takes it."""
    if module == "pam_unix.so":
        return len(password) >= number(rules.get("minlen", "0"))
    if module != "pam_pwquality.so":
        return False
    counts = {"dcredit": string.digits, "ucredit": string.ascii_uppercase, "lcredit": string.ascii_lowercase}
    counts = {name: sum(c in of for c in password) for name, of in counts.items()}
    counts["ocredit"] = len(password) - sum(counts.values())
    credits = {name: number(rules.get(name, "0")) for name in counts}
    return (all(counts[name] >= -credit for name, credit in credits.items() if credit < 0) and
            sum(count > 0 for count in counts.values()) >= number(rules.get("minclass", "0")) and
            len(password) + sum(min(counts[name], credit) for name, credit in credits.items() if credit > 0)
            >= number(rules.get("minlen", "0")))


def foretold(_, rows):
    calls = {}
    for row in rows:
        if row["enforced"]:
            calls.setdefault((row["module"], row["call"]), {})[row["option"]] = row["value"]
    return [{"password": password, "set": all(takes(module, rules, password) for (module, _), rules in calls.items())}
            for password in WORDS]


@check("password_rules", "passwd of an account", "module", "option", "value", "enforced", keys=("password", "set"), ours=foretold)
def tried(host, _):
    said = host.tool("sh", "-ec", ALL, "sh", ONE, HASH, OLD, *WORDS)
    return [{"password": new, "set": done == "set"} for done, new in (line.split(" ", 1) for line in said.splitlines())]


apart("password_rules", service="there is one", call="no module is called twice", source="no tool tells which line it took; scenarios expect it")
