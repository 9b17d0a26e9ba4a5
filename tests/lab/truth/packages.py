"""packages and package_updates: what dpkg and apt say."""

import re

from truth import check


@check("packages", "dpkg-query -W", "name", "architecture", "version", "source", "source_version", "manager", "status")
def packages(host, _):
    found = []
    for line in host.tool("dpkg-query", "-W", "-f", "${db:Status-Status}\\t${Package}\\t${Architecture}\\t${Version}\\t"
                          "${source:Package}\\t${source:Version}\\n").splitlines():
        status, name, architecture, version, source, source_version = line.split("\t")
        # Removed, its configuration kept: nothing of it runs.
        if status not in ("config-files", "not-installed"):
            found.append({"name": name, "architecture": architecture, "version": version, "source": source,
                          "source_version": source_version, "manager": "dpkg", "status": status})
    return found


def _releases(host):
    """Label and suite of each index of apt-cache policy, by what it prints before them."""
    said, found = host.tool("apt-cache", "policy"), {}
    for where, release in re.findall(r"^ *-?\d+ (\S+ \S+ \S+) Packages\n +release (.*)$", said, re.M):
        fields = dict(f.split("=", 1) for f in release.split(",") if "=" in f)
        found[where] = (fields.get("l") or fields.get("o", ""), fields.get("a") or fields.get("n", ""), fields.get("n", ""))
    return found


def _newer(host, versions, than):
    """Those of `versions` above `than`, as dpkg orders them."""
    script = 'than=$1; shift; for v; do if dpkg --compare-versions "$v" gt "$than"; then echo "$v"; fi; done'
    return host.tool("sh", "-c", script, "sh", than, *versions).split()


@check("package_updates", "apt list --upgradable, apt-cache policy and apt-mark showhold", "name", "architecture", "installed",
       "candidate", "security", "origin", "source", "held", may_be_empty=True)
def updates(host, _):
    releases, held, found = _releases(host), host.tool("apt-mark", "showhold").split(), []
    for line in host.tool("apt", "list", "--upgradable").splitlines():
        listed = re.fullmatch(r"([^/]+)/(\S+) (\S+) (\S+) \[upgradable from: (\S+)\]", line)
        if not listed:
            continue
        name, _, candidate, architecture, installed = listed.groups()
        # Of each version, where it can be had: versions begin at five columns
        # or at "***", places at eight.
        places, version = {}, ""
        for row in host.tool("apt-cache", "policy", f"{name}:{architecture}").split("Version table:")[1].splitlines()[1:]:
            if at := re.match(r" (?:\*\*\*|   ) (\S+) -?\d+$", row):
                version = at[1]
            elif at := re.match(r" {8} *-?\d+ (\S+ \S+ \S+) Packages$", row):
                places.setdefault(version, []).append(releases[at[1]])
        ways = [place for v in _newer(host, places, installed) for place in places[v]]
        safe = [p for p in places[candidate] if any("security" in part.lower() for part in p)]
        label, suite, _ = (safe or places[candidate])[0]
        shown = host.tool("apt-cache", "show", f"{name}:{architecture}={candidate}")
        source = re.search(r"^Source: (\S+)", shown, re.M)
        found.append({"name": name, "architecture": architecture, "installed": installed, "candidate": candidate,
                      "security": any("security" in part.lower() for place in ways for part in place),
                      "origin": f"{label}:{suite}", "source": source[1] if source else name, "held": name in held})
    return found
