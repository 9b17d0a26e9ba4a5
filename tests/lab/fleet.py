"""A host that joins a fleet: the controller runs on the lab's network, and the
agent in the host reports to it as its unit."""

import json
import os
import pathlib
import subprocess
import tempfile

import lab
import scenario

ADDRESS = "198.18.0.1"


class Controller:
    """The controller's programs, on the network of a lab."""

    def __init__(self, host, binaries):
        self.host, self.bin, self.running = host, binaries, []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="metsuke-lab."))

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        at, ca = self.folder, self.bin / "metsuke-ca"
        lab.call([ca, "--state", at / "ca", "init"])
        for role, to in (("controller", "controller"), ("enrol", "enrol"), ("operator", "ctl")):
            (at / to).mkdir()
            lab.call([ca, "--state", at / "ca", "issue", role, "lab", "--out", at / to])
        (at / "store").mkdir()
        self.configure("ca", state=at / "ca", socket=at / "socket", controller_uid=os.getuid(), enrol_uid=os.getuid())
        self.configure("controller", listen=f"{ADDRESS}:7443", state=at / "store", **self.identity("controller"),
                       root=at / "controller/root.pem", authority=at / "socket", interval_seconds=60)
        self.configure("enrol", listen=f"{ADDRESS}:7444", **self.identity("enrol"), authority=at / "socket")
        self.configure("ctl", controller=f"{ADDRESS}:7443", **self.identity("ctl"), root=at / "ctl/root.pem")
        self.start("ca")
        lab.until("metsuke-ca answers", (at / "socket").exists)
        self.start("controller")
        self.start("enrol")
        lab.until("the controller answers", lambda: self.ctl("host", "list", codes=(0, 1, 2, 3)).returncode in (0, 3))

    def __exit__(self, *_):
        for program in self.running:
            program.kill()
        for program in self.running:
            program.wait()
        lab.shutil.rmtree(self.folder)

    def identity(self, role):
        return {"certificate": self.folder / role / "certificate.pem", "key": self.folder / role / "key.pem"}

    def configure(self, name, **values):
        (self.folder / f"{name}.yaml").write_text("".join(f"{k}: {v}\n" for k, v in values.items()))

    def on_network(self, *argv):
        return ["ip", "netns", "exec", f"metsuke-{self.host.lab}", *map(str, argv)]

    def start(self, name):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.running.append(subprocess.Popen(
                self.on_network(self.bin / f"metsuke-{name}", "--config", self.folder / f"{name}.yaml"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def ctl(self, *argv, codes=(0,)):
        done = subprocess.run(self.on_network(self.bin / "metsukectl", "--config", self.folder / "ctl.yaml", *argv),
                              capture_output=True, text=True)
        if done.returncode not in codes:
            raise lab.Failed(f"metsukectl {' '.join(map(str, argv))}: code {done.returncode}: {done.stderr.strip()}")
        return done


def without(controller, table, pattern):
    """The rows of the table at the controller, if none is like the pattern; what is told later than the tables is waited for."""
    known = []

    def there():
        said = controller.ctl("query", f"SELECT * FROM {table}", "-o", "jsonl").stdout
        known[:] = map(json.loads, said.splitlines())
        return any(scenario.matches(row, pattern) for row in known)

    try:
        lab.until("a row", there, 10)
    except lab.Failed:
        return [scenario.shown(row) for row in known] or ["there is no row"]
    return []


def keep_persons(controller, plan, host):
    """Puts the register in force; fingerprints are those that ssh-keygen tells."""
    rows = []
    for row in plan.persons:
        if name := row.get("key_of"):
            told = lab.call(["ssh-keygen", "-lf", str(scenario.own_key(host, name))])
            row = {"identity": told.split()[1], **{k: v for k, v in row.items() if k != "key_of"}}
        rows.append(row)
    if rows:
        (controller.folder / "persons.yaml").write_text(json.dumps({"persons": rows}))
        controller.ctl("register", "apply", controller.folder / "persons.yaml")


def joins(host, binaries, plan, report):
    """The host enrols, its agent reports from its sandbox, and the controller judges."""
    with Controller(host, binaries) as controller:
        controller.ctl("baseline", "apply", lab.SOURCE / "playbooks/baseline")
        token = controller.ctl("token", "create", "--ttl", "5m").stdout
        # The host is booted: what is written below its folder now it may not see.
        host.run("sh", "-c", f"printf 'controller: {ADDRESS}:7443\\nenrol: {ADDRESS}:7444\\n' >/etc/metsuke/agent.yaml; "
                 "install -d -o metsuke-agent -g metsuke-agent -m 0700 /var/lib/metsuke-agent")
        host.run("sh", "-c", f"echo '{token.strip()}' | runuser -u metsuke-agent -- /usr/libexec/metsuke/metsuke-agent enrol --token-file -")
        host.run("systemctl", "start", "metsuke-agent.service")
        query = ("query", "SELECT hostname FROM host", "-o", "jsonl")
        try:
            lab.until("the host reports", lambda: host.name in controller.ctl(*query, codes=(0, 1, 2, 3)).stdout)
        except lab.Failed as why:
            report.bad(str(why), host.run("journalctl", "-u", "metsuke-agent", "--no-pager").splitlines())
            return
        report.ok("the agent reports from its unit, and the controller has the tables")
        controller.ctl("ssh", "probe")
        for table, patterns in plan.at_controller.items():
            for pattern in patterns:
                report.check(f"at the controller {table} has {scenario.shown(pattern)}", without(controller, table, pattern))
        keep_persons(controller, plan, host)
        for pattern in plan.sessions:
            said = [json.loads(line) for line in controller.ctl("sessions", "-o", "jsonl").stdout.splitlines()]
            report.check(f"a session {scenario.shown(pattern)}",
                         [] if any(scenario.matches(row, pattern) for row in said) else map(scenario.shown, said))
        identity = json.loads(controller.ctl("host", "list", "-o", "json").stdout)["items"][0]["id"]
        items = json.loads(controller.ctl("posture", identity, "-o", "json", "--exit-zero").stdout)["items"]
        findings = {f["control"]: f for f in items}
        for control, verdict in (plan.verdicts | plan.verdicts_at_controller).items():
            finding = findings.get(control, {"verdict": "no such control"})
            report.check(f"at the controller {control} is {verdict}", [] if finding["verdict"] == verdict else [json.dumps(finding)])
        for line in plan.afterwards:
            try:
                host.run("bash", "-euo", "pipefail", "-c", line)
                report.ok(line)
            except lab.Failed as why:
                report.bad(line, str(why).splitlines() + host.run("journalctl", "-u", "ssh", "--no-pager").splitlines())
