"""host: the one row about the machine."""

from truth import apart, check

PRODUCT = "4b1fd26a903e4c57a8126de57308bcf1"  # kProductId of collectors/host_facts.cc


@check("host", "uname, os-release, systemd-id128, systemd-detect-virt, timedatectl", "hostname", "machine", "os_id", "os_version",
       "os_name", "kernel_running", "architecture", "booted", "platform", "virtualization", "time_zone", "init", "reboot_required",
       "kernel_installed", "package_lists_fetched")
def host(host, _):
    release = dict(line.split("=", 1) for line in host.tool("cat", "/etc/os-release").splitlines() if "=" in line)
    release = {k: v.strip('"') for k, v in release.items()}
    virtualization = host.tool("systemd-detect-virt", codes=(0, 1)).strip()
    container = host.tool("systemd-detect-virt", "-c", codes=(0, 1)).strip() != "none"
    btime = next(int(line.split()[1]) for line in host.tool("cat", "/proc/stat").splitlines() if line.startswith("btime"))
    fetched = host.tool("sh", "-c", "stat -c %Y /var/lib/apt/lists/*Release /var/lib/apt/periodic/update-success-stamp 2>/dev/null"
                        " || true").split()
    return [{
        "hostname": host.tool("uname", "-n").strip(),
        "machine": host.tool("systemd-id128", "machine-id", f"--app-specific={PRODUCT}").strip(),
        "os_id": release["ID"], "os_version": release.get("VERSION_ID", ""), "os_name": release["PRETTY_NAME"],
        "kernel_running": host.tool("uname", "-r").strip(),
        "architecture": host.tool("uname", "-m").strip(),
        "booted": btime // 60 * 60,
        "platform": "container" if container else "machine" if virtualization == "none" else "vm",
        "virtualization": virtualization,
        "time_zone": host.tool("timedatectl", "show", "-p", "Timezone", "--value").strip(),
        "init": host.tool("ps", "-o", "comm=", "-p", "1").strip(),
        "reboot_required": host.tool("sh", "-c", "test -e /run/reboot-required && echo yes || true").strip() == "yes",
        "kernel_installed": "",  # a container boots no kernel of its own
        "package_lists_fetched": max(map(int, fetched), default=0) // 3600 * 3600,
    }]


apart("host", clock_synchronized="nspawn forbids adjtimex(2) inside, so timedatectl does not know either")
