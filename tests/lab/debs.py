"""The packages that were made, and what of the archive they want."""

import os
import re

import lab

NAMES = ("metsuke-agent", "metsuke-controller", "metsukectl")


def newest(folder):
    """The files of the packages by name, and the archive of the agent that needs nothing but glibc."""
    def last(pattern):
        return max(folder.glob(pattern), key=os.path.getmtime, default=None)
    debs, archive = {name: last(f"{name}_*.deb") for name in NAMES}, last("metsuke-agent-*.tar.gz")
    if None in (*debs.values(), archive):
        raise lab.Failed(f"no packages in {folder}; make them with ninja -C build packages portable")
    return debs, archive


def dependencies(debs):
    """Packages of the archive that ours want; versions are apt's to hold against when it installs."""
    names = set()
    for deb in debs:
        for wanted in lab.call(["dpkg-deb", "-f", deb, "Depends"]).strip().split(","):
            names.add(re.match(r"\s*([a-z0-9.+-]+)", wanted)[1])
    return sorted(names - set(NAMES))
