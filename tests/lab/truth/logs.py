"""journal_config, logrotate_rules, log_files: what is kept."""

import contextlib
import datetime
import functools
import json
import operator
import re
import sqlite3
import struct
import time

from truth import apart, check


def _assignments(host):
    """Files of journald's configuration in the order it reads them, with their [Journal] lines."""
    path, section = "", ""
    for line in host.tool("systemd-analyze", "cat-config", "systemd/journald.conf").splitlines():
        if at := re.fullmatch(r"# (/\S+)", line):
            path = at[1]
        elif at := re.fullmatch(r"\[(\w+)\]", line):
            section = at[1]
        elif at := re.fullmatch(r"(#?)([A-Z]\w+)=(.*)", line):
            if section == "Journal":
                yield path, bool(at[1]), at[2], at[3]


NEWER = ("ForwardToSocket", "MaxLevelSocket")


@check("journal_config", "systemd-analyze cat-config and timespan", "option", "value", "source", "seconds")
def journal(host, snapshot):
    # The file as it is shipped has every option as a comment with its default
    # (journald.conf(5)).
    found = {}
    for path, comment, option, value in _assignments(host):
        if comment:
            found.setdefault(option, {"option": option, "value": value, "source": "default"})
        else:
            found[option] = {"option": option, "value": value, "source": path}
    # Newer than systemd 252: the table has it when a file sets it.
    found = {option: row for option, row in found.items() if option not in NEWER or row["source"] != "default"}
    for row in found.values():
        row["seconds"] = 0
        # The shipped file leaves it empty; journald.conf(5) says what that means.
        if row["option"] == "MaxRetentionSec" and not row["value"]:
            row["value"] = "0"
        if row["option"] in ("SyncIntervalSec", "RateLimitIntervalSec", "MaxRetentionSec", "MaxFileSec") and row["value"]:
            said = host.tool("systemd-analyze", "timespan", row["value"], codes=(0, 1))
            micro = re.search(r"μs: (\d+)", said)
            row["seconds"] = -(-int(micro[1]) // 1000000) if micro and micro[1] != str(2**64 - 1) else 0
    return list(found.values())


PERIODS = {"hourly": 0, "daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}


@check("logrotate_rules", "logrotate -d", "path", "rotate", "frequency", "size_bytes", "keep_days")
def logrotate(host, snapshot):
    found, ages = [], {row.path: row.max_age_days for row in snapshot.logrotate_rules}
    # It says on standard error what it would do.
    said = host.tool("sh", "-c", "logrotate -d /etc/logrotate.conf 2>&1")
    # Paths, frequency and rotations; before 3.22 the rest stands on a line of
    # its own, after two blanks.
    for paths, when, rest in re.findall(r"^rotating pattern: ((?:/\S+\s+)+)([^/].*)\n(.*)$", said, re.M):
        rotations = re.search(r"\((\d+) rotations|(no old logs)", when)
        keep = int(rotations[1] or 0) if rotations else -1
        forced = re.match(r"(\d+) bytes", when)
        # It words a day as "after 1 days".
        frequency = "size" if forced else "daily" if when.startswith("after 1 days") else when.split()[0]
        size = int(forced[1]) if forced else 0
        if most := re.search(r"log files >= (\d+) are rotated earlier", when + rest):
            size = int(most[1])
        days = 0 if frequency == "size" else -1 if keep < 0 else keep * PERIODS[frequency]
        for path in paths.split():
            # It does not tell maxage, which bounds how long they are kept; a
            # scenario expects it.
            age = ages.get(path, 0)
            kept = min(days, age) if age and days > 0 else age if age and days < 0 else days
            found.append({"path": path, "rotate": keep, "frequency": frequency, "size_bytes": size,
                          "keep_days": kept})
    return found


apart("logrotate_rules", old_folder="logrotate -d tells of it in other words in each release; a scenario expects the files in it", max_age_days="logrotate -d does not tell it", compress="logrotate -d tells of compression only for what it would rotate now",
      source="logrotate -d does not tell where a rule stands")


def _journal_header(host):
    """First and last record, bytes and number of the journal's files."""
    first, last, size, files = [], [], 0, 0
    for line in host.tool("journalctl", "--header").splitlines():
        word, _, value = line.partition(": ")
        if word == "File path":
            files += 1
        elif at := re.search(r"\(([0-9a-f]+)\)$", value):
            if word.startswith("Head realtime") and int(at[1], 16):
                first.append(int(at[1], 16) // 1000000)
            if word.startswith("Tail realtime") and int(at[1], 16):
                last.append(int(at[1], 16) // 1000000)
    return first, last, files


# To the second of a log that was not written for an hour, to the hour of
# others; never before the first record.
def _newest(first, last):
    return last if time.time() - last >= 3600 else max(first, last // 3600 * 3600)


def _rotated_mode(host, path, names):
    """Permission bits that at least one of the rotated files has, as stat(1) tells them."""
    modes = [int(host.tool("stat", "-c", "%a", "--", name), 8) for name in names if name != path]
    return f"{functools.reduce(operator.or_, modes):04o}" if modes else ""


# What files hold, down to where they are cut off.
ALL_OF = ('for f; do case $f in *.gz) zcat "$f" ;; *.xz) xzcat "$f" ;; *.bz2) bzcat "$f" ;; *.zst) zstdcat "$f" ;; '
          '*) cat "$f" ;; esac; done 2>/dev/null')


@check("log_files", "journalctl --header, stat and the files' ends", "path", "files", "mode", "owner", "group",
       "rotated_mode", "newest", "oldest")
def files(host, snapshot):
    found = []
    for row in snapshot.log_files:
        mode, owner, group = host.tool("stat", "-c", "%04a %U %G", "--", row.path).split()
        one = {"path": row.path, "mode": mode, "owner": owner, "group": group}
        if row.source == "journal":
            first, last, count = _journal_header(host)
            one |= {"files": count, "oldest": min(first), "newest": _newest(min(first), max(last)),
                    "rotated_mode": ""}
        else:
            names = host.tool("sh", "-c", f"ls -1d {row.path}* | grep -E '^{row.path}([.-][0-9]+)?(\\.gz)?$'").split()
            first, last = _ends(host, row.source, row.path, names)
            one |= {"files": len(names), "oldest": first, "newest": _newest(first, last),
                    "rotated_mode": _rotated_mode(host, row.path, names)}
        found.append(one)
    return found


def _ends(host, source, path, names):
    """Seconds of the first and the last record of a log with its rotated files."""
    if source in ("wtmp", "btmp"):
        if host.suite == "trixie":  # it has no utmpdump; its logins are in wtmpdb(8)'s database
            data = b"".join((host.root / name.lstrip("/")).read_bytes() for name in names if not name.endswith(".db"))
            moments = [seconds for (seconds,) in struct.iter_unpack("=340xi40x", data)]  # utmp(5)
            for name in names:
                if name.endswith(".db"):
                    with contextlib.closing(sqlite3.connect(f"file:{host.root / name.lstrip('/')}?mode=ro", uri=True)) as database:
                        moments += [micro // 1000000 for (micro,) in database.execute("SELECT Login FROM wtmp")]
            return min(moments, default=0), max(moments, default=0)
        said = host.tool("sh", "-c", "for f; do utmpdump \"$f\" 2>/dev/null; done", "sh", *names)
        moments = re.findall(r"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d),\d+\+00:00\]", said)
        moments = [int(host.tool("date", "-ud", m, "+%s")) for m in (min(moments), max(moments))] if moments else [0, 0]
        return moments[0], moments[1]
    if source == "audit":
        return _audit_ends(host)
    said = host.tool("sh", "-c", f"{ALL_OF} | "
                     "awk '{print $1}' | sort | sed -n '1p;$p'", "sh", *names).split()
    if not said:
        return 0, 0
    return tuple(int(host.tool("date", "-d", m, "+%s")) for m in (said[0], said[-1]))


def _audit_ends(host):
    """Seconds of the first and the last record of auditd's log with what auditd rotated it into."""
    said = host.tool("env", "TZ=UTC", "aureport", "-t")
    moments = re.findall(r"(\d\d)/(\d\d)/(?:20)?(\d\d) (\d\d:\d\d:\d\d)", said)
    moments = [int(host.tool("date", "-ud", f"20{y}-{m}-{d} {time}", "+%s")) for m, d, y, time in moments]
    return min(moments), max(moments)


apart("log_files", source="the kind of a stream is this table's own word", size_bytes="rounded; a growing log has another size by "
      "the time a tool is asked")


def _journal_files(host):
    """What journalctl says of each journal file: first and last record, and whether it is sealed."""
    files, path = {}, ""
    for line in host.tool("journalctl", "--header").splitlines():
        word, _, value = line.partition(": ")
        if word == "File path":
            path = value.strip()
            files[path] = {"first": 0, "last": 0, "sealed": False}
        elif word.lower() == "compatible flags":
            files[path]["sealed"] = re.search(r"\bSEALED\b", value) is not None
        elif at := re.search(r"\(([0-9a-f]+)\)$", value):
            if word.startswith("Head realtime"):
                files[path]["first"] = int(at[1], 16) // 1000000
            if word.startswith("Tail realtime"):
                files[path]["last"] = int(at[1], 16) // 1000000
    return files


ROTATED = r"([.-][0-9]+(\.(gz|xz|zst|bz2|lz4))?)?"


def _moments(host, path, names):
    """Seconds of the first and the last record of any log."""
    base = path.rsplit("/", 1)[1]
    if base in ("wtmp", "btmp", "wtmp.db"):
        return _ends(host, "wtmp", path, names)
    if base == "audit.log":
        return _audit_ends(host)
    if base == "lastlog":
        moments = [s for (s,) in struct.iter_unpack("=I288x", (host.root / path.lstrip("/")).read_bytes()) if s]
        return min(moments, default=0), max(moments, default=0)
    if base == "lastlog2.db":
        with contextlib.closing(sqlite3.connect(f"file:{host.root / path.lstrip('/')}?mode=ro", uri=True)) as database:
            moments = [s for (s,) in database.execute("SELECT Time FROM Lastlog2") if s]
        return min(moments, default=0), max(moments, default=0)
    said = host.tool("sh", "-c", f"{ALL_OF} | "
                     "grep -aoE '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]+[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([+-][0-9]{2}:[0-9]{2})?' | "
                     "sort | sed -n '1p;$p'", "sh", *names, codes=(0, 1)).splitlines()
    if not said:
        return 0, 0
    return tuple(int(host.tool("date", "-d", m, "+%s")) for m in (said[0], said[-1]))


@check("log_sources", "find, stat, journalctl --header and the files' own records",
       "path", "files", "mode", "owner", "group", "oldest", "newest", "sealed", "persistent")
def sources(host, snapshot):
    found = []
    groups = {}
    for name in host.tool("sh", "-c", "find /var/log -path /var/log/journal -prune -o -type f -print; "
                          "find /var/lib/wtmpdb /var/lib/lastlog -type f 2>/dev/null || true").split("\n"):
        if name:
            folder, _, base = name.rpartition("/")
            base = re.fullmatch(rf"(.+?){ROTATED}", base)[1]
            groups.setdefault(f"{folder}/{base}", []).append(name)
    for path, names in groups.items():
        mode, owner, group = ("", "", "")
        if path in names:
            mode, owner, group = host.tool("stat", "-c", "%04a %U %G", "--", path).split()
        first, last = _moments(host, path, names)
        found.append({"path": path, "files": len(names), "mode": mode, "owner": owner, "group": group, "oldest": first,
                      "newest": _newest(first, last), "sealed": False, "persistent": True})
    # What rsyslog is told to write and has not written yet is no file.
    for path in {row.target for row in snapshot.syslog_config if row.action == "file"} - set(groups):
        found.append({"path": path, "files": 0, "mode": "", "owner": "", "group": "", "oldest": 0, "newest": 0,
                      "sealed": False, "persistent": True})
    for row in snapshot.syslog_config:
        if row.action == "forward":
            found.append({"path": row.target, "files": 0, "mode": "", "owner": "", "group": "", "oldest": 0,
                          "newest": 0, "sealed": False, "persistent": False})
    kinds = {}
    for path, facts in _journal_files(host).items():
        folder, _, base = path.rpartition("/")
        kinds.setdefault(f"{folder}/" + ("user-*.journal" if base.startswith("user-") else "system.journal"), {})[path] = facts
    for path, files in kinds.items():
        shown = path if path in files else sorted(files)[0]
        mode, owner, group = host.tool("stat", "-c", "%04a %U %G", "--", shown).split()
        found.append({"path": path, "files": len(files), "mode": mode, "owner": owner, "group": group,
                      "oldest": min((f["first"] for f in files.values() if f["first"]), default=0),
                      "newest": _newest(min((f["first"] for f in files.values() if f["first"]), default=0),
                                        max(f["last"] for f in files.values())),
                      "sealed": all(f["sealed"] for f in files.values()),
                      "persistent": not path.startswith("/run/")})
    return found


DERIVED = "follows from the limits, which scenarios expect, and the growth, which no tool tells"
apart("log_sources", source="the kind of a stream is this table's own word", writer="follows from syslog_config, which has a check of its own", facilities="as writer", copy="as writer",
      keep_days="logrotate_rules and journal_config have checks of their own; scenarios expect it", keep_bytes="as keep_days",
      kept_by="as keep_days", bytes_per_day=DERIVED, records_per_day=DERIVED, reach_days=DERIVED, removal=DERIVED,
      unread="no tool reads logs so")


def _sequences(host):
    """What journalctl says of each journal file: its row of numbers, and the first and last of them with their seconds."""
    files = []
    for line in host.tool("journalctl", "--header").splitlines():
        word, _, value = line.partition(": ")
        at = re.search(r"\(([0-9a-f]+)\)$", value)
        if word == "File path":
            files.append({"path": value.strip()})
        elif word.lower() == "sequential number id":
            files[-1]["row"] = value.strip()
        elif at and word in ("Head sequential number", "Tail sequential number", "Head realtime timestamp", "Tail realtime timestamp"):
            files[-1][word.split()[0] + " " + word.split()[1]] = int(at[1], 16)
    return [f for f in files if f.get("Head realtime")]


OF_THE_SYSTEM = re.compile(r"/var/log/(syslog|messages|auth\.log|secure|cron(\.log)?|audit/audit\.log)")


def _stamps(host, names):
    """Seconds of each record of a text log, in its order, from all of its lines."""
    said = host.tool("sh", "-c", f"{ALL_OF} | "
                     "grep -aoE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\\.[0-9]+)?[+-][0-9]{2}:[0-9]{2}'", "sh", *names, codes=(0, 1))
    return [int(datetime.datetime.fromisoformat(line).timestamp()) for line in said.splitlines()]


def _off_rhythm(path, stamps):
    """Silences ten times as long as all others, and where time goes back; of a host that was never off meanwhile."""
    steps = [(b, a) for a, b in zip(stamps, stamps[1:]) if a - b >= 600]
    if len(stamps) < 200 or not OF_THE_SYSTEM.fullmatch(path):
        return
    pauses = sorted(((a, b) for a, b in zip(stamps, stamps[1:])), key=lambda p: p[0] - p[1])
    for count in (1, 2, 3):
        told, others = pauses[:count], pauses[count:]
        length = [b - a for a, b in told]
        beside = stamps[-1] - stamps[0] - sum(length)
        if length[-1] >= max(3600, 10 * (others[0][1] - others[0][0]), 10) and beside // 604800 >= count:
            yield from ((a, b) for a, b in told if stamps[-1] - b >= b - a and a - stamps[0] >= b - a)
            break
    if len(steps) <= 3:
        yield from steps


PROGRAMS = {"gz": "gzip", "xz": "xz", "bz2": "bzip2", "zst": "zstd"}


def _torn(host):
    """Rotated files that the program they were made with finds no end of: from the last line it gives to the next file's first."""
    found = []
    logs = {}
    names = host.tool("sh", "-c", "find /var/log -path /var/log/journal -prune -o -type f -printf '%T@ %p\\n' | sort -n | cut -d' ' -f2-")
    for name in names.splitlines():
        if at := re.fullmatch(rf"(.+?){ROTATED}", name):
            logs.setdefault(at[1], []).append(name)
    for path, files in logs.items():
        for at, name in enumerate(files):
            program = PROGRAMS.get(name.rsplit(".", 1)[-1])
            if not program or name == path or host.tool("sh", "-c", f"{program} -t '{name}' 2>/dev/null; echo $?").strip() == "0":
                continue
            text = host.tool("sh", "-c", f"{program} -dc '{name}' 2>/dev/null || true")
            since = _second(host, text[:text.rfind("\n") + 1].splitlines()[-1])
            until = 0
            if at + 1 < len(files):
                until = _second(host, host.tool("head", "-n1", files[at + 1]))
            found.append({"path": path, "since": since, "until": until})
    return found


def _second(host, line):
    return int(host.tool("date", "-d", line.split()[0], "+%s"))


def _put_away(host):
    """Journal files that journald no longer writes: those journalctl fails to verify, and those it found not closed."""
    files = {file["path"]: file for file in _sequences(host)}
    for path, file in files.items():
        folder, _, name = path.rpartition("/")
        first, last = file["Head realtime"] // 1000000, file["Tail realtime"] // 1000000
        said = host.tool("sh", "-c", f"journalctl --verify --file='{path}' 2>&1 || true")
        why = re.search(rf"FAIL: {re.escape(path)} \((.*)\)", said) if re.search(r"[@~]", name) else None
        damage = why[1] if why else ""
        if damage and not name.endswith("~"):
            yield {"path": f"{folder}/system.journal", "since": first, "until": last, "damage": damage}
        if name.endswith("~"):
            after = [f["Head realtime"] // 1000000 for other, f in files.items()
                     if other != path and re.split("[@.]", other)[0] == re.split("[@.]", path)[0]]
            yield {"path": f"{folder}/system.journal", "since": last, "until": min((t for t in after if t >= last), default=0), "damage": damage}


SUPPRESSED = "a596d6fe7bfa4994828e72309e95d61e"


def _dropped(host):
    """What journald says that it suppressed, by unit and day: from the unit's last record before."""
    sums = {}
    for line in host.tool("journalctl", "-o", "json", "_TRANSPORT=driver", f"MESSAGE_ID={SUPPRESSED}").splitlines():
        record = json.loads(line)
        second = int(record["__REALTIME_TIMESTAMP"]) // 1000000
        unit = re.fullmatch(r"Suppressed \d+ messages from (.*)", record["MESSAGE"])[1]
        sums.setdefault((second // 86400, unit), []).append(second)
    path = host.tool("sh", "-c", "ls -d /var/log/journal/*/system.journal || true").strip()
    for (_, unit), seconds in sums.items():
        before = [int(json.loads(line)["__REALTIME_TIMESTAMP"]) // 1000000
                  for line in host.tool("journalctl", "-o", "json", f"_SYSTEMD_UNIT={unit}").splitlines()]
        before = [second for second in before if second < seconds[0]]
        yield {"path": path, "since": max(before, default=seconds[0]), "until": seconds[-1]}


@check("log_gaps", "journalctl, journalctl --verify, ls, gzip -t and the like, and all lines of the logs", "path", "since", "until", "damage", may_be_empty=True)
def holes(host, _):
    found = [*_torn(host), *_dropped(host), *_put_away(host)]
    by_row = {}
    sequences = list(_sequences(host))
    for file in sequences:
        by_row.setdefault(file["row"], []).append(file)
    for row, files in by_row.items():
        seen = set().union(*(range(f["Head sequential"], f["Tail sequential"] + 1) for f in files))
        # An older journald counts a user's records with the others, under a row of their own.
        from_, to = min(f["Head realtime"] for f in files), max(f["Tail realtime"] for f in files)
        elsewhere = set().union(*(range(f["Head sequential"], f["Tail sequential"] + 1) for f in sequences
                                  if f["row"] != row and f["Head realtime"] <= to and f["Tail realtime"] >= from_
                                  and f["path"].rpartition("/")[0] == files[0]["path"].rpartition("/")[0]))
        lost = [n for n in range(min(seen), max(seen)) if n not in seen and n not in elsewhere]
        for first in (n for n in lost if n - 1 not in lost):
            before = max((f for f in files if f["Tail sequential"] < first), key=lambda f: f["Tail sequential"])
            after = min((f for f in files if f["Head sequential"] > first), key=lambda f: f["Head sequential"])
            found.append({"path": files[0]["path"].rpartition("/")[0] + "/system.journal",
                          "since": before["Tail realtime"] // 1000000, "until": after["Head realtime"] // 1000000})
    rotated = {}
    for path in host.tool("find", "/var/log", "-path", "/var/log/journal", "-prune", "-o", "-type", "f", "-print").split("\n"):
        if at := re.fullmatch(r"(.+?)(?:\.(\d+)(?:\.(?:gz|zst|xz|bz2))?)?", path):
            rotated.setdefault(at[1], {})[int(at[2] or 0)] = path
    for base, files in rotated.items():
        numbers = sorted(files)
        for number, older in zip(numbers, numbers[1:]):
            if older != number + 1:
                found.append({"path": base, "since": _moments(host, base, [files[older]])[1],
                              "until": _moments(host, base, [files[number]])[0]})
        if not re.search(r"/([bw]tmp|lastlog)", base):
            stamps = _stamps(host, [files[number] for number in reversed(numbers)])
            found += [{"path": base, "since": since, "until": until} for since, until in _off_rhythm(base, stamps)]
    return [{"damage": "", **row} for row in found]


apart("log_gaps", source="as in log_sources", reason="a sentence of this table")


@check("log_heartbeats", "grep and journalctl", "path", "facility", "arrived", each=lambda row: row if row["arrived"] else None,
       may_be_empty=True)
def heartbeats(host, _):
    found = []
    for facility in ("daemon", "authpriv"):
        line = f"heartbeat {facility} {host.heartbeat:016x}"
        for path in host.tool("grep", "-rlsIF", line, "/var/log", codes=(0, 1, 2)).splitlines():
            found.append({"path": path, "facility": facility, "arrived": True})
        if line in host.tool("journalctl", "-t", "metsuke-agent", "-o", "cat").splitlines():
            file = next(f["path"] for f in _sequences(host) if f["path"].endswith("/system.journal"))
            found.append({"path": file, "facility": facility, "arrived": True})
    return found
