#include "controller/export/junit.h"

#include <fmt/format.h>

#include <pugixml.hpp>

#include "controller/export/xml.h"
#include "proto/instant.h"
#include "proto/text.h"

namespace metsuke {
namespace {

struct Counts {
  int tests = 0, failures = 0, errors = 0, skipped = 0;
};

// In UTC without saying so, as the schema of Ant's reports has it.
std::string Timestamp(int64_t instant) {
  std::string text = Rfc3339(instant);
  if (text.ends_with('Z')) text.pop_back();
  return text;
}

pugi::xml_node AddCase(pugi::xml_node& suite, const std::string& host,
                       const std::string& name, Counts& counts) {
  ++counts.tests;
  pugi::xml_node made = suite.append_child("testcase");
  SetText(made, "classname", host);
  SetText(made, "name", name);
  // Who reads it wants to know; nobody measured it.
  SetText(made, "time", "0");
  return made;
}

void AddOutcome(pugi::xml_node& made, const char* kind, const std::string& type,
                const std::string& message, const std::string& text) {
  pugi::xml_node outcome = AddText(made, kind, text);
  SetText(outcome, "type", type);
  SetText(outcome, "message", message);
}

void AddFailure(pugi::xml_node& made, const v1::Finding& finding) {
  const std::string severity = EnumText(
      v1::Severity_descriptor()->FindValueByNumber(finding.severity()));
  const uint64_t rows = static_cast<uint64_t>(finding.evidence().rows_size()) +
                        finding.evidence().omitted();
  // The lines are safe already.
  const std::string lines =
      fmt::format("{}", fmt::join(EvidenceLines(finding.evidence()), "\n"));
  pugi::xml_node outcome = made.append_child("failure");
  SetText(outcome, "type", severity);
  SetText(outcome, "message",
          fmt::format("{}: {} {}, severity {}",
                      fmt::join(finding.statements(), " "), rows,
                      rows == 1 ? "violation" : "violations", severity));
  outcome.text().set(lines.c_str());
}

void AddFinding(pugi::xml_node& suite, const std::string& host,
                const v1::Finding& finding, const Words& words,
                Counts& counts) {
  pugi::xml_node made =
      AddCase(suite, host, finding.control() + ": " + words.In(finding.title()),
              counts);
  switch (finding.verdict()) {
    case v1::VERDICT_PASS:
      return;
    case v1::VERDICT_NOT_APPLICABLE:
      ++counts.skipped;
      made = made.append_child("skipped");
      SetText(made, "message", "not applicable: " + finding.reason());
      return;
    case v1::VERDICT_FAIL:
      if (finding.waiver().empty()) {
        ++counts.failures;
        AddFailure(made, finding);
      } else {
        ++counts.skipped;
        made = made.append_child("skipped");
        made.append_attribute("message").set_value(WaiverLine(finding).c_str());
      }
      return;
    default:
      ++counts.errors;
      AddOutcome(made, "error", "unknown", finding.reason(), finding.reason());
  }
}

void AddStale(pugi::xml_node& suite, const HostFindings& host, Counts& counts) {
  pugi::xml_node made =
      AddCase(suite, host.posture.host(), "metsuke: the host reports", counts);
  ++counts.errors;
  AddOutcome(made, "error", "stale",
             host.posture.last_seen() == 0
                 ? "it has never reported"
                 : "last heard of at " + Rfc3339(host.posture.last_seen()),
             "The other cases tell what was so then.");
}

void AddProperties(pugi::xml_node& suite, const HostFindings& host,
                   const v1::ExportHead& head) {
  pugi::xml_node properties = suite.append_child("properties");
  const auto add = [&](const char* name, const std::string& value) {
    pugi::xml_node property = properties.append_child("property");
    SetText(property, "name", name);
    SetText(property, "value", value);
  };
  const v1::HostPosture& posture = host.posture;
  add("id", host.host.id());
  add("os_name", host.host.os_name());
  add("labels", fmt::format("{}", fmt::join(host.host.labels(), ",")));
  add("baseline", head.baseline());
  // Without a score there is none to tell.
  if (posture.score() >= 0) {
    add("score", fmt::format("{:.1f}", posture.score()));
    add("score_without_waivers",
        fmt::format("{:.1f}", posture.score_without_waivers()));
  }
  add("coverage", fmt::format("{:.1f}", posture.coverage()));
  add("last_seen",
      posture.last_seen() == 0 ? "" : Rfc3339(posture.last_seen()));
  add("stale", posture.stale() ? "true" : "false");
}

}  // namespace

std::string JunitBegin() {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<testsuites name=\"metsuke\">\n";
}

std::string JunitHost(const HostFindings& host, const v1::ExportHead& head,
                      Language language) {
  const Words words(language);
  const std::string& name = host.posture.host();
  pugi::xml_document document;
  pugi::xml_node suite = document.append_child("testsuite");
  AddProperties(suite, host, head);
  Counts counts;
  if (host.posture.stale()) AddStale(suite, host, counts);
  for (const v1::Finding& finding : host.findings)
    AddFinding(suite, name, finding, words, counts);
  SetText(suite, "name", name);
  SetText(suite, "hostname", name);
  SetText(suite, "package", "metsuke");
  SetText(suite, "timestamp", Timestamp(head.at()));
  SetText(suite, "time", "0");
  suite.append_attribute("tests") = counts.tests;
  suite.append_attribute("failures") = counts.failures;
  suite.append_attribute("errors") = counts.errors;
  suite.append_attribute("skipped") = counts.skipped;
  return PrintXml(document, 1);
}

std::string JunitEnd() { return "</testsuites>\n"; }

}  // namespace metsuke
