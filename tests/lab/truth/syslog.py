"""syslog_config: a message of each facility and severity is sent, and looked for in every file."""

import re
import time

from truth import apart, check

FACILITIES = ("user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
              *(f"local{n}" for n in range(8)))
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
SEND = 'for f in $2; do for s in $3; do logger -t "$1" -p $f.$s "$f $s"; done; done'


def _found(host, tag):
    # syslog-ng, which reads the journal, knows who sent it.
    return host.run("grep", "-rsIE", rf" {tag}(\[[0-9]+\])?: ", "/var/log", codes=(0, 1, 2)).splitlines()


def _arrived(host, tag):
    """Lines with the tag, once no more come."""
    lines, same, end = [], 0, time.monotonic() + 20
    while same < 5 and time.monotonic() < end:
        time.sleep(0.2)
        now = _found(host, tag)
        same = same + 1 if now and len(now) == len(lines) else 0
        lines = now
    return lines


def _each_message(host, listed):
    """A row for each message and file, as the routes say."""
    expanded = []
    for row in listed:
        if "=" in row["severity"]:
            severities = [s.strip().lstrip("=") for s in row["severity"].split(",")]
        else:
            severities = SEVERITIES[:SEVERITIES.index(row["severity"]) + 1] if row["severity"] in SEVERITIES else [row["severity"]]
        expanded += [{"facility": row["facility"], "severity": s, "file": row["target"]} for s in severities]
    return expanded


# The journal makes user's what somebody sends as the kernel's (manager_process_syslog_message of journald-syslog.c).
@check("syslog_config", "logger -p and grep", "facility", "severity", "action", "target",
       each=lambda row: row if row["action"] == "file" and row["facility"] in FACILITIES else None,
       ours=_each_message, keys=("facility", "severity", "file"), may_be_empty=True)
def routes(host, snapshot):
    if not host.run("sh", "-c", "command -v rsyslogd || command -v syslog-ng || true"):
        return []
    tag = f"truth{time.time_ns()}"
    host.run("sh", "-c", SEND, "sh", tag, " ".join(FACILITIES), " ".join(SEVERITIES))
    found = []
    for line in _arrived(host, tag):
        if at := re.fullmatch(rf"(/[^:]+):.* {tag}(?:\[\d+\])?: (\w+) (\w+)", line):
            found.append({"facility": at[2], "severity": at[3], "file": at[1]})
    return found


apart("syslog_config", daemon="one logger is there; a scenario expects it", source="no logger tells where a rule stands; a scenario expects it")
