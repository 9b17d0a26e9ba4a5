"""The agent that needs nothing but glibc, on a host that Debian 12's packages are
not for: it joins, reports all that the package's would, and without libsystemd
says of which tables it could not look."""

import json

import lab

LIBRARY = "/usr/lib/x86_64-linux-gnu/libsystemd.so.0"
WHY = "Can not access a needed shared library"


def told(controller, host, query):
    said = controller.run("metsukectl", "query", query, "-o", "json", codes=(0, 3))
    return [row for row in json.loads(said)["items"] if row["host"] == host.name]


def fared(controller, host):
    """How the collectors of the host fared, as the controller has it: table to status and message."""
    return {row["table"]: (row["status"], row["message"]) for row in told(controller, host, "SELECT * FROM collections")}


def installed(controller, host, check):
    # As somebody unpacks it whose files nobody else may read.
    said = host.sh("umask 077; cd /root && tar xz --no-same-permissions -f packages/agent.tar.gz && metsuke-agent-*/install.sh")
    check("the agent for any glibc is installed by its script", said.endswith("metsuke-agent join\n"), said)
    line = controller.run("metsukectl", "token", "create").strip()
    host.sh(f"echo '{line}' | metsuke-agent join")
    lab.until("the host of another release is in the fleet", lambda: "services" in fared(controller, host))
    check("a host of another release joins with it", True)


def disabled(host, check):
    again = "systemctl disable -q --now metsuke-agent; /root/metsuke-agent-*/install.sh; systemctl is-enabled metsuke-collect.socket"
    said = host.sh(f"{again}; systemctl is-enabled metsuke-agent; systemctl is-active metsuke-agent", codes=(3,))
    check("installed again, it leaves a unit disabled that the operator has disabled",
          "metsuke-agent.service is not enabled and stays so" in said and said.endswith("enabled\ndisabled\ninactive\n"), said)
    host.sh("systemctl enable -q --now metsuke-agent")


def without_libsystemd(controller, host, check):
    before = fared(controller, host)
    found = {table: before[table] for table in ("ports", "services", "timers", "ssh_endpoints")}
    check("it tells of ports, units and SSH servers as the package does", set(found.values()) == {("ok", "")}, found)
    restart = "systemctl restart metsuke-collect.socket metsuke-collect metsuke-agent"
    host.sh(f"mkdir /root/hidden && mv {LIBRARY}* /root/hidden && {restart}")
    lab.until("it says what it lacks", lambda: WHY in fared(controller, host)["services"][1])
    after = fared(controller, host)
    changed = {table: said for table, said in after.items() if said != before[table]}
    check("without libsystemd the tables of units are unknown, and say why",
          changed == {table: ("unavailable", f"systemd: connect: {WHY}") for table in ("services", "timers")}, changed)
    rows = told(controller, host, f"SELECT * FROM gaps WHERE reason LIKE '%{WHY}'")
    check("what else would ask systemd has a gap", "sshd_options" in {row["table"] for row in rows}, rows)
    lab.until("the journal is said to be unread", lambda: WHY in controller.run("metsukectl", "events", host.name))
    check("that the journal cannot be read is an event", True)
    host.sh(f"mv /root/hidden/* {LIBRARY.rpartition('/')[0]} && {restart}")
    lab.until("with the library back all is as before", lambda: fared(controller, host) == before)
    check("with libsystemd back all is told again", True)


def removed(host, check, left):
    host.sh("/root/metsuke-agent-*/install.sh --remove")
    stays = left(host)
    check("removed by its script, it leaves configuration and state alone", stays == ["/etc/metsuke", "/var/lib/metsuke-agent"], stays)
