"""Every table against an independent tool of the host, row by row.

A check says which columns a tool knows, and turns the tool's words into rows of
these columns; the rows must be the same set. Where the tool counts or words
something differently, the code that evens it out says why. A column no tool
knows stands in APART with the reason; a column that stands nowhere fails, so
that no new one goes unchecked."""

import dataclasses
import time
import typing

CHECKS = []
APART = {}


def rows(snapshot, table):
    """The rows of a table as dictionaries, defaults included."""
    return [{f.name: list(v) if f.label == f.LABEL_REPEATED else v
             for f in row.DESCRIPTOR.fields for v in [getattr(row, f.name)]}
            for row in getattr(snapshot, table)]


class Looks:
    """What the collector says: the first look, until a fresh one is asked for."""

    def __init__(self, host, look, first):
        self.host, self.look, self.seen = host, look, first

    def __call__(self):
        return self.seen

    def again(self):
        self.host.forget()
        self.seen = self.look()


@dataclasses.dataclass
class Check:
    table: str
    tool: str
    columns: tuple
    truth: typing.Callable  # (host, snapshot) -> rows of the tool
    each: typing.Callable  # a row of the table -> that row in the tool's words, or None where the tool has no such row
    ours: typing.Callable  # (host, rows) -> rows in the tool's words; where rows do not answer one to one
    keys: tuple  # what the rows in the tool's words have in place of the columns
    suites: tuple
    may_be_empty: bool  # whether a host may have nothing of the kind; a scenario then must have some

    def frozen(self, listed):
        return {tuple((c, _hashable(row[c])) for c in self.keys or self.columns) for row in listed}

    def said(self, host, listed):
        """Rows of the table in the tool's words."""
        listed = list(filter(None, map(self.each, listed)))
        return self.frozen(self.ours(host, listed) if self.ours else listed)

    def sets(self, host, snapshot):
        truth = self.frozen(self.truth(host, snapshot))
        return truth, self.said(host, rows(snapshot, self.table))

    def differences(self, host, looks):
        """Lines; none when both say the same. A host changes while it is looked at: what differs thrice differs."""
        for attempt in range(3):
            if attempt:
                time.sleep(0.2)
                looks.again()
            truth, ours = self.sets(host, looks())
            if truth == ours:
                return [] if truth or self.may_be_empty else ["the tool said nothing"]
        return ([f"only the tool:  {_shown(r)}" for r in sorted(truth - ours, key=repr)] +
                [f"only the table: {_shown(r)}" for r in sorted(ours - truth, key=repr)])

    def unseen(self, host, looks):
        """Columns of the table's first row in which a wrong value would not be seen, and whether a lost row would not."""
        listed = rows(looks(), self.table)
        if not listed and self.may_be_empty:
            return []
        truth = self.frozen(self.truth(host, looks()))
        lines = []
        for column in self.columns:
            if not any(self.said(host, listed[:i] + [_wrong(row, column)] + listed[i + 1:]) != truth
                       for i, row in enumerate(listed)):
                lines.append(f"{column}: every value would pass")
        if not any(self.said(host, listed[:i] + listed[i + 1:]) != truth for i in range(len(listed))):
            lines.append("a row that is missing would pass")
        return lines


def _wrong(row, column):
    value = row[column]
    if isinstance(value, bool):
        return row | {column: not value}
    if isinstance(value, int):
        return row | {column: value + 86400 * 7}
    return row | {column: value + ["wrong"] if isinstance(value, list) else value + "wrong"}


def _hashable(value):
    return tuple(value) if isinstance(value, list) else value


def _shown(row):
    return " ".join(f"{k}={v!r}" for k, v in row)


def check(table, tool, *columns, each=lambda row: row, ours=None, keys=(), suites=("bookworm", "trixie"), may_be_empty=False):
    def register(function):
        CHECKS.append(Check(table, tool, columns, function, each, ours, keys, suites, may_be_empty))
        return function
    return register


def apart(table, **reasons):
    APART.setdefault(table, {}).update(reasons)


def forgotten(snapshot_class):
    """Columns that no check compares and that APART does not explain."""
    missing = []
    for field in snapshot_class.DESCRIPTOR.fields:
        known = {c for check in CHECKS if check.table == field.name for c in check.columns} | set(APART.get(field.name, {}))
        missing += [f"{field.name}.{f.name}" for f in field.message_type.fields if f.name not in known and "*" not in known]
    return missing


from truth import accounts, host, logs, network, packages, passwords, ssh, syslog, units, web  # noqa: E402,F401  they register themselves

apart("collections", **{"*": "what the collectors say of themselves; a scenario expects each"})
apart("gaps", **{"*": "a scenario lists those that may be"})
for _table in ("ssh_endpoints", "ssh_algorithms", "ssh_host_keys", "ssh_endpoints_outside", "gaps_outside"):
    apart(_table, **{"*": "the agent fills it, not the collector; unit tests compare it with sshd -T and ssh-keygen, a fleet expects rows"})
apart("labels", **{"*": "operators give them; the host knows nothing of them"})
apart("login_sources", **{"*": "the controller makes it from events; a scenario expects rows of real logins"})
apart("audit_status", **{"*": "the kernel's audit does not answer in a container (audit_receive_msg of kernel/audit.c asks for "
                              "the first process namespace)"})
for _table in ("audit_rules", "audit_coverage"):
    apart(_table, **{"*": "as audit_status"})
