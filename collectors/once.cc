#include "collectors/once.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

#include "collectors/cycle.h"
#include "proto/canonical.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

// Those that metsuke-collect fills.
std::vector<std::string> Tables() {
  std::vector<std::string> names;
  const auto* schema = v1::Snapshot::descriptor();
  for (int i = 0; i < schema->field_count(); ++i)
    if (FilledBy(schema->field(i)) == "metsuke-collect")
      names.push_back(schema->field(i)->name());
  return names;
}

google::protobuf::util::JsonPrintOptions PrintAll() {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  return options;
}

}  // namespace

absl::StatusOr<uint64_t> MaskOf(const std::vector<std::string>& names) {
  const std::vector<std::string> tables = Tables();
  uint64_t mask = 0;
  for (const std::string& name : names.empty() ? tables : names) {
    const auto* field = TableField(name);
    if (field != nullptr && FilledBy(field) != "metsuke-collect")
      return absl::InvalidArgumentError(
          fmt::format("'{}' is filled by {}", name, FilledBy(field)));
    if (TableBit(name) == 0)
      return absl::InvalidArgumentError(fmt::format(
          "no table is called '{}'{}", name, DidYouMean(name, tables)));
    mask |= TableBit(name);
  }
  return mask;
}

absl::StatusOr<std::string> AsJson(const v1::Collected& collected) {
  const google::protobuf::util::JsonPrintOptions options = PrintAll();
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const v1::CollectedTable& table : collected.tables()) {
    v1::Snapshot snapshot;
    std::string json;
    if (!snapshot.ParseFromString(table.canonical()) ||
        !google::protobuf::util::MessageToJsonString(snapshot, &json, options)
             .ok())
      return absl::InternalError(
          fmt::format("table {} cannot be printed", table.table()));
    all[table.table()] = nlohmann::ordered_json::parse(json)[table.table()];
  }
  return all.dump(1) + "\n";
}

absl::StatusOr<std::string> AsJson(const v1::Events& events) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(events, &json, PrintAll())
           .ok())
    return absl::InternalError("the events cannot be printed");
  return nlohmann::ordered_json::parse(json).dump(1) + "\n";
}

}  // namespace metsuke
