"""sshd_options, authorized_keys, ssh_access and ssh_moduli: what sshd and ssh-keygen say."""

import ipaddress
import re
import socket
import struct
import subprocess

import lab

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


# Those of moduli(5) in Debian, and two that are not in it.
SIZES = {2048, 2560, 3072, 4096, 5120, 6144, 7680, 8192}
# All groups built into sshd begin so (RFC 3526).
BUILT_IN = bytes.fromhex("ffffffffffffffffc90fdaa2")


def packet(payload):
    padding = 12 - (len(payload) + 9) % 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def received(link):
    """Payloads of what the server says after its greeting."""
    with link.makefile("rb") as stream:
        while not stream.readline().startswith(b"SSH-"):
            pass
        while head := stream.read(5):
            length, padding = struct.unpack(">IB", head)
            yield stream.read(length - 1)[:length - 1 - padding]


def group(host, bits):
    """The prime that an sshd of the host hands out to who asks for so many bits at least (RFC 4419); nothing when it refuses,
    which it may take LoginGraceTime to do (mm_answer_moduli in monitor.c)."""
    algorithms = ["diffie-hellman-group-exchange-sha256", "", "aes128-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256",
                  "none", "none", "", ""]
    algorithms[1] = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256"
    link, theirs = socket.socketpair()
    with subprocess.Popen(["nsenter", "-t", str(host.leader), "-a", "/usr/sbin/sshd", "-i", "-g", "20",
                           "-o", f"KexAlgorithms={algorithms[0]}"],
                          stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=lab.INSIDE), link:
        theirs.close()
        link.sendall(b"SSH-2.0-lab\r\n" + packet(
            b"\x14" + bytes(16) + b"".join(struct.pack(">I", len(a)) + a.encode() for a in algorithms) + bytes(5)) +
            packet(struct.pack(">BIII", 34, bits, bits, 8192)))
        for payload in received(link):
            if payload[0] == 31:
                return payload[5:5 + struct.unpack(">I", payload[1:5])[0]].lstrip(b"\0")
    return b""


@check("ssh_moduli", "sshd asked for a group of each size", "bits", each=lambda row: row if 2048 <= row["bits"] <= 8192 else None)
def handed_out(host, snapshot):
    found = []
    for bits in sorted(SIZES | {row.bits for row in snapshot.ssh_moduli if 2048 <= row.bits <= 8192}):
        if ("group", bits) not in host.asked:
            host.asked["group", bits] = group(host, bits)
        prime = host.asked["group", bits]
        if int.from_bytes(prime, "big").bit_length() == bits and not prime.startswith(BUILT_IN):
            found.append({"bits": bits})
    return found


@check("ssh_moduli", "awk", "bits", "groups", "path")
def counted(host, _):
    path = re.search(r"^modulifile (.*)$", host.tool("sshd", "-T"), re.M)[1]
    said = host.tool("awk", '$2 == 2 && $3 > 1 && $3 % 2 == 0 && $4 > 0 && NF == 7 { print $5 + 1 }', path).split()
    return [{"bits": int(bits), "groups": said.count(bits), "path": path} for bits in set(said)]


apart("ssh_moduli", daemon="as sshd_options")
