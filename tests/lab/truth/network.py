"""ports, interfaces and sysctls: what the kernel says."""

import json
import re

from truth import check


def _names(host):
    users = {}
    for line in host.tool("getent", "passwd").splitlines():
        name, _, uid, *_ = line.split(":")
        users.setdefault(int(uid), name)
    return users


def _processes(host):
    """exe and unit of each process, by number."""
    listed = {}
    for line in host.tool("ps", "-eo", "pid=,unit=,exe=").splitlines():
        pid, unit, exe = line.split(None, 2)
        listed[int(pid)] = (exe, "" if unit == "-" else unit)
    return listed


def _owner(host, path):
    # dpkg knows files by the path before /usr was merged (dpkg-query(1)).
    for name in (path, path.removeprefix("/usr")):
        said = host.tool("dpkg-query", "-S", name, codes=(0, 1))
        if said:
            return said.split(":")[0]
    return ""


@check("ports", "ss -Hltunpe, ps and dpkg-query -S", "protocol", "address", "port", "interface", "program", "path", "unit", "user",
       "package")
def ports(host, _):
    users, processes, found = _names(host), _processes(host), {}
    for line in host.tool("ss", "-Hltunpe").splitlines():
        words = line.split()
        address, port = words[4].rsplit(":", 1)
        address, _, interface = address.partition("%")
        # ss prints "*" for a socket of IPv6 that takes IPv4, too.
        address = "::" if address == "*" else address.strip("[]")
        row = found.setdefault((words[0], address, int(port), interface), [set() for _ in range(5)])
        uid = re.search(r"\buid:(\d+)", line)
        row[3].add(users.get(int(uid[1]) if uid else 0, uid and uid[1]))
        for program, pid in re.findall(r'\("([^"]*)",pid=(\d+)', line):
            path, unit = processes.get(int(pid), ("", ""))
            for column, value in zip(row, (program, path, unit)):
                column.add(value)
            row[4].add(_owner(host, path))
    return [dict(zip(("protocol", "address", "port", "interface", "program", "path", "unit", "user", "package"),
                     (*key, *(",".join(sorted(filter(None, c))) for c in row)))) for key, row in found.items()]


@check("interfaces", "ip -j addr", "name", "address", "family", "scope", "mac", "up")
def interfaces(host, _):
    found = []
    for link in json.loads(host.tool("ip", "-j", "addr")):
        row = {"name": link["ifname"], "up": "UP" in link["flags"],
               "mac": link.get("address", "") if link["link_type"] == "ether" else ""}
        for one in link["addr_info"]:
            found.append(row | {"address": f"{one['local']}/{one['prefixlen']}", "scope": one["scope"],
                                "family": {"inet": "ipv4", "inet6": "ipv6"}[one["family"]]})
        if not link["addr_info"]:
            found.append(row | {"address": "", "scope": "none", "family": "none"})
    return found


def _pattern(name):
    return re.sub(r"^(net\.ipv[46]\.conf)\..*\.(\w+)$", r"\1.*.\2", name)


@check("sysctls", "sysctl -a", "name", "value")
def sysctls(host, snapshot):
    # The table is a choice: of what sysctl prints, the names chosen, for each
    # interface.
    chosen = {_pattern(row.name) for row in snapshot.sysctls}
    found = []
    for line in host.tool("sysctl", "-a").splitlines():
        name, _, value = line.partition(" = ")
        if _pattern(name) in chosen:
            found.append({"name": name, "value": " ".join(value.split())})
    return found
