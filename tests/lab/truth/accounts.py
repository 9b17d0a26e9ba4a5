"""accounts, groups, sudo_rules: who there is and what they may do."""

import calendar
import contextlib
import re
import sqlite3
import time

from truth import apart, check

DAY = 86400


def _passwd(host):
    return [line.split(":") for line in host.tool("getent", "passwd").splitlines()]


def _defs(host):
    return dict(re.findall(r"^(UID_\w+)\s+(\d+)", host.tool("cat", "/etc/login.defs"), re.M))


@check("accounts", "getent passwd", "name", "uid", "gid", "comment", "home", "shell", "shell_usable", "system")
def passwd(host, _):
    least, most = (int(_defs(host)[k]) for k in ("UID_MIN", "UID_MAX"))
    found = []
    for name, _, uid, gid, comment, home, shell in _passwd(host):
        # What login(1) does with an empty field.
        shell = shell or "/bin/sh"
        runs = host.tool("sh", "-c", f"test -x '{shell}' && echo yes || true").strip() == "yes"
        # What it does when asked for a command tells better than its name.
        usable = runs and host.tool("sh", "-c", f"'{shell}' -c 'echo works' 2>/dev/null || true").strip() == "works"
        found.append({"name": name, "uid": int(uid), "gid": int(gid), "comment": comment, "home": home, "shell": shell,
                      # sync(1) as a shell runs and ends: it lets nobody work, and it is neither nologin nor false.
                      "shell_usable": usable or (runs and shell.endswith("/sync")),
                      "system": 0 < int(uid) < least or int(uid) > most})
    return found


# passwd(1) -S prints L for a locked password and for one that never was.
STATES = {"set": "P", "empty": "NP", "locked": "L", "none": "L"}


@check("accounts", "passwd -S -a", "name", "password", "password_changed", "password_min_days", "password_max_days",
       "password_warn_days", "password_inactive_days",
       each=lambda row: row | {"password": STATES.get(row["password"], row["password"])})
def passwd_s(host, _):
    found = []
    for line in host.tool("passwd", "-S", "-a").splitlines():
        name, state, changed, least, most, warn, inactive = line.split()
        moment = re.fullmatch(r"(\d+)/(\d+)/(\d+)", changed)  # month first before shadow 4.14
        text = f"{moment[3]}-{moment[1]}-{moment[2]}" if moment else changed
        found.append({"name": name, "password": state, "password_min_days": int(least), "password_max_days": int(most),
                      "password_changed": calendar.timegm(time.strptime(text, "%Y-%m-%d")),
                      "password_warn_days": int(warn), "password_inactive_days": int(inactive)})
    return found


HASHES = {"y": "yescrypt", "6": "sha512", "5": "sha256", "1": "md5", "2b": "bcrypt", "gy": "gost-yescrypt", "7": "scrypt"}


@check("accounts", "getent shadow", "name", "password", "hash")
def shadow(host, _):
    found = []
    for line in host.tool("getent", "shadow").splitlines():
        name, field = line.split(":")[:2]
        bare = field.lstrip("!")
        kind = re.match(r"\$([^$]+)\$", bare)
        state = "empty" if not field else "locked" if field != bare and kind else "set" if kind else "none"
        found.append({"name": name, "password": state, "hash": HASHES[kind[1]] if kind else ""})
    return found


@check("accounts", "chage -l -i", "name", "expires")
def chage(host, _):
    found = []
    for name, *_ in _passwd(host):
        said = host.tool("chage", "-l", "-i", name)
        when = re.search(r"^Account expires\s*: (.*)$", said, re.M)[1]
        found.append({"name": name, "expires": 0 if when == "never" else calendar.timegm(time.strptime(when, "%Y-%m-%d"))})
    return found


@check("accounts", "lastlog", "name", "last_login", "last_login_from", suites=("bookworm",))
def lastlog(host, _):
    found = []
    lines = host.tool("lastlog").splitlines()
    port, origin = (lines[0].index(w) for w in ("Port", "From"))
    for line in lines[1:]:
        name = line.split()[0]
        row = {"name": name, "last_login": 0, "last_login_from": ""}
        if "Never" not in line:
            moment = re.search(r"(\w{3} +\d+ \d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})", line)
            seconds = calendar.timegm(time.strptime(f"{moment[1]} {moment[3]}", "%b %d %H:%M:%S %Y"))
            sign = 1 if moment[2][0] == "+" else -1
            seconds -= sign * (int(moment[2][1:3]) * 3600 + int(moment[2][3:]) * 60)
            # An address is wider than its column's head, and holds no blank.
            came = line[origin:].split()[0] if line[origin] != " " else line[port:origin].strip()
            row |= {"last_login": seconds // DAY * DAY, "last_login_from": came}
        found.append(row)
    return found


@check("accounts", "wtmpdb's database", "name", "last_login", "last_login_from", suites=("trixie",))
def wtmpdb(host, _):
    """The base has no tool that reads it: sqlite3 does, from outside."""
    found = {name: {"name": name, "last_login": 0, "last_login_from": ""} for name, *_ in _passwd(host)}
    path = host.root / "var/lib/wtmpdb/wtmp.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        if path.stat().st_size:
            for name, micro, came, tty in database.execute("SELECT User, Login, RemoteHost, TTY FROM wtmp WHERE Type = 3 ORDER BY Login"):
                if name in found:
                    found[name] |= {"last_login": micro // 1000000 // DAY * DAY, "last_login_from": came or tty}
    return list(found.values())


apart("accounts", hash_strong="crypt_checksalt(3) has no program; a scenario has hashes of which it is known")


@check("groups", "getent group and getent passwd", "name", "gid", "members")
def groups(host, _):
    found = []
    for line in host.tool("getent", "group").splitlines():
        name, _, gid, members = line.split(":")
        primary = {p[0] for p in _passwd(host) if p[3] == gid}
        found.append({"name": name, "gid": int(gid), "members": sorted(primary | set(filter(None, members.split(","))))})
    return found


def _lines_of_sudo(host, name):
    """What sudo -l -U says account `name` may run."""
    said, found = host.tool("sudo", "-l", "-U", name), []
    for line in said.partition("may run the following commands")[2].splitlines()[1:]:
        run_as, commands = re.fullmatch(r"\s+\(([^)]*)\) (.*)", line).groups()
        asks = True  # a tag holds for the commands that follow it, too (sudoers(5))
        for command in commands.split(", "):
            while tag := re.match(r"([A-Z]+): ", command):
                asks = {"NOPASSWD": False, "PASSWD": True}.get(tag[1], asks)
                command = command[tag.end():]
            found.append({"account": name, "run_as": re.sub(r" *: *", ":", run_as), "authenticate": asks,
                          "denied": command.startswith("!"), "command": command.lstrip("!")})
    return found


def _applied(host, rules):
    """What the rules of the table let each account do: sudo is asked by account, not by rule."""
    found = []
    for name, _, uid, *_ in _passwd(host):
        held = host.tool("id", "-Gn", name).split()
        subjects = {name, f"#{uid}", "ALL", *(f"%{g}" for g in held), *(f"%#{g}" for g in host.tool("id", "-G", name).split())}
        # sudo -l is asked about this host alone.
        found += [rule | {"account": name} for rule in rules if rule["subject"] in subjects and rule["hosts"] == "ALL"]
    return found


@check("sudo_rules", "sudo -l -U of every account", "subject", "hosts", "run_as", "command", "denied", "authenticate",
       keys=("account", "run_as", "command", "denied", "authenticate"), ours=_applied)
def sudo(host, _):
    return [row for name, *_ in _passwd(host) for row in _lines_of_sudo(host, name)]
