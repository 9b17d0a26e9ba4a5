"""A booted host with Metsuke on it, as a test sees it."""

import functools
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
LIBEXEC = "usr/libexec/metsuke"
LIBRARIES = "opt/metsuke/lib"
# Libraries of the C library must be the host's own; all else a program needs
# is taken along, and a library the host has goes before ours.
OF_GLIBC = re.compile(r"^(ld-linux|libc|libm|libdl|libpthread|librt|libresolv)\b")


INSIDE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}


class Failed(Exception):
    """What went wrong, in a sentence for whoever runs the tests."""


def call(argv, **options):
    """What a program on this machine prints."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, **options)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, argv))}: code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def messages(schema):
    """Classes of the messages in a FileDescriptorSet, by name."""
    files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(schema).read_bytes()).file
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    names = ("Collected", "Snapshot")
    return {n: factory.GetPrototype(pool.FindMessageTypeByName(f"metsuke.v1.{n}")) for n in names}


class Host:
    """A host of a lab; the lab is ended by close()."""

    def __init__(self, lab, name, suite="bookworm", packages=()):
        self.lab, self.name, self.suite = lab, name, suite
        self.asked = {}
        self.address = None
        try:
            self.root = pathlib.Path(call([HERE / "host", "make", lab, name, "--suite", suite, "--packages",
                                           " ".join(packages), "--owner", os.getpid()]).strip())
        except BaseException:
            self.close()
            raise

    def boot(self):
        self.address = call([HERE / "host", "boot", self.lab, self.name]).strip()

    def close(self):
        call([HERE / "host", "down", self.lab])

    def write(self, path, text, mode=0o644):
        at = self.root / path.lstrip("/")
        # An absolute link of the host's leads to this machine's files.
        if not at.resolve().is_relative_to(self.root.resolve()):
            raise Failed(f"{path}: a link leads out of the host's folder; write to where it points")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text)
        at.chmod(mode)

    def before_boot(self, *argv):
        """Runs a program of the host's in its folder, as root."""
        return call(["chroot", self.root, *argv], env=INSIDE)

    def run(self, *argv, codes=(0,)):
        """What a program prints inside the booted host, as root and outside any sandbox."""
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-a", *argv], capture_output=True, text=True,
                              errors="surrogateescape", stdin=subprocess.DEVNULL, env=INSIDE)
        if done.returncode not in codes:
            raise Failed(f"{self.name}: {' '.join(argv)}: code {done.returncode}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def tool(self, *argv, codes=(0,)):
        """The same for a tool the truth is asked of: asked once for each look."""
        if argv not in self.asked:
            self.asked[argv] = self.run(*argv, codes=codes)
        return self.asked[argv]

    def forget(self):
        self.asked.clear()

    @functools.cached_property
    def heartbeat(self):
        """The number in the lines that were given to syslog(3) as the agent does; see collectors/heartbeat_line.h."""
        number = time.time_ns()
        for facility in ("daemon", "authpriv"):
            self.run("logger", "-t", "metsuke-agent", "-p", f"{facility}.info", f"heartbeat {facility} {number:016x}")
        return number

    @functools.cached_property
    def leader(self):
        return int((self.root.parent / "leader").read_text().split()[0])


def put_programs(host, binaries):
    """Installs collector and agent as a package would: units, users, configuration."""
    libexec, libraries = host.root / LIBEXEC, host.root / LIBRARIES
    libexec.mkdir(parents=True)
    libraries.mkdir(parents=True)
    for name in ("metsuke-collect", "metsuke-apt", "metsuke-agent", "metsuke-probe"):
        shutil.copy(binaries / name, libexec / name)
        for line in call(["ldd", binaries / name]).splitlines():
            soname, arrow, path, *_ = line.split() + ["", "", ""]
            if arrow == "=>" and path.startswith("/") and not OF_GLIBC.match(soname):
                if not (libraries / soname).exists():
                    shutil.copy(path, libraries / soname)
    host.write("/etc/ld.so.conf.d/zz-metsuke.conf", f"/{LIBRARIES}\n")
    host.before_boot("ldconfig")
    for unit in ("metsuke-agent.service", "metsuke-collect.service", "metsuke-collect.socket"):
        shutil.copy(SOURCE / "packaging/systemd" / unit, host.root / "usr/lib/systemd/system")
    host.write("/usr/lib/sysusers.d/metsuke-agent.conf", (SOURCE / "packaging/systemd/metsuke-agent.sysusers").read_text())
    host.before_boot("systemd-sysusers")
    for name in ("agent.yaml", "collect.yaml"):
        host.write(f"/etc/metsuke/{name}", (SOURCE / "packaging/etc" / name).read_text())
    host.before_boot("systemctl", "enable", "-q", "metsuke-collect.socket", "metsuke-agent.service")


def agent_uid(host):
    for line in (host.root / "etc/passwd").read_text().splitlines():
        if line.startswith("metsuke-agent:"):
            return int(line.split(":")[2])
    raise Failed("the host has no account metsuke-agent")


def judged(raw, binaries, baseline):
    """What metsukectl says of the very bytes that a collector sent, control by control."""
    with tempfile.TemporaryDirectory() as folder:
        tables, program = pathlib.Path(folder, "tables"), pathlib.Path(folder, "collect")
        tables.write_bytes(raw)
        program.write_text(f"#!/bin/sh\nexec cat {tables}\n")
        program.chmod(0o755)
        return json.loads(call([binaries / "metsukectl", "-o", "json", "--exit-zero", "audit-local", "--collect", program,
                                "--baseline", baseline]))["items"]


@contextmanager
def as_user(uid):
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


MAGIC = 0x4B53544D


def ask(host, uid, mask, patience=60, position=b"", heartbeat=0):
    """The bytes of a Collected, asked as `uid` over the socket; see collectors/channel.h."""
    folder = os.open(f"/proc/{host.leader}/root/run/metsuke-collect", os.O_PATH)
    before = os.open(".", os.O_PATH)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.settimeout(patience)
    try:
        os.fchdir(folder)  # its path leads through what only root may enter
        with as_user(uid):
            link.connect("socket")
        link.send(struct.pack("=IIQQ96s", MAGIC, 4, mask, heartbeat, position))
        parts, total = b"", None
        while total is None or len(parts) < total:
            packet = link.recv(1 << 16)
            if not packet:
                raise Failed("metsuke-collect closed the connection without an answer")
            magic, kind, total = struct.unpack("=IIQ", packet[:16])
            if magic != MAGIC or kind != 0:
                raise Failed(f"metsuke-collect refused: {packet[16:]!r}")
            parts += packet[16:]
        return parts
    finally:
        link.close()
        os.fchdir(before)
        os.close(folder)
        os.close(before)


def snapshot(host, classes):
    """What the collector in the host says now: the snapshot, and the bytes it came in."""
    tables = classes["Snapshot"].DESCRIPTOR.fields
    tables_by_name = classes["Snapshot"].DESCRIPTOR.fields_by_name
    mask = sum(1 << f.number for f in tables if f.name not in ("collections", "gaps"))
    if "heartbeat" not in vars(host):
        # A line may be late: only the second look says that one was missed.
        ask(host, agent_uid(host), 1 << tables_by_name["log_heartbeats"].number, heartbeat=host.heartbeat)
    raw = ask(host, agent_uid(host), mask, heartbeat=host.heartbeat)
    whole = classes["Snapshot"]()
    for table in classes["Collected"].FromString(raw).tables:
        whole.MergeFromString(table.canonical)
    return whole, raw


def until(what, test, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():
            return
        time.sleep(0.1)
    raise Failed(f"{what}: not within {seconds} seconds")
