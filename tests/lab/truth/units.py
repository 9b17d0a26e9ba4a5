"""services and timers: what systemctl says."""

import json
import re

from truth import check


def _units(host, suffix):
    """Units in memory, and unit files that nothing has made systemd load."""
    found = {}
    kind = suffix.removeprefix(".")
    listed = json.loads(host.tool("systemctl", "list-units", "--all", f"--type={kind}", "-o", "json"))
    states = _states(host, [unit["unit"] for unit in listed])
    for unit in listed:
        found[unit["unit"]] = {"name": unit["unit"], "load": unit["load"], "active": unit["active"], "sub": unit["sub"],
                               "description": unit["description"], "enabled": states[unit["unit"]]}
    for file in json.loads(host.tool("systemctl", "list-unit-files", f"--type={kind}", "-o", "json")):
        name, state = file["unit_file"], file["state"]
        # A second name of a unit that is there under its first.
        if state == "alias" or name in found:
            continue
        # systemctl lists a file with no state of a unit; it is inactive, and
        # only a masked one needs no load for that to be known.
        found[name] = {"name": name, "load": "masked" if state.startswith("masked") else "", "active": "inactive", "sub": "dead",
                       "description": "", "enabled": state}
    return found


def _states(host, names):
    """The state of each unit's file; none for a unit without one."""
    said = host.tool("systemctl", "show", "-p", "Id", "-p", "UnitFileState", "--", *names)
    pairs = [dict(line.split("=", 1) for line in part.splitlines()) for part in said.strip().split("\n\n")]
    return {name: pair["UnitFileState"] for name, pair in zip(names, pairs, strict=True)}


@check("services", "systemctl list-units and list-unit-files", "name", "load", "enabled", "active", "sub", "description")
def services(host, _):
    return list(_units(host, ".service").values())


@check("timers", "systemctl list-timers, show and cat", "name", "unit", "enabled", "active", "schedule", "persistent", "last_run")
def timers(host, _):
    units, found = _units(host, ".timer"), []
    said = host.tool("systemctl", "show", "--timestamp=unix", "-p", "Unit", "-p", "TimersCalendar", "-p", "TimersMonotonic", "-p",
                     "Persistent", "-p", "LastTriggerUSec", "--", *units)
    for unit, part in zip(units.values(), said.strip().split("\n\n"), strict=True):
        # systemctl names a span by its property on the bus, which counts in microseconds.
        schedule = [f"{kind.replace('USec', 'Sec')}={value}"
                    for kind, value in re.findall(r"^Timers\w+=\{ (\w+)=(.*?) ;", part, re.M)]
        last = re.search(r"^LastTriggerUSec=@(\d+)", part, re.M)
        found.append({"name": unit["name"], "unit": (re.search(r"^Unit=(.*)", part, re.M) or ["", ""])[1],
                      "enabled": unit["enabled"], "active": unit["active"], "schedule": "; ".join(schedule),
                      "persistent": "Persistent=yes" in part, "last_run": int(last[1]) // 3600 * 3600 if last else 0})
    return found
