#include "controller/judge/report_rules.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/event.pb.h"
#include "proto/options.pb.h"
#include "proto/snapshot.pb.h"
#include "proto/text.h"

namespace metsuke {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using RefuseItem = std::function<void(const std::string& why)>;

std::string Shown(const std::string& text) { return enc::Tty(HostText(text)); }

// The columns of the table; nullptr, and it is said, when there is none.
const Descriptor* FindTable(const std::string& name, const RefuseItem& refuse) {
  if (const FieldDescriptor* table = TableField(name))
    return table->message_type();
  refuse(fmt::format("there is no table {}{}", Shown(name),
                     DidYouMean(name, FieldNames(v1::Snapshot::descriptor()))));
  return nullptr;
}

void CheckText(const v1::Text& text, const char* key,
               const RefuseItem& refuse) {
  if (text.en().empty()) refuse(fmt::format("{} has no English (en)", key));
  if (text.ja().empty()) refuse(fmt::format("{} has no Japanese (ja)", key));
}

void CheckColumn(const Descriptor* table, const std::string& name,
                 const RefuseItem& refuse) {
  if (table->FindFieldByName(name) != nullptr) return;
  refuse(fmt::format("there is no column {}{}", Shown(name),
                     DidYouMean(name, FieldNames(table))));
}

void CheckPattern(const Descriptor* table, const std::string& pattern,
                  const RefuseItem& refuse) {
  const size_t equals = pattern.find('=');
  const FieldDescriptor* column =
      equals == std::string::npos
          ? nullptr
          : table->FindFieldByName(pattern.substr(0, equals));
  if (column == nullptr || !column->options().GetExtension(v1::key))
    refuse(
        fmt::format("rows: {} is no pattern of a key column, such as "
                    "\"name=user@*\"",
                    Shown(pattern)));
}

void CheckNoise(const v1::NoiseRule& rule, const RefuseItem& refuse) {
  CheckText(rule.why(), "why", refuse);
  const Descriptor* table = FindTable(rule.table(), refuse);
  if (table == nullptr) return;
  for (const std::string& name : rule.columns())
    CheckColumn(table, name, refuse);
  for (const std::string& pattern : rule.rows())
    CheckPattern(table, pattern, refuse);
}

bool IsKind(const std::string& name) {
  const std::string values =
      "|" +
      v1::Event::descriptor()->FindFieldByName("kind")->options().GetExtension(
          v1::values) +
      "|";
  return values.find("|" + name + "|") != std::string::npos;
}

void CheckCause(const v1::CauseRule& rule, const RefuseItem& refuse) {
  if (rule.tables().empty()) refuse("tables is missing: what is changed?");
  for (const std::string& table : rule.tables()) FindTable(table, refuse);
  for (const std::string& kind : rule.kinds())
    if (!IsKind(kind))
      refuse(fmt::format("there is no kind of events {}", Shown(kind)));
  if (rule.programs().empty() && rule.files().empty() && rule.kinds().empty())
    refuse("programs, files and kinds are missing: what changes it?");
}

}  // namespace

void CheckReportRules(
    const v1::Baseline& file,
    const std::function<void(const std::string& item, const std::string& why)>&
        refuse) {
  const auto of = [&](const char* list, int index) {
    const std::string item = fmt::format("{}[{}]", list, index);
    return [&refuse, item](const std::string& why) {
      refuse(item, item.substr(0, item.find('[')) + ": " + why);
    };
  };
  for (int i = 0; i < file.sections_size(); ++i) {
    FindTable(file.sections(i).table(), of("sections", i));
    CheckText(file.sections(i).title(), "title", of("sections", i));
  }
  for (int i = 0; i < file.noise_size(); ++i)
    CheckNoise(file.noise(i), of("noise", i));
  for (int i = 0; i < file.causes_size(); ++i)
    CheckCause(file.causes(i), of("causes", i));
}

bool Matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

}  // namespace metsuke
