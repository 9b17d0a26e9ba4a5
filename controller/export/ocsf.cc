#include "controller/export/ocsf.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "controller/item.h"
#include "proto/instant.h"
#include "proto/version.h"

namespace metsuke {
namespace {

using Json = Item;

// An enumerated attribute of OCSF and its caption.
struct Value {
  int id;
  const char* caption;
};

constexpr int kFindings = 2, kComplianceFinding = 2003, kCreate = 1;
constexpr int kOther = 99;

// Of the event: what somebody has to mend weighs what the control weighs, what
// passes or does not apply is for information.
Value SeverityOf(const v1::Finding& finding) {
  if (finding.verdict() == v1::VERDICT_PASS ||
      finding.verdict() == v1::VERDICT_NOT_APPLICABLE)
    return {1, "Informational"};
  switch (finding.severity()) {
    case v1::SEVERITY_LOW:
      return {2, "Low"};
    case v1::SEVERITY_MEDIUM:
      return {3, "Medium"};
    case v1::SEVERITY_HIGH:
      return {4, "High"};
    case v1::SEVERITY_CRITICAL:
      return {5, "Critical"};
    default:
      return {0, "Unknown"};
  }
}

// Of the check. OCSF calls it a warning when there is no result because
// something could not be seen; it has no word for what does not apply.
Value ComplianceOf(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_PASS:
      return {1, "Pass"};
    case v1::VERDICT_FAIL:
      return {3, "Fail"};
    case v1::VERDICT_NOT_APPLICABLE:
      return {kOther, "Not Applicable"};
    default:
      return {2, "Warning"};
  }
}

Json Evidences(const v1::RowSet& rows) {
  Json list = Json::array();
  for (Item& row : ToItems(rows)) list.push_back({{"data", std::move(row)}});
  return list;
}

Json Strings(const google::protobuf::RepeatedPtrField<std::string>& strings) {
  return std::vector<std::string>(strings.begin(), strings.end());
}

Json Compliance(const v1::Finding& finding, const v1::ExportHead& head,
                const std::string& title) {
  const Value status = ComplianceOf(finding.verdict());
  Json made = {{"control", finding.control()},
               {"desc", title},
               {"standards", Json::array({"Metsuke baseline " +
                                          head.baseline().substr(0, 12)})},
               {"requirements", Strings(finding.statements())},
               {"status", status.caption},
               {"status_id", status.id}};
  Json details = Json::array();
  if (!finding.reason().empty()) details.push_back(finding.reason());
  if (!finding.waiver().empty()) details.push_back(WaiverLine(finding));
  if (finding.evidence().omitted() > 0)
    details.push_back(std::to_string(finding.evidence().omitted()) +
                      " more violations were not kept");
  if (!details.empty()) made["status_details"] = std::move(details);
  return made;
}

Json Resource(const HostFindings& host) {
  Json made = {{"uid", host.host.id()},
               {"name", host.posture.host()},
               {"hostname", host.posture.host()},
               {"type", "host"},
               {"labels", Strings(host.host.labels())}};
  if (!host.host.address().empty()) made["ip"] = host.host.address();
  return made;
}

Json Event(const HostFindings& host, const v1::Finding& finding,
           const v1::ExportHead& head, Language language) {
  const std::string& title = Words(language).In(finding.title());
  const Value severity = SeverityOf(finding);
  const int64_t time = head.at() * 1000;
  Json info = {// The same at every export, so that a reader knows it again.
               {"uid", host.host.id() + "/" + finding.control()},
               {"title", title},
               {"types", Json::array({"hardening"})}};
  if (host.posture.last_seen() != 0)
    info["last_seen_time"] = host.posture.last_seen() * 1000;
  Json event = {{"activity_id", kCreate},
                {"activity_name", "Create"},
                {"category_uid", kFindings},
                {"category_name", "Findings"},
                {"class_uid", kComplianceFinding},
                {"class_name", "Compliance Finding"},
                {"type_uid", kComplianceFinding * 100 + kCreate},
                {"type_name", "Compliance Finding: Create"},
                {"time", time},
                {"severity_id", severity.id},
                {"severity", severity.caption},
                {"message", host.posture.host() + ": " + title},
                {"metadata",
                 {{"version", "1.5.0"},
                  {"product",
                   {{"name", "Metsuke"},
                    {"vendor_name", "Metsuke"},
                    {"version", kVersion},
                    {"lang", language == Language::kJapanese ? "ja" : "en"}}}}},
                {"finding_info", std::move(info)},
                {"compliance", Compliance(finding, head, title)},
                {"resources", Json::array({Resource(host)})},
                {"unmapped", {{"stale", host.posture.stale()}}}};
  if (host.posture.stale())
    event["compliance"]["status_details"].push_back(
        "the host is silent; it was so when the host was last heard of");
  // Somebody agreed that it may stay; or somebody has yet to look. There is
  // nothing to look at in the others.
  if (!finding.waiver().empty())
    event.update({{"status_id", 3}, {"status", "Suppressed"}});
  else if (severity.id != 1)
    event.update({{"status_id", 1}, {"status", "New"}});
  if (finding.evidence().rows_size() > 0)
    event["evidences"] = Evidences(finding.evidence());
  return event;
}

}  // namespace

std::string OcsfHost(const HostFindings& host, const v1::ExportHead& head,
                     Language language) {
  std::string lines;
  for (const v1::Finding& finding : host.findings)
    lines += Event(host, finding, head, language)
                 .dump(-1, ' ', /*ensure_ascii=*/true,
                       Json::error_handler_t::replace) +
             '\n';
  return lines;
}

}  // namespace metsuke
