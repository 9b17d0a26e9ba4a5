#include "controller/export/xccdf.h"

#include <fmt/format.h>

#include <pugixml.hpp>

#include "controller/export/xml.h"
#include "controller/judge/score.h"
#include "proto/instant.h"
#include "proto/version.h"

namespace metsuke {
namespace {

constexpr char kBenchmark[] = "xccdf_metsuke_benchmark_baseline";

std::string RuleId(const std::string& control) {
  return "xccdf_metsuke_rule_" + control;
}

// XCCDF knows nothing above "high"; the weight tells them apart.
const char* SeverityText(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_CRITICAL:
    case v1::SEVERITY_HIGH:
      return "high";
    case v1::SEVERITY_MEDIUM:
      return "medium";
    case v1::SEVERITY_LOW:
      return "low";
    default:
      return "unknown";
  }
}

const char* ResultText(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_PASS:
      return "pass";
    case v1::VERDICT_FAIL:
      return "fail";
    case v1::VERDICT_NOT_APPLICABLE:
      return "notapplicable";
    default:
      return "unknown";
  }
}

// What decides is a query of ours, which no other program can run.
void AddCheck(pugi::xml_node& parent, const std::string& control) {
  pugi::xml_node check = parent.append_child("check");
  SetText(check, "system", "urn:metsuke:control");
  pugi::xml_node reference = check.append_child("check-content-ref");
  SetText(reference, "href", "urn:metsuke:control:" + control);
}

void AddTexts(pugi::xml_node& parent, const char* name, const v1::Text& text) {
  for (const auto& [language, sentence] :
       {std::pair("en", &text.en()), {"ja", &text.ja()}}) {
    if (sentence->empty()) continue;
    pugi::xml_node made = AddText(parent, name, *sentence);
    SetText(made, "xml:lang", language);
  }
}

void AddRule(pugi::xml_node& benchmark, const v1::Control& control) {
  pugi::xml_node rule = benchmark.append_child("Rule");
  SetText(rule, "id", RuleId(control.id()));
  SetText(rule, "severity", SeverityText(control.severity()));
  rule.append_attribute("weight") = Weight(control.severity());
  AddTexts(rule, "title", control.title());
  for (const std::string& statement : control.statements()) {
    pugi::xml_node reference = AddText(rule, "reference", statement);
    SetText(reference, "href", "urn:metsuke:statement");
  }
  AddTexts(rule, "rationale", control.why());
  AddTexts(rule, "fixtext", control.fix());
  AddCheck(rule, control.id());
}

void AddFacts(pugi::xml_node& result, const HostFindings& host) {
  pugi::xml_node facts = result.append_child("target-facts");
  const auto add = [&](const char* name, const char* type,
                       const std::string& value) {
    if (value.empty()) return;
    pugi::xml_node fact = AddText(facts, "fact", value);
    SetText(fact, "name", name);
    SetText(fact, "type", type);
  };
  const v1::HostPosture& posture = host.posture;
  add("urn:xccdf:fact:asset:identifier:host_name", "string", posture.host());
  add("urn:xccdf:fact:asset:identifier:guid", "string", host.host.id());
  add("urn:metsuke:fact:os_name", "string", host.host.os_name());
  for (const std::string& label : host.host.labels())
    add("urn:metsuke:fact:label", "string", label);
  add("urn:metsuke:fact:coverage", "number",
      fmt::format("{:.2f}", posture.coverage()));
  if (posture.last_seen() != 0)
    add("urn:metsuke:fact:last_seen", "string", Rfc3339(posture.last_seen()));
  add("urn:metsuke:fact:stale", "boolean", posture.stale() ? "true" : "false");
}

// The text is safe already.
void AddMessage(pugi::xml_node& result, const char* severity,
                const std::string& text) {
  pugi::xml_node message = result.append_child("message");
  SetText(message, "severity", severity);
  message.text().set(text.c_str());
}

// A failure that is waived is told as the specification has rules that are
// checked and not scored. Its `override` would say more; but the Schematron
// that comes with it, and validators hold documents against, then wants one in
// each result of the host.
void AddResult(pugi::xml_node& results, const v1::Finding& finding) {
  pugi::xml_node result = results.append_child("rule-result");
  SetText(result, "idref", RuleId(finding.control()));
  SetText(result, "severity", SeverityText(finding.severity()));
  result.append_attribute("weight") = Weight(finding.severity());
  const bool waived = !finding.waiver().empty();
  if (waived) SetText(result, "role", "unscored");
  AddText(result, "result",
          waived ? "informational" : ResultText(finding.verdict()));
  if (waived) AddMessage(result, "warning", "fail, " + WaiverLine(finding));
  if (!finding.reason().empty())
    AddMessage(result,
               finding.verdict() == v1::VERDICT_UNKNOWN ? "error" : "info",
               XmlText(finding.reason()));
  for (const std::string& line : EvidenceLines(finding.evidence()))
    AddMessage(result, "info", line);
  AddCheck(result, finding.control());
}

void AddScore(pugi::xml_node& result, const char* system, double score,
              double maximum) {
  pugi::xml_node made = AddText(result, "score", fmt::format("{:.2f}", score));
  SetText(made, "system", system);
  SetText(made, "maximum", fmt::format("{:.2f}", maximum));
}

// The flat model of the specification, and our own, which counts what is waived
// as passed. Unknown is never passed in either.
void AddScores(pugi::xml_node& result, const HostFindings& host) {
  int passed = 0, counted = 0;
  for (const v1::Finding& finding : host.findings) {
    if (finding.verdict() == v1::VERDICT_NOT_APPLICABLE ||
        !finding.waiver().empty())
      continue;
    counted += Weight(finding.severity());
    if (finding.verdict() == v1::VERDICT_PASS)
      passed += Weight(finding.severity());
  }
  AddScore(result, "urn:xccdf:scoring:flat", passed, counted);
  if (host.posture.score() < 0) return;
  AddScore(result, "urn:metsuke:scoring:score", host.posture.score(), 100);
  AddScore(result, "urn:metsuke:scoring:without-waivers",
           host.posture.score_without_waivers(), 100);
}

}  // namespace

std::string XccdfBegin(const v1::BaselineReply& baseline) {
  pugi::xml_document document;
  AddText(document, "status", "accepted");
  v1::Text title, description;
  title.set_en("Metsuke baseline");
  title.set_ja("Metsuke ベースライン");
  description.set_en("What servers of the fleet are held against.");
  description.set_ja("対象のサーバーが満たすべき状態。");
  AddTexts(document, "title", title);
  AddTexts(document, "description", description);
  // No platform, which means all: controls say themselves where they apply.
  // (And oscap 1.3.7 takes a document for invalid of which its Schematron has
  // nothing at all to say; of this it warns.)
  pugi::xml_node version = AddText(document, "version", baseline.version());
  SetText(version, "time", Rfc3339(baseline.applied()));
  pugi::xml_node metadata = document.append_child("metadata");
  SetText(metadata, "xmlns:dc", "http://purl.org/dc/elements/1.1/");
  AddText(metadata, "dc:source", fmt::format("Metsuke {}", kVersion));
  if (!baseline.by().empty()) AddText(metadata, "dc:creator", baseline.by());
  pugi::xml_node model = document.append_child("model");
  SetText(model, "system", "urn:xccdf:scoring:flat");
  for (const v1::Control& control : baseline.baseline().controls())
    AddRule(document, control);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<Benchmark xmlns=\"http://checklists.nist.gov/xccdf/1.2\" id=\"{}\" "
      "resolved=\"true\" xml:lang=\"en\">\n{}",
      kBenchmark, PrintXml(document, 1));
}

std::string XccdfHost(const HostFindings& host, const v1::ExportHead& head) {
  pugi::xml_document document;
  pugi::xml_node result = document.append_child("TestResult");
  SetText(result, "id", "xccdf_metsuke_testresult_" + host.host.id());
  SetText(result, "end-time", Rfc3339(head.at()));
  SetText(result, "test-system",
          fmt::format("cpe:2.3:a:metsuke:metsuke:{}:*:*:*:*:*:*:*", kVersion));
  SetText(result, "version", head.baseline());
  pugi::xml_node benchmark = result.append_child("benchmark");
  SetText(benchmark, "href", "#" + std::string(kBenchmark));
  SetText(benchmark, "id", kBenchmark);
  if (host.posture.stale()) {
    pugi::xml_node remark =
        AddText(result, "remark",
                host.posture.last_seen() == 0
                    ? "The host has never reported."
                    : "The host was last heard of at " +
                          Rfc3339(host.posture.last_seen()) +
                          "; the results tell what was so then.");
    SetText(remark, "xml:lang", "en");
  }
  AddText(result, "target", host.posture.host());
  if (!host.host.address().empty())
    AddText(result, "target-address", host.host.address());
  AddFacts(result, host);
  for (const v1::Finding& finding : host.findings) AddResult(result, finding);
  AddScores(result, host);
  return PrintXml(document, 1);
}

std::string XccdfEnd() { return "</Benchmark>\n"; }

}  // namespace metsuke
