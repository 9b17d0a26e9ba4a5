#include "proto/canonical.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/evp.h>

#include <algorithm>
#include <compare>
#include <vector>

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::strong_ordering CompareField(const Message& a, const Message& b,
                                  const FieldDescriptor* field) {
  const auto* reflection = a.GetReflection();
  if (field->is_repeated()) {
    const int size_a = reflection->FieldSize(a, field);
    const int size_b = reflection->FieldSize(b, field);
    std::string scratch_a, scratch_b;
    for (int i = 0; i < std::min(size_a, size_b); ++i) {
      const auto order =
          reflection->GetRepeatedStringReference(a, field, i, &scratch_a) <=>
          reflection->GetRepeatedStringReference(b, field, i, &scratch_b);
      if (order != 0) return order;
    }
    return size_a <=> size_b;
  }
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch_a, scratch_b;
      return reflection->GetStringReference(a, field, &scratch_a) <=>
             reflection->GetStringReference(b, field, &scratch_b);
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(a, field) <=> reflection->GetBool(b, field);
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(a, field) <=> reflection->GetInt32(b, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->GetUInt32(a, field) <=>
             reflection->GetUInt32(b, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->GetUInt64(a, field) <=>
             reflection->GetUInt64(b, field);
    default:
      return reflection->GetInt64(a, field) <=> reflection->GetInt64(b, field);
  }
}

bool RowLess(const Message* a, const Message* b) {
  const auto* type = a->GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto order = CompareField(*a, *b, type->field(i));
    if (order != 0) return order < 0;
  }
  return false;
}

}  // namespace

const FieldDescriptor* TableField(std::string_view table) {
  return v1::Snapshot::descriptor()->FindFieldByName(std::string(table));
}

uint32_t LastColumn(const FieldDescriptor* table) {
  int last = 0;
  const auto* row = table == nullptr ? nullptr : table->message_type();
  for (int i = 0; row != nullptr && i < row->field_count(); ++i)
    last = std::max(last, row->field(i)->number());
  return static_cast<uint32_t>(last);
}

std::string FilledBy(const FieldDescriptor* table) {
  const std::string& program = table->options().GetExtension(v1::filled_by);
  return program.empty() ? "metsuke-collect" : program;
}

std::string CanonicalTable(const Message& tables,
                           const FieldDescriptor* table) {
  const auto* reflection = tables.GetReflection();
  std::vector<const Message*> rows;
  for (int i = 0; i < reflection->FieldSize(tables, table); ++i)
    rows.push_back(&reflection->GetRepeatedMessage(tables, table, i));
  std::stable_sort(rows.begin(), rows.end(), RowLess);

  // A repeated field on the wire is a sequence of tag, length, row.
  const uint32_t tag = static_cast<uint32_t>(table->number()) << 3 | 2;
  const size_t tag_size =
      google::protobuf::io::CodedOutputStream::VarintSize32(tag);
  size_t size = 0;
  for (const Message* row : rows) {
    const size_t row_size = row->ByteSizeLong();
    size += tag_size + row_size +
            google::protobuf::io::CodedOutputStream::VarintSize64(row_size);
  }
  // All memory is taken before anything is written, so that running out of it
  // is an exception here and nothing half done.
  std::string bytes(size, '\0');
  {
    google::protobuf::io::ArrayOutputStream stream(bytes.data(),
                                                   static_cast<int>(size));
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    for (const Message* row : rows) {
      out.WriteVarint32(tag);
      out.WriteVarint32(static_cast<uint32_t>(row->GetCachedSize()));
      row->SerializeWithCachedSizes(&out);
    }
  }
  return bytes;
}

std::string Sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(),
             reinterpret_cast<unsigned char*>(digest.data()), &size,
             EVP_sha256(), nullptr);
  return digest;
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char c : bytes) {
    text += kDigits[c >> 4];
    text += kDigits[c & 15];
  }
  return text;
}

std::string StateDigest(const v1::State& state) {
  std::string bytes;
  for (const v1::TableDigest& table : state.tables()) {
    // Names hold no NUL and digests have one length: no two states share bytes.
    bytes += table.table();
    bytes += '\0';
    bytes += table.digest();
  }
  return Sha256(bytes);
}

}  // namespace metsuke
