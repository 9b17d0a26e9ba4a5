// The canonical bytes of a table and its digest: what agent and controller
// know a table by.

#ifndef METSUKE_PROTO_CANONICAL_H_
#define METSUKE_PROTO_CANONICAL_H_

#include <string>
#include <string_view>

#include "proto/snapshot.pb.h"
#include "proto/sync.pb.h"

namespace metsuke {

// The field of Snapshot called `table`; nullptr when there is none.
const google::protobuf::FieldDescriptor* TableField(std::string_view table);

// The highest field number of the table's columns; 0 when it is null.
uint32_t LastColumn(const google::protobuf::FieldDescriptor* table);

// The program that fills the table: "metsuke-collect" unless the schema names
// another.
std::string FilledBy(const google::protobuf::FieldDescriptor* table);

// A Snapshot with the one table, its rows sorted column by column and equal
// rows kept, serialised deterministically. Snapshots that hold the same rows
// of the table in any order give the same bytes. Parsing it gives the rows
// back, and the bytes of several tables put together are a Snapshot of them.
// `tables` may be any message whose repeated fields are tables.
std::string CanonicalTable(const google::protobuf::Message& tables,
                           const google::protobuf::FieldDescriptor* table);

// SHA-256, 32 bytes.
std::string Sha256(std::string_view bytes);

// Lower-case hexadecimal.
std::string Hex(std::string_view bytes);

// Digest of a state: SHA-256 over the tables with their digests.
std::string StateDigest(const v1::State& state);

}  // namespace metsuke

#endif  // METSUKE_PROTO_CANONICAL_H_
