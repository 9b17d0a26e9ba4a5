"""How strong the algorithms of a server are: what ssh-audit says of the live
one, held against ssh_strength() and ssh_terrapin(). It runs in the host, so the
release of the host decides which: Debian 12 has 2.5.0, Debian 13 has 3.3.0."""

import json
import re

import lab

KINDS = {"kex": "kex", "key": "host_key", "enc": "cipher", "mac": "mac"}
OFFERED = {"kex": "kexalgorithms", "enc": "ciphers", "mac": "macs"}
# No algorithms, but words among the key exchanges that sshd -T leaves out.
MARKERS = {"ext-info-s", "kex-strict-s-v00@openssh.com"}
WORST = ("broken", "weak", "unknown", "good")

# What it holds against an algorithm, and why we do not.
NOT_HELD = {
    "using weak elliptic curves":
        "no weakness of the curves of NIST is known; RFC 9142 asks for them and SP 800-186 keeps them",
    "using elliptic curves that are suspected as being backdoored by the U.S. National Security Agency":
        "a suspicion, as above",
    "using weak random number generator could reveal the key":
        "speaks of who signs: OpenSSH makes the number from key and message, as RFC 6979 would have it",
    "using encrypt-and-MAC mode":
        "what is known of it works on CBC (CVE-2008-5161), and that is held against the cipher",
    "using experimental algorithm":
        "no weaker than the X25519 in it, and OpenSSH's first choice since 9.0",
}

# Where the levels differ although all that is left is held against it by both:
# its level, ours, and why.
EXPLAINED = {
    **{("enc", f"aes{bits}-cbc"): [("broken", "weak", "2.5.0 fails what OpenSSH's server left out of its defaults in 6.7; the "
                                    "attack takes 2^18 broken connections for 32 bits")] for bits in (128, 192, 256)},
    **{("mac", f"hmac-sha1-96{etm}"): [("broken", "weak", "2.5.0 as for CBC; 3.3.0 fails SHA-1 wherever it is, but HMAC does "
                                        "not rest on collisions")] for etm in ("", "-etm@openssh.com")},
    **{("mac", f"hmac-sha1{etm}"): [("broken", "weak", "3.3.0 fails SHA-1 wherever it is, as above")]
       for etm in ("", "-etm@openssh.com")},
    ("kex", "diffie-hellman-group14-sha1"): [("broken", "weak", "3.3.0 fails SHA-1 wherever it is; a collision would have to be "
                                              "found while a session begins, and RFC 9142 still allows it")],
    ("kex", "diffie-hellman-group-exchange-sha1"): [("broken", "weak", "as group14-sha1; 2.5.0 as for CBC")],
    ("kex", "diffie-hellman-group14-sha256"): [("weak", "good", "3.3.0 warns of 112 bits; RFC 9142 has it as the one that MUST "
                                                "be there, and SP 800-57 lets 112 bits do until 2030")],
    **{("kex", name): [("unknown", "good", "2.5.0 is older than the name")] for name in
       ("sntrup761x25519-sha512", "mlkem768x25519-sha256", "kex-strict-s-v00@openssh.com")},
    **{("key", f"rsa-sha2-{bits}"): [("good", "weak", "2.5.0 takes RSA of 2048 bits to be enough; 3.3.0 warns as we do")]
       for bits in (256, 512)},
}


def audited(text):
    """Of each algorithm ssh-audit saw, (kind, name, bits): what it says against it, as (level, reason)."""
    found = {}
    for kind, name, bits, level, reason in re.findall(
            r"^\((kex|key|enc|mac)\) (\S+)(?: \((\d+)-bit\))?(?: +-- \[(\w+)\] (.*))?$", text, re.M):
        found.setdefault((kind, name, bits), []).append((level, reason.strip()))
    return found


def level(remarks):
    """Its level in our words, without what we do not hold against it."""
    if any(reason == "unknown algorithm" for _, reason in remarks):
        return "unknown"
    held = {level for level, reason in remarks if reason not in NOT_HELD}
    return "broken" if "fail" in held else "weak" if "warn" in held else "good"


def asked(value, rest, raw, binaries, folder):
    """The values of SELECT `value` FROM `rest`, asked of metsukectl as a control over the host's tables."""
    control = {"id": "lab", "statements": ["MT-56"], "title": {"en": "A look", "ja": "調査"}, "severity": "low",
               # One row, empty list or not, where there is an sshd: a control is tried on a host that has it and one that has not.
               "violations": f"SELECT json_group_array({value}) AS found FROM {rest} HAVING (SELECT count(*) FROM sshd_options)",
               "flags": {"sshd_options": [{"keyword": "port", "value": "22"}]}, "clears": {}}
    (folder / "lab.yaml").write_text(json.dumps({"controls": [control]}))
    return json.loads(lab.judged(raw, binaries, folder / "lab.yaml")[0]["evidence"][0]["found"])


def as_json(names):
    return "'" + json.dumps(names).replace("'", "''") + "'"


def ours(algorithms, raw, binaries, folder):
    """The same of ssh_strength(); of a host key of RSA the worse of signature and size."""
    pairs = {(kind, name, bits): [(KINDS[kind], name)] for kind, name, bits in algorithms}
    for (kind, name, bits), of_key in pairs.items():
        if kind == "key" and bits and "rsa" in name:
            of_key.append(("user_key", f"ssh-rsa {bits}"))
    every = sorted({pair for of_key in pairs.values() for pair in of_key})
    said = dict(zip(every, asked("ssh_strength(json_extract(value, '$[0]'), json_extract(value, '$[1]'))",
                                 f"json_each({as_json(every)})", raw, binaries, folder), strict=True))
    return {key: min((said[pair] for pair in of_key), key=WORST.index) for key, of_key in pairs.items()}


def differences(theirs, strengths):
    lines = []
    for (kind, name, bits), remarks in theirs.items():
        pair = level(remarks), strengths[kind, name, bits]
        if pair[0] != pair[1] and pair not in [(a, b) for a, b, _ in EXPLAINED.get((kind, name), [])]:
            lines.append(f"({kind}) {name} {bits}: {pair[0]} by ssh-audit {remarks}, {pair[1]} by us")
    return lines


def terrapin(text, theirs, raw, binaries, folder):
    """Since 3.1 it lists what may only be used with strict key exchange; we tell pairs."""
    listed = re.search(r"vulnerable SSH channels with this target: (.*?)\.  ", text + "  ")
    names = {kind: sorted(name for k, name, _ in theirs if k == kind) for kind in ("enc", "mac")}
    found = set(asked("part.value", f"json_each({as_json(names['enc'])}) AS c, json_each({as_json(names['mac'])}) AS m, "
                      "json_each(json_array(c.value, m.value)) AS part WHERE ssh_terrapin(c.value, m.value) "
                      "AND (part.key = 0 OR NOT ssh_terrapin(c.value, 'hmac-sha2-256'))", raw, binaries, folder))
    wanted = set(listed[1].split(", ")) if listed else set()
    return [] if found == wanted else [f"{sorted(found)} by us, {sorted(wanted)} by ssh-audit"]


def agrees(host, seen, raw, binaries, report):
    text = host.run("ssh-audit", "-n", "-b", host.address, codes=(0, 1, 2, 3))
    theirs, folder = audited(text), host.root.parent
    for kind, keyword in OFFERED.items():
        live = {name for k, name, _ in theirs if k == kind} - MARKERS
        told = {row.value for row in seen.sshd_options if row.keyword == keyword}
        told = {name for value in told for name in value.split(",")}
        report.check(f"sshd offers the {keyword} of sshd_options", [] if live and live == told else [f"{live ^ told}"])
    strengths = ours(theirs, raw, binaries, folder)
    report.check(f"ssh_strength of {len(theirs)} algorithms as ssh-audit, or it is said why not", differences(theirs, strengths))
    for word in ("good", "unknown"):
        report.check(f"were all of them {word}, it would be seen",
                     [] if differences(theirs, dict.fromkeys(strengths, word)) else [f"all of them pass as {word}"])
    if host.suite != "bookworm":
        report.check("ssh_terrapin as ssh-audit", terrapin(text, theirs, raw, binaries, folder))
