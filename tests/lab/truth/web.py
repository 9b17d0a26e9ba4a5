"""web_access_logs: each site is asked for things, and its answers are looked for in every file."""

import re
import time

from truth import apart, check

FOLDERS = ("/var/log/nginx", "/var/log/apache2", "/var/log/web-lab", "/usr/share/nginx/logs", "/etc/apache2/logs")
ASKED = ("/none", "/quiet/none", "/deep/none", "/deep/er/none", "/none?loud=1")
# What a record of a request from 127.0.0.9 by zebra for what is not there must show.
SHOWS = {"client": r"\b127\.0\.0\.9\b", "time": r"\d\d:\d\d:\d\d", "request": r"\bGET\b.*/none", "status": r"(?<![\d.:])404(?![\d.:])",
         "user": r"\bzebra\b"}


def _sites(host):
    """Server, name and port of each site, as the servers themselves read their files."""
    for port, name in re.findall(r"^\s*listen (\d+);\s*server_name (\w+);", host.tool("nginx", "-T"), re.M):
        yield "nginx", name, port
    said = host.tool("sh", "-c", ". /etc/apache2/envvars; apache2 -S 2>&1")
    taken = re.findall(r"^\*:(\d+)\s+(\w+) \(", said, re.M)
    for port, name in taken:
        yield "apache", name, port
    listening = host.tool("ss", "-Hltnp", "sport >= 9000 and sport < 9500")
    for port in sorted(set(re.findall(r":(9\d\d\d)\s.*apache2", listening)) - {port for port, _ in taken}):
        yield "apache", "main", port


def _sizes(host):
    listed = host.run("find", *FOLDERS, "-type", "f", "!", "-name", "error.log", "-printf", "%p %s\n").splitlines()
    return {path: int(size) for path, size in (line.split() for line in listed)}


def _ask(host, name, port, what):
    """What each file gained by one request; a record comes after the answer."""
    before = _sizes(host)
    code = host.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-u", "zebra:stripes", "--interface", "127.0.0.9", "-H",
                    f"Host: {name}", f"http://127.0.0.1:{port}{what}")
    assert code == "404", f"{name} answers {code}"
    time.sleep(0.15)
    return {path: host.run("tail", "-c", f"+{before.get(path, 0) + 1}", path)
            for path, size in _sizes(host).items() if size > before.get(path, 0)}


def _row(row):
    # Where syslog and programs put it, no tool knows; the scenario expects these rows.
    if row["path"] and not row["path"].startswith("/"):
        return None
    if row["path"] == "/dev/null":
        return row | {"path": "", "missing": []}
    return row | {"path": row["path"].replace("$server_name", row["names"][0])}


def _lone(host, listed):
    """A site whose records go to no file has none here, and one that has a file has no empty row."""
    filed = {row["site"] for row in listed if row["path"]}
    return [row for row in listed if row["path"] or row["site"] not in filed]


@check("web_access_logs", "curl and what the files gain", "server", "site", "path", "logged", "missing",
       each=_row, ours=_lone, may_be_empty=True)
def web(host, snapshot):
    if not host.run("sh", "-c", "command -v nginx || true"):
        return []
    if "web" in host.asked:
        return host.asked["web"]
    found = []
    elsewhere = {row.site for row in snapshot.web_access_logs if row.path and not row.path.startswith("/")}
    for server, name, port in _sites(host):
        site, gained = f"{name} *:{port}", {}
        for what in ASKED:
            for path, text in _ask(host, name, port, what).items():
                gained.setdefault(path, []).append(text)
        for path, texts in gained.items():
            missing = [part for part, shows in sorted(SHOWS.items()) if not all(re.search(shows, text) for text in texts)]
            found.append({"server": server, "site": site, "path": path, "logged": "all" if len(texts) == len(ASKED) else "some",
                          "missing": missing})
        if not gained and site not in elsewhere:
            found.append({"server": server, "site": site, "path": "", "logged": "none", "missing": []})
    host.asked["web"] = found
    return found


apart("web_access_logs", names="a scenario expects them", loopback="follows from the addresses", format="unit tests compare it",
      source="the servers do not tell where a log is set; a scenario expects it",
      unlogged="what no file gains is compared; where it is said, a scenario expects", lacking="follows from the logs together")
