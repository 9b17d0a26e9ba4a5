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


def _above(host, pairs):
    """Those pairs of versions of which dpkg says that the first is above the second."""
    script = 'while [ $# -gt 0 ]; do if dpkg --compare-versions "$1" gt "$2"; then echo "$1 $2"; fi; shift 2; done'
    said = host.tool("sh", "-c", script, "sh", *(version for pair in pairs for version in pair))
    return {tuple(line.split()) for line in said.splitlines()}


def _places(host, names, releases):
    """Of each package, its versions and where each can be had."""
    found, name, version = {}, "", ""
    for line in host.tool("apt-cache", "policy", *names).splitlines():
        # Versions stand at five columns or after "***", places at eight.
        if at := re.match(r"(\S+):$", line):
            name = at[1].split(":")[0]
        elif at := re.match(r" (?:\*\*\*|   ) (\S+) -?\d+$", line):
            version = at[1]
        elif at := re.match(r" {8} *-?\d+ (\S+ \S+ \S+) Packages$", line):
            found.setdefault(name, {}).setdefault(version, []).append(releases[at[1]])
    return found


def _security(place):
    return any("security" in part.lower() for part in place)


@check("package_updates", "apt list --upgradable, apt-cache policy and apt-mark showhold", "name", "architecture", "installed",
       "candidate", "security", "origin", "source", "held", may_be_empty=True)
def updates(host, _):
    listed = [re.fullmatch(r"([^/]+)/\S+ (\S+) (\S+) \[upgradable from: (\S+)\]", line)
              for line in host.tool("apt", "list", "--upgradable").splitlines()]
    listed = [line.groups() for line in listed if line]
    if not listed:
        return []
    held, found = host.tool("apt-mark", "showhold").split(), []
    places = _places(host, [name for name, *_ in listed], _releases(host))
    above = _above(host, [(v, installed) for name, _, _, installed in listed for v in places[name]])
    shown = host.tool("apt-cache", "show", *(f"{name}={candidate}" for name, candidate, *_ in listed))
    sources = {}
    for part in shown.split("\n\n"):
        if name := re.search(r"^Package: (\S+)", part, re.M):
            source = re.search(r"^Source: (\S+)", part, re.M)
            sources[name[1]] = source[1] if source else name[1]
    for name, candidate, architecture, installed in listed:
        ways = [place for v, at in places[name].items() if (v, installed) in above for place in at]
        at = places[name][candidate]
        label, suite, _ = next(filter(_security, at), at[0])
        found.append({"name": name, "architecture": architecture, "installed": installed, "candidate": candidate,
                      "security": any(map(_security, ways)), "origin": f"{label}:{suite}", "source": sources[name],
                      "held": name in held})
    return found
