#include "proto/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "absl/strings/ascii.h"
#include "proto/encode.h"
#include "proto/instant.h"
#include "proto/options.pb.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Longest word for which a neighbour is sought.
constexpr size_t kMaxWord = 64;

// Edits that make `b` of `a`: insertions, deletions, replacements and swaps of
// neighbours (optimal string alignment).
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> before, last, now(b.size() + 1);
  std::iota(now.begin(), now.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, now);
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min(
          {last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
  }
  return now.back();
}

// "FileKind" is the prefix "FILE_KIND_" of the enum's values.
std::string ValuePrefix(const std::string& type) {
  std::string prefix;
  for (const char c : type) {
    if (!prefix.empty() && absl::ascii_isupper(c)) prefix += '_';
    prefix += absl::ascii_toupper(c);
  }
  return prefix + '_';
}

std::string ScalarText(const Message& message, const FieldDescriptor* field,
                       int i) {
  const auto* r = message.GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return enc::Yaml(HostText(many ? r->GetRepeatedString(message, field, i)
                                     : r->GetString(message, field)));
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(many ? r->GetRepeatedEnum(message, field, i)
                           : r->GetEnum(message, field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? r->GetRepeatedBool(message, field, i)
                   : r->GetBool(message, field))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(many ? r->GetRepeatedInt32(message, field, i)
                                 : r->GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(many ? r->GetRepeatedUInt32(message, field, i)
                                 : r->GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64: {
      const int64_t value = many ? r->GetRepeatedInt64(message, field, i)
                                 : r->GetInt64(message, field);
      return value != 0 && field->options().GetExtension(v1::instant)
                 ? Rfc3339(value)
                 : std::to_string(value);
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(many ? r->GetRepeatedUInt64(message, field, i)
                                 : r->GetUInt64(message, field));
    default:
      return fmt::format("{}", many ? r->GetRepeatedDouble(message, field, i)
                                    : r->GetDouble(message, field));
  }
}

// Whether ReadYaml would refuse the value the field has while nothing was
// written to it: 0 of an enum, and "" where a column's `values` are listed.
bool Unwritable(const Message& message, const FieldDescriptor* field) {
  const auto* r = message.GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM)
    return r->GetEnumValue(message, field) == 0;
  return !field->options().GetExtension(v1::values).empty() &&
         r->GetString(message, field).empty();
}

void Write(const Message& message, const std::string& indent, std::string& out);

// A message as the block after a key or a "-" of the column `indent`.
void WriteItems(const Message& message, const FieldDescriptor* field,
                const std::string& indent, std::string& out) {
  const auto* r = message.GetReflection();
  for (int i = 0; i < r->FieldSize(message, field); ++i) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      out += indent + "  - " + ScalarText(message, field, i) + "\n";
      continue;
    }
    std::string item;
    Write(r->GetRepeatedMessage(message, field, i), indent + "    ", item);
    if (item.empty()) item = indent + "    {}\n";
    item[indent.size() + 2] = '-';
    out += item;
  }
}

void Write(const Message& message, const std::string& indent,
           std::string& out) {
  const auto* r = message.GetReflection();
  const auto* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const std::string key = indent + field->name() + ":";
    if (field->is_repeated()) {
      out += key + (r->FieldSize(message, field) == 0 ? " []\n" : "\n");
      WriteItems(message, field, indent, out);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!r->HasField(message, field)) continue;
      if (field->options().GetExtension(v1::inlined)) {
        Write(r->GetMessage(message, field), indent, out);
        continue;
      }
      std::string block;
      Write(r->GetMessage(message, field), indent + "  ", block);
      out += key + (block.empty() ? " {}\n" : "\n") + block;
    } else if (!Unwritable(message, field)) {
      out += key + " " + ScalarText(message, field, 0) + "\n";
    }
  }
}

}  // namespace

std::string EnumText(const google::protobuf::EnumValueDescriptor* value) {
  const std::string prefix = ValuePrefix(value->type()->name());
  const std::string& name = value->name();
  return absl::AsciiStrToLower(
      name.starts_with(prefix) ? name.substr(prefix.size()) : name);
}

std::string WriteYaml(const Message& message) {
  std::string out;
  Write(message, "", out);
  return out;
}

std::string Nearest(std::string_view word,
                    const std::vector<std::string>& candidates) {
  if (word.size() > kMaxWord) return "";
  const std::string wanted = absl::AsciiStrToLower(std::string(word));
  size_t best = 1 + std::max<size_t>(1, word.size() / 3);
  std::string nearest;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kMaxWord) continue;
    const size_t distance =
        EditDistance(wanted, absl::AsciiStrToLower(candidate));
    if (distance >= best || distance >= candidate.size()) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string DidYouMean(std::string_view word,
                       const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(word, candidates);
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

}  // namespace metsuke
