#include "controller/store/body.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <zstd.h>

#include <vector>

#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;

// Rows are flat, so a Snapshot nests two deep; a peer must not choose how deep
// the parser recurses.
constexpr int kRecursion = 16;

absl::Status CheckRows(std::string_view canonical,
                       const FieldDescriptor* table) {
  v1::Snapshot snapshot;
  google::protobuf::io::CodedInputStream in(
      reinterpret_cast<const uint8_t*>(canonical.data()),
      static_cast<int>(canonical.size()));
  in.SetRecursionLimit(kRecursion);
  if (!snapshot.ParseFromCodedStream(&in) || !in.ConsumedEntireMessage())
    return absl::InvalidArgumentError("its bytes are not a Snapshot");
  std::vector<const FieldDescriptor*> fields;
  snapshot.GetReflection()->ListFields(snapshot, &fields);
  const bool alone =
      fields.empty() || (fields.size() == 1 && fields[0] == table);
  // A newer agent may know more columns than we do, but not more tables in
  // the body of one.
  if (!alone || !snapshot.GetReflection()->GetUnknownFields(snapshot).empty())
    return absl::InvalidArgumentError("it holds more than its table");
  return absl::OkStatus();
}

}  // namespace

TableBody MakeBody(const std::string& table, std::string_view canonical) {
  TableBody body{.digest = Sha256(canonical),
                 .table = table,
                 .size = static_cast<uint32_t>(canonical.size()),
                 .zstd = Compress(canonical)};
  return body;
}

std::string Compress(std::string_view bytes) {
  std::string zstd(ZSTD_compressBound(bytes.size()), '\0');
  zstd.resize(ZSTD_compress(zstd.data(), zstd.size(), bytes.data(),
                            bytes.size(), ZSTD_CLEVEL_DEFAULT));
  return zstd;
}

absl::StatusOr<std::string> Decompress(std::string_view zstd, size_t size) {
  std::string bytes(size, '\0');
  const size_t got =
      ZSTD_decompress(bytes.data(), size, zstd.data(), zstd.size());
  if (ZSTD_isError(got))
    return absl::DataLossError(
        fmt::format("cannot be decompressed: {}", ZSTD_getErrorName(got)));
  if (got != size)
    return absl::DataLossError(
        fmt::format("has {} bytes in place of {}", got, size));
  return bytes;
}

absl::Status CheckBody(const TableBody& body) {
  const std::string name =
      fmt::format("body of {}", enc::Log(HostText(body.table)));
  const FieldDescriptor* table = TableField(body.table);
  if (table == nullptr)
    return absl::InvalidArgumentError(name + ": there is no such table");
  if (body.size > kMaxBodyBytes)
    return absl::InvalidArgumentError(fmt::format(
        "{}: {} bytes; {} at most", name, body.size, kMaxBodyBytes));
  const auto canonical = Decompress(body.zstd, body.size);
  if (!canonical.ok())
    return absl::InvalidArgumentError(name + ": " +
                                      Message(canonical.status()));
  if (Sha256(*canonical) != body.digest)
    return absl::InvalidArgumentError(name + ": its digest does not match");
  if (absl::Status status = CheckRows(*canonical, table); !status.ok())
    return Annotate(status, name);
  return absl::OkStatus();
}

}  // namespace metsuke
