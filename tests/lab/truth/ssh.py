"""sshd_options, authorized_keys and ssh_access: what sshd and ssh-keygen say."""

import ipaddress
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


# Each account from each of these: a scenario's Match blocks speak of some of them.
SOURCES = ("10.1.2.3", "198.18.0.1", "203.0.113.9", "2001:db8::1", "fe80::1")
NOBODY = "no-such-account"
METHODS = {"pubkeyauthentication": "publickey", "passwordauthentication": "password",
           "kbdinteractiveauthentication": "keyboard-interactive"}


def covers(source, address):
    try:
        return source == "any" or ipaddress.ip_address(address) in ipaddress.ip_network(source)
    except ValueError:
        return False


def expanded(_, listed):
    return [row | {"source": address} for row in listed for address in SOURCES if covers(row["source"], address)]


# AllowUsers and the like are not among what sshd evaluates for -T -C: a scenario that has them tries real logins.
@check("ssh_access", "sshd -T -C", "account", "source", "listener", "method", "root", ours=expanded)
def access(host, _):
    accounts = {line.split(":")[0]: line.split(":")[2] for line in host.tool("getent", "passwd").splitlines()} | {NOBODY: ""}
    said = host.tool("sh", "-c", 'for user in $1; do for address in $2; do echo "= $user $address"; '
                     'sshd -T -C "user=$user,host=$address,addr=$address,laddr=$3,lport=22"; done; done',
                     "sh", " ".join(accounts), " ".join(SOURCES), host.address)
    found = []
    for answer in said.split("= ")[1:]:
        user, address = answer.split("\n")[0].split(" ")
        settings = dict(line.split(" ", 1) for line in answer.split("\n")[1:] if " " in line)
        root = accounts[user] == "0"
        for keyword, method in METHODS.items():
            let_in = {"yes": True, "no": False}.get(settings["permitrootlogin"], method == "publickey") if root else True
            if settings[keyword] == "yes" and let_in:
                found.append({"account": "*" if user == NOBODY else user, "source": address, "listener": "*:22",
                              "method": method, "root": root})
    return found


apart("ssh_access", usable="real logins of the scenarios", restrictions="scenarios expect them",
      why="sshd does not tell which line it took; scenarios expect it", daemon="as sshd_options")
