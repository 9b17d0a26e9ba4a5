"""journal_config, logrotate_rules, log_files: what is kept."""

import contextlib
import re
import sqlite3
import struct

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


apart("logrotate_rules", max_age_days="logrotate -d does not tell it", compress="logrotate -d tells of compression only for what it would rotate now",
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


@check("log_files", "journalctl --header, stat and the files' ends", "path", "files", "mode", "owner", "group", "newest", "oldest")
def files(host, snapshot):
    found = []
    for row in snapshot.log_files:
        mode, owner, group = host.tool("stat", "-c", "%04a %U %G", "--", row.path).split()
        one = {"path": row.path, "mode": mode, "owner": owner, "group": group}
        if row.source == "journal":
            first, last, count = _journal_header(host)
            one |= {"files": count, "oldest": min(first), "newest": max(last) // 3600 * 3600}
        else:
            names = host.tool("sh", "-c", f"ls -1d {row.path}* | grep -E '^{row.path}([.-][0-9]+)?(\\.gz)?$'").split()
            first, last = _ends(host, row.source, row.path, names)
            one |= {"files": len(names), "oldest": first, "newest": last // 3600 * 3600}
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
    said = host.tool("sh", "-c", "for f; do case $f in *.gz) zcat \"$f\" ;; *) cat \"$f\" ;; esac; done | "
                     "awk '{print $1}' | sort | sed -n '1p;$p'", "sh", *names).split()
    if not said:
        return 0, 0
    return tuple(int(host.tool("date", "-d", m, "+%s")) for m in (said[0], said[-1]))


apart("log_files", source="the kind of a stream is this table's own word", size_bytes="rounded; a growing log has another size by "
      "the time a tool is asked")
