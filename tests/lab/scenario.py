"""A scenario: what to make of a host, and what to expect of it."""

import dataclasses
import fnmatch
import pathlib

import yaml

import lab
import truth


@dataclasses.dataclass
class Plan:
    about: str
    suite: str = "bookworm"
    packages: list = dataclasses.field(default_factory=list)  # over the base
    accounts: dict = dataclasses.field(default_factory=dict)  # name: {password, groups, shell, keys, own_key: options of a key that logins use}
    files: dict = dataclasses.field(default_factory=dict)  # path: text, or {text, mode, owner}
    sysctls: dict = dataclasses.field(default_factory=dict)  # of the network: name: value
    before: list = dataclasses.field(default_factory=list)  # shell lines in the folder, before the boot
    commands: list = dataclasses.field(default_factory=list)  # shell lines inside, after the boot
    later: list = dataclasses.field(default_factory=list)  # shell lines inside, between a first look of the collector and that which is compared
    metsuke: bool = True  # whether collector and agent are installed
    fleet: bool = False  # whether the host joins a controller
    logins: list = dataclasses.field(default_factory=list)  # {account, from, method, works}
    # After the logins, {do: a shell line inside} or {ssh: a name to try from outside, from}, with the `events` of it.
    acts: list = dataclasses.field(default_factory=list)
    recorders: list = dataclasses.field(default_factory=list)  # patterns of events of those who keep records, in this order
    truth: object = "all"  # tables to compare with the host's own tools
    collections: dict = dataclasses.field(default_factory=dict)  # table: status, where it is not "ok"
    gaps: list = dataclasses.field(default_factory=list)  # patterns of gaps that may be
    facts: dict = dataclasses.field(default_factory=dict)  # table: patterns of rows that must be
    never: dict = dataclasses.field(default_factory=dict)  # table: patterns of rows that must not be
    at_controller: dict = dataclasses.field(default_factory=dict)  # the same as facts, once the host has joined
    persons: list = dataclasses.field(default_factory=list)  # rows of that register; key_of: NAME is the identity of a key that logins use
    sessions: list = dataclasses.field(default_factory=list)  # patterns of what the controller says of sessions
    afterwards: list = dataclasses.field(default_factory=list)  # shell lines inside that must succeed once it has joined
    verdicts: dict = dataclasses.field(default_factory=dict)  # control: verdict
    verdicts_at_controller: dict = dataclasses.field(default_factory=dict)  # those that take what the agent alone sees
    ssh_audit: bool = False  # whether ssh-audit, which the host has, must agree with ssh_strength() and the like


def read(path):
    try:
        values = yaml.safe_load(pathlib.Path(path).read_text())
        if "like" in values:  # another scenario, with some of it changed
            values = yaml.safe_load((pathlib.Path(path).parent / values.pop("like")).read_text()) | values
    except (OSError, yaml.YAMLError) as why:
        raise lab.Failed(f"{path}: {why}") from None
    unknown = set(values) - {f.name for f in dataclasses.fields(Plan)}
    if unknown or "about" not in values:
        raise lab.Failed(f"{path}: unknown keys {sorted(unknown)}" if unknown else f"{path}: about is missing")
    return Plan(**values)


def prepare(plan, host):
    """What must be there when the host boots."""
    for name, account in plan.accounts.items():
        add_account(host, name, account or {})
    for path, content in plan.files.items():
        if isinstance(content, str):
            content = {"text": content}
        host.write(path, content["text"], int(str(content.get("mode", "0644")), 8))
        if "owner" in content:
            host.before_boot("chown", content["owner"], path)
    for name, value in plan.sysctls.items():
        # Inside, nspawn mounts them read-only.
        lab.call(["ip", "netns", "exec", f"metsuke-{host.lab}-{host.name}", "sysctl", "-qw", f"{name}={value}"])
    for line in plan.before:
        host.before_boot("sh", "-ec", line)


def own_key(host, name):
    return host.root.parent / f"key-of-{name}"


def add_account(host, name, account):
    if name != "root":
        host.before_boot("useradd", "-m", "-s", account.get("shell", "/bin/bash"), name)
    for group in account.get("groups", []):
        host.before_boot("gpasswd", "-a", name, group)
    if "password" in account:
        lab.call(["chroot", host.root, "chpasswd"], input=f"{name}:{account['password']}\n")
    keys = list(account.get("keys", []))
    if "own_key" in account:
        lab.call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(own_key(host, name))])
        keys.append(f"{account['own_key']} {own_key(host, name).with_suffix('.pub').read_text().strip()}".strip())
    if keys:
        home = next(line.split(":")[5] for line in (host.root / "etc/passwd").read_text().splitlines()
                    if line.startswith(name + ":"))
        host.write(f"{home}/.ssh/authorized_keys", "".join(k + "\n" for k in keys), 0o600)
        host.before_boot("chown", "-R", f"{name}:", f"{home}/.ssh")
        host.before_boot("chmod", "0700", f"{home}/.ssh")


def run_commands(lines, host):
    for line in lines:
        host.run("bash", "-euo", "pipefail", "-c", line)


def logins(plan, host, report):
    """Whether a real client gets in, from an address of its own."""
    for login in plan.logins:
        works = log_in(host, plan.accounts.get(login["account"]) or {}, login)
        what = f"{login['account']} by {login['method']} from {login['from']} {'gets in' if login['works'] else 'stays out'}"
        report.check(what, [] if works == login["works"] else [f"it {'did' if works else 'did not'}"])


def foreseen(plan, access, report):
    """Whether the table ssh_access says of each login what became of it."""
    for login in plan.logins:
        ways = [row for row in access if row["usable"] and row["account"] == login["account"] and
                set(row["method"].split(",")) <= set(login["method"].split(",")) and truth.ssh.covers(row["source"], login["from"])]
        what = f"ssh_access says that {login['account']} {'gets in' if login['works'] else 'stays out'}" \
               f" by {login['method']} from {login['from']}"
        report.check(what, [] if bool(ways) == login["works"] else [shown(row) for row in ways] or ["there is no such way"])


def log_in(host, account, login):
    if login["method"] == "publickey" and "own_key" not in account:
        raise lab.Failed(f"{login['account']} is to log in by publickey and has no own_key")
    folder = host.root.parent
    ssh = ["ssh", "-F", "none", "-b", login["from"], "-p", str(login.get("port", 22)), "-o", "StrictHostKeyChecking=no",
           "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5", "-o", "NumberOfPasswordPrompts=1",
           "-tt", "-o", f"PreferredAuthentications={login['method']}", "-o", "IdentitiesOnly=yes",
           "-i", str(own_key(host, login["account"])),
           f"{login['account']}@{host.address}", "true"]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LAB_PASSWORD": account.get("password", ""),
                   "METSUKE_LAB": str(host.root.parents[3])}
    if login["method"] != "publickey":
        asker = folder / "askpass"
        asker.write_text('#!/bin/sh\nprintf "%s\\n" "$LAB_PASSWORD"\n')
        asker.chmod(0o700)
        environment |= {"SSH_ASKPASS": str(asker), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":"}
    done = lab.subprocess.run([lab.HERE / "host", "from", host.lab, login["from"], *ssh], env=environment,
                              capture_output=True, text=True, stdin=lab.subprocess.DEVNULL)
    if done.returncode not in (0, 255):
        raise lab.Failed(f"ssh: code {done.returncode}: {done.stderr}")
    # PAM's account stack and RefuseConnection close the connection without a word.
    if done.returncode == 255 and not any(said in done.stderr for said in ("Permission denied", "Connection closed by")):
        raise lab.Failed(f"ssh could not ask: {done.stderr}")
    return done.returncode == 0


def try_ssh(host, name, source):
    """A client that has nothing to show."""
    lab.subprocess.run([lab.HERE / "host", "from", host.lab, source, "ssh", "-F", "none", "-b", source, "-l", name,
                        "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                        "-o", "IdentityFile=none", "-o", "ConnectTimeout=5", host.address, "true"],
                       env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "METSUKE_LAB": str(host.root.parents[3])},
                       capture_output=True, stdin=lab.subprocess.DEVNULL)


def act(plan, host):
    for one in plan.acts:
        if "ssh" in one:
            # Failures are counted by ten minutes of the clock; a count must not be divided.
            if (left := 600 - lab.time.time() % 600) < 10:
                lab.time.sleep(left)
            try_ssh(host, one["ssh"], one["from"])
        else:
            host.run("timeout", "20", "bash", "-euo", "pipefail", "-c", one["do"])


def events_of(plan):
    """The events that logins and acts must have made, in their order."""
    expected = []
    for login in plan.logins:
        told = {"service": "ssh", "account": login["account"], "from": login["from"], "method": login["method"]}
        if login["works"]:
            expected += [told | {"kind": "login"}, {"kind": "logout", "service": "ssh", "account": login["account"]}]
        else:
            expected.append(told | {"kind": "login_failed"})
    for one in plan.acts:
        expected += one.get("events", [])
    return expected


USUAL = {"account": "", "actor": "", "from": "", "method": "", "count": 1}


def happened(plan, host, classes, report):
    """What the collector says of it: all of that, once, in this order, and nothing else."""
    host.run("journalctl", "--sync")
    said = classes["Collected"].FromString(lab.ask(host, lab.agent_uid(host), 1)).heard
    if said.unread:
        return report.bad("the journal is read", [said.unread])
    rows = [{f.name: getattr(event, f.name) for f in event.DESCRIPTOR.fields} for event in said.events]
    found = [row for row in rows if row["kind"] != "recorder"]
    expected = events_of(plan)
    differ = []
    for at in range(max(len(found), len(expected))):
        row, pattern = (some[at] if at < len(some) else None for some in (found, expected))
        if row is None or pattern is None or not matches(row, USUAL | pattern):
            differ = [f"expected: {pattern}", f"found:    {row and shown(row)}"]
            break
    report.check(f"{len(expected)} events, each once, and no other", differ)
    recorders = [row for row in rows if row["kind"] == "recorder"]
    for pattern in plan.recorders:
        report.check(f"a recorder {shown(pattern)}", [] if any(matches(row, pattern) for row in recorders) else map(shown, recorders))
    report.check("each event has a name of its own", [] if len({row["id"] for row in rows}) == len(rows) else ["some share one"])
    again = classes["Collected"].FromString(lab.ask(host, lab.agent_uid(host), 1, position=said.position)).heard
    report.check("nothing is read twice", [] if not again.unread and not again.events else [str(again)])


def matches(row, pattern):
    """Whether a row has the values; {like: "*~ was not closed"} stands for texts of that form."""
    return all(fnmatch.fnmatchcase(row.get(column), value["like"]) if isinstance(value, dict) else row.get(column) == value
               for column, value in pattern.items())


def shown(row):
    return " ".join(f"{k}={v!r}" for k, v in row.items())
