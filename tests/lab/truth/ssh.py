"""sshd_options and authorized_keys: what sshd and ssh-keygen say."""

import re

from truth import apart, check

# One row for each value where sshd -T prints several lines or a list.


@check("sshd_options", "sshd -T", "keyword", "value", each=lambda row: None if row["criteria"] else row)
def options(host, _):
    return [dict(zip(("keyword", "value"), (line.split(" ", 1) + [""])[:2])) for line in host.tool("sshd", "-T").splitlines()]


apart("sshd_options", daemon="what runs is told apart from what is written; scenarios restart sshd or do not",
      criteria="sshd has no list of its Match blocks; scenarios expect them")


@check("authorized_keys", "ssh-keygen -l -f", "account", "path", "fingerprint", "bits", "comment",
       each=lambda row: row | {"comment": row["comment"] or "no comment"}, may_be_empty=True)
def keys(host, _):
    found = []
    for line in host.tool("getent", "passwd").splitlines():
        name, *_, home, _ = line.split(":")
        for path in (f"{home.rstrip('/')}/.ssh/authorized_keys", f"{home.rstrip('/')}/.ssh/authorized_keys2"):
            said = host.tool("sh", "-c", 'if [ -s "$1" ]; then ssh-keygen -l -f "$1"; fi', "sh", path)
            for bits, fingerprint, comment in re.findall(r"^(\d+) (SHA256:\S+) (.*) \(\S+\)$", said, re.M):
                found.append({"account": name, "path": path, "fingerprint": fingerprint, "bits": int(bits), "comment": comment})
    return found


apart("authorized_keys", type="ssh-keygen -l prints a word of its own for it", options="ssh-keygen -l does not print options",
      command="as options", ignored="as options; scenarios expect it", **{"from": "as options"})
