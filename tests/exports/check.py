#!/usr/bin/env python3
"""Reads what metsukectl exports as others read it, with nothing of ours, and
holds it against what the formats ask for. Prints what it read, a JSON document.
    check.py junit|xccdf|ocsf|metrics FILE
"""

import collections
import json
import re
import sys
import xml.etree.ElementTree as ElementTree


def want(holds, what):
    if not holds:
        sys.exit(f"{sys.argv[1]}: {what}")


# What Ant and Jenkins let an element have: attributes that must be there,
# attributes that may, and children.
JUNIT = {
    "testsuites": ((), ("name", "tests", "failures", "errors", "time", "disabled"), ("testsuite",)),
    "testsuite": (("name", "tests", "failures", "errors", "time", "timestamp", "hostname"),
                  ("skipped", "package", "id"), ("properties", "testcase", "system-out", "system-err")),
    "properties": ((), (), ("property",)),
    "property": (("name", "value"), (), ()),
    "testcase": (("name", "classname", "time"), (), ("skipped", "error", "failure")),
    "skipped": ((), ("message", "type"), ()),
    "error": (("type",), ("message",), ()),
    "failure": (("type",), ("message",), ()),
}


def junit(path):
    root = ElementTree.parse(path).getroot()
    want(root.tag == "testsuites", f"begins with {root.tag}")
    for element in root.iter():
        want(element.tag in JUNIT, f"no element is called {element.tag}")
        must, may, children = JUNIT[element.tag]
        for name in must:
            want(name in element.attrib, f"{element.tag} without {name}")
        for name in element.attrib:
            want(name in must + may, f"{element.tag} with {name}")
        for child in element:
            want(child.tag in children, f"{child.tag} in {element.tag}")
    suites = []
    for suite in root:
        want(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")), "the timestamp of a suite")
        cases = {}
        for case in suite.iter("testcase"):
            want(len(case) <= 1, "a case with two outcomes")
            want(case.get("name") not in cases, "two cases of a name")
            outcome = case[0].tag if len(case) else "passed"
            text = (case[0].text or "") if len(case) else ""
            cases[case.get("name")] = {"outcome": outcome, "classname": case.get("classname"),
                                       "message": case[0].get("message", "") if len(case) else "", "text": text}
        counted = collections.Counter(case["outcome"] for case in cases.values())
        for name, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            want(int(suite.get(name)) == counted[outcome], f"{name} of a suite")
        want(int(suite.get("tests")) == len(cases), "tests of a suite")
        suites.append({"host": suite.get("name"), "cases": cases,
                       "properties": {p.get("name"): p.get("value") for p in suite.iter("property")}})
    return suites


XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
# What the flat model counts; the others it leaves out.
COUNTED = ("pass", "fixed", "fail", "error", "unknown")


def xccdf(path):
    root = ElementTree.parse(path).getroot()
    want(root.tag == XCCDF + "Benchmark", f"begins with {root.tag}")
    rules = {rule.get("id"): rule for rule in root.iter(XCCDF + "Rule")}
    languages = {title.get("{http://www.w3.org/XML/1998/namespace}lang")
                 for rule in rules.values() for title in rule.findall(XCCDF + "title")}
    hosts = []
    for result in root.iter(XCCDF + "TestResult"):
        results, scores = {}, {}
        passed = counted = 0
        for one in result.iter(XCCDF + "rule-result"):
            want(one.get("idref") in rules, f"a result of {one.get('idref')}, which is no rule")
            text = one.findtext(XCCDF + "result")
            if text in COUNTED:
                counted += float(one.get("weight"))
                passed += float(one.get("weight")) if text in ("pass", "fixed") else 0
            results[one.get("idref").split("_rule_")[1]] = {
                "result": text, "role": one.get("role"),
                "messages": [message.text or "" for message in one.findall(XCCDF + "message")]}
        for score in result.findall(XCCDF + "score"):
            scores[score.get("system")] = [float(score.text), float(score.get("maximum"))]
        want(scores["urn:xccdf:scoring:flat"] == [passed, counted], "the score of the flat model")
        hosts.append({"host": result.findtext(XCCDF + "target"), "id": result.get("id"), "scores": scores,
                      "remark": result.findtext(XCCDF + "remark"), "results": results,
                      "facts": {fact.get("name"): fact.text for fact in result.iter(XCCDF + "fact")}})
    return {"rules": len(rules), "languages": sorted(languages), "hosts": hosts}


# Class 2003 of OCSF 1.5.0, from schema.ocsf.io: the attributes it must have,
# those it may have that we use, and the values of those that are enumerated.
# A dot leads into an object.
OCSF_MUST = ("activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata", "finding_info",
             "compliance", "metadata.version", "metadata.product", "finding_info.uid")
OCSF_TYPES = {
    "activity_name": str, "category_name": str, "class_name": str, "type_name": str, "severity": str, "status": str,
    "message": str, "time": int, "type_uid": int, "resources": list, "evidences": list, "unmapped": dict,
    "metadata.version": str, "metadata.product.name": str, "metadata.product.vendor_name": str,
    "metadata.product.version": str, "metadata.product.lang": str, "finding_info.uid": str, "finding_info.title": str,
    "finding_info.types": list, "finding_info.last_seen_time": int, "compliance.control": str, "compliance.desc": str,
    "compliance.standards": list, "compliance.requirements": list, "compliance.status": str,
    "compliance.status_details": list,
}
OCSF_VALUES = {
    "activity_id": {0: "Unknown", 1: "Create", 2: "Update", 3: "Close", 99: None},
    "category_uid": {2: "Findings"},
    "class_uid": {2003: "Compliance Finding"},
    "severity_id": {0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical", 6: "Fatal",
                    99: None},
    "status_id": {0: "Unknown", 1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved", 5: "Archived", 99: None},
    "compliance.status_id": {0: "Unknown", 1: "Pass", 2: "Warning", 3: "Fail", 99: None},
}
OCSF_OBJECTS = ("metadata", "metadata.product", "finding_info", "compliance")
OCSF_CAPTIONS = {"activity_id": "activity_name", "category_uid": "category_name", "class_uid": "class_name"}
OCSF_RESOURCE = {"uid": str, "name": str, "hostname": str, "type": str, "labels": list, "ip": str}


def flat(value, prefix=""):
    for key, child in value.items():
        yield prefix + key, child
        if prefix + key in OCSF_OBJECTS:
            yield from flat(child, prefix + key + ".")


def ocsf(path):
    events = []
    with open(path, "rb") as file:
        raw = file.read()
    want(not raw or raw.endswith(b"\n"), "the last line has no end")
    want(all(byte == 10 or 32 <= byte < 127 for byte in raw), "a byte that is not ASCII")
    for line in raw.splitlines():
        event = json.loads(line)
        have = dict(flat(event))
        for name in OCSF_MUST:
            want(name in have, f"an event without {name}")
        for name, value in have.items():
            want(name in OCSF_TYPES or name in OCSF_VALUES or name in OCSF_OBJECTS, f"an event with {name}")
            if name in OCSF_TYPES:
                want(type(value) is OCSF_TYPES[name], f"{name} is {value!r}")
            if name in OCSF_VALUES:
                want(value in OCSF_VALUES[name], f"{name} is {value!r}")
                caption = have[OCSF_CAPTIONS.get(name, name.removesuffix("_id"))]
                want(OCSF_VALUES[name][value] in (None, caption), f"{name} is {value} and {caption}")
        want(event["type_uid"] == event["class_uid"] * 100 + event["activity_id"], "type_uid")
        want(10**12 < event["time"] < 10**13, "the time is not in milliseconds")
        want(event["metadata"]["version"] == "1.5.0", "the version")
        for resource in event["resources"]:
            for name, value in resource.items():
                want(type(value) is OCSF_RESOURCE.get(name), f"resources.{name} is {value!r}")
        for evidence in event.get("evidences", ()):
            want(set(evidence) == {"data"} and type(evidence["data"]) is dict, "evidences")
        events.append(event)
    uids = collections.Counter(event["finding_info"]["uid"] for event in events)
    want(all(count == 1 for count in uids.values()), "two findings of a uid")
    return events


# The text format of Prometheus, version 0.0.4.
SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"')
ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}


def metrics(path):
    samples, described = {}, set()
    with open(path, encoding="utf-8", newline="") as file:
        for line in file.read().split("\n"):
            if not line:
                continue
            if line.startswith("#"):
                described.add(tuple(line.split(" ", 3)[1:3]))
                continue
            match = SAMPLE.fullmatch(line)
            want(match, f"no sample: {line}")
            name, labels, value = match.groups()
            want(("HELP", name) in described and ("TYPE", name) in described, f"{name} is not described")
            read = {key: re.sub(r'\\["\\n]', lambda m: ESCAPES[m[0]], text)
                    for key, text in LABEL.findall(labels or "")}
            want(not ("host" in read and "control" in read), f"{name} of hosts and controls")
            key = name + json.dumps(read, sort_keys=True, ensure_ascii=False)
            want(key not in samples, f"two samples {key}")
            samples[key] = float(value)
    return samples


if __name__ == "__main__":
    json.dump(globals()[sys.argv[1]](sys.argv[2]), sys.stdout, ensure_ascii=False)
    print()
