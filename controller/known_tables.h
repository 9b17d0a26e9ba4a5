// What queries read: the tables of hosts and, beside them, the registers.

#ifndef METSUKE_CONTROLLER_KNOWN_TABLES_H_
#define METSUKE_CONTROLLER_KNOWN_TABLES_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/message.h"

namespace metsuke {

// The register called `name`; nullptr when there is none.
const google::protobuf::FieldDescriptor* RegisterField(std::string_view name);

// Every register that is kept as itself, in the order of the schema.
std::vector<const google::protobuf::FieldDescriptor*> KeptRegisters();

// The table of a query; nullptr when queries know none of this name.
const google::protobuf::FieldDescriptor* KnownTable(std::string_view name);

// All of them, in the order of the schema.
std::vector<const google::protobuf::FieldDescriptor*> KnownTables();

// The message with the rows in `canonical`, bytes of CanonicalTable; DataLoss
// when they are none.
absl::StatusOr<const google::protobuf::Message*> ParseTable(
    const google::protobuf::FieldDescriptor* table, std::string_view canonical,
    google::protobuf::Arena& arena);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_KNOWN_TABLES_H_
