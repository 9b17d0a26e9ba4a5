#include "controller/known_tables.h"

#include <string>

#include "proto/canonical.h"
#include "proto/options.pb.h"
#include "proto/register.pb.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;

bool IsKept(const FieldDescriptor* field) {
  return field->options().GetExtension(v1::kept_as).empty();
}

}  // namespace

const FieldDescriptor* RegisterField(std::string_view name) {
  return v1::Registers::descriptor()->FindFieldByName(std::string(name));
}

std::vector<const FieldDescriptor*> KeptRegisters() {
  std::vector<const FieldDescriptor*> kept;
  const auto* registers = v1::Registers::descriptor();
  for (int i = 0; i < registers->field_count(); ++i)
    if (IsKept(registers->field(i))) kept.push_back(registers->field(i));
  return kept;
}

const FieldDescriptor* KnownTable(std::string_view name) {
  if (const auto* table = TableField(name)) return table;
  const auto* field = RegisterField(name);
  return field != nullptr && IsKept(field) ? field : nullptr;
}

std::vector<const FieldDescriptor*> KnownTables() {
  std::vector<const FieldDescriptor*> tables;
  const auto* snapshot = v1::Snapshot::descriptor();
  for (int i = 0; i < snapshot->field_count(); ++i)
    tables.push_back(snapshot->field(i));
  for (const FieldDescriptor* kept : KeptRegisters()) tables.push_back(kept);
  return tables;
}

absl::StatusOr<const Message*> ParseTable(const FieldDescriptor* table,
                                          std::string_view canonical,
                                          google::protobuf::Arena& arena) {
  Message* rows = MessageFactory::generated_factory()
                      ->GetPrototype(table->containing_type())
                      ->New(&arena);
  if (!rows->ParseFromArray(canonical.data(),
                            static_cast<int>(canonical.size())))
    return absl::DataLossError(table->name() +
                               ": the stored rows cannot be read");
  return rows;
}

}  // namespace metsuke
