#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "proto/encode.h"
#include "proto/instant.h"
#include "proto/options.pb.h"
#include "proto/status.h"
#include "proto/text.h"
#include "proto/yaml_tree.h"

namespace metsuke {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Kind = YamlNode::Kind;

constexpr size_t kMaxErrors = 20;
constexpr size_t kShown = 60;

std::string Shown(const std::string& text) {
  if (text.size() <= kShown) return enc::Tty(HostText(text));
  return enc::Tty(HostText(text.substr(0, kShown))) + "…";
}

std::string KindText(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "keys and values";
    case Kind::kScalar:
      break;
  }
  return fmt::format("\"{}\"", Shown(node.text));
}

std::vector<std::string> Split(const std::string& values) {
  std::vector<std::string> parts;
  for (size_t from = 0, bar; from <= values.size(); from = bar + 1) {
    bar = std::min(values.find('|', from), values.size());
    parts.push_back(values.substr(from, bar - from));
  }
  return parts;
}

std::string Join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

// Carries a document into a message and goes on after an error, so that one
// reading tells all that is wrong.
class Reader {
 public:
  Reader(const std::string& name, YamlPlaces* places)
      : name_(name), places_(places) {}

  void ReadMessage(const YamlNode& node, const std::string& path, int level,
                   Message& message);
  absl::Status Result() const {
    if (errors_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{}", fmt::join(errors_, "\n")));
  }

 private:
  void Refuse(const YamlNode& node, const std::string& why);
  void ReadField(const YamlNode& node, const FieldDescriptor* field,
                 const std::string& path, int level, Message& message);
  void ReadValue(const YamlNode& node, const FieldDescriptor* field,
                 const std::string& path, int level, Message& message);
  bool CheckText(const YamlNode& node, const FieldDescriptor* field);
  bool ReadEnum(const YamlNode& node, const EnumDescriptor* type, int& number);
  bool ReadBool(const YamlNode& node, bool& value);
  bool ReadInteger(const YamlNode& node, const FieldDescriptor* field,
                   int64_t low, uint64_t high, int64_t& value);

  const std::string& name_;
  YamlPlaces* places_;
  std::vector<std::string> errors_;
};

void Reader::Refuse(const YamlNode& node, const std::string& why) {
  if (errors_.size() < kMaxErrors)
    errors_.push_back(fmt::format("{}:{}:{}: {}", name_, node.place.line,
                                  node.place.column, why));
}

bool IsInlined(const FieldDescriptor* field) {
  return field->options().GetExtension(v1::inlined);
}

// The field that is written as `key`; `message` becomes the one it belongs to.
// nullptr when there is none.
const FieldDescriptor* FindKey(const std::string& key, Message*& message) {
  const Descriptor* type = message->GetDescriptor();
  const FieldDescriptor* own = type->FindFieldByName(key);
  if (own != nullptr && !IsInlined(own)) return own;
  for (int i = 0; i < type->field_count(); ++i) {
    if (!IsInlined(type->field(i)) ||
        type->field(i)->message_type()->FindFieldByName(key) == nullptr)
      continue;
    message = message->GetReflection()->MutableMessage(message, type->field(i));
    return FindKey(key, message);
  }
  return nullptr;
}

void Reader::ReadMessage(const YamlNode& node, const std::string& path,
                         int level, Message& message) {
  const Descriptor* type = message.GetDescriptor();
  if (node.kind != Kind::kMap)
    return Refuse(node, fmt::format("expected the keys of {}, found {}",
                                    type->name(), KindText(node)));
  std::map<std::string, int> lines;
  for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const YamlNode& key = node.children[i];
    Message* owner = &message;
    const FieldDescriptor* field =
        key.kind == Kind::kScalar ? FindKey(key.text, owner) : nullptr;
    if (field == nullptr) {
      Refuse(key, fmt::format("{} has no key {}{}", type->name(), KindText(key),
                              DidYouMean(key.text, FieldNames(type))));
      continue;
    }
    const auto [first, fresh] = lines.emplace(key.text, key.place.line);
    if (!fresh) {
      Refuse(key, fmt::format("{} was already written in line {}", key.text,
                              first->second));
      continue;
    }
    ReadField(node.children[i + 1], field,
              path.empty() ? key.text : path + "." + key.text, level, *owner);
  }
}

void Reader::ReadField(const YamlNode& node, const FieldDescriptor* field,
                       const std::string& path, int level, Message& message) {
  if (places_ != nullptr && level < 2) (*places_)[path] = node.place;
  if (node.kind == Kind::kNull)
    return Refuse(node, fmt::format("{} has no value; leave the key out, or "
                                    "quote the value if it is text",
                                    field->name()));
  if (!field->is_repeated())
    return ReadValue(node, field, path, level, message);
  if (node.kind != Kind::kList)
    return Refuse(node, fmt::format("{} is a list: expected \"[…]\" or lines "
                                    "that begin with \"- \", found {}",
                                    field->name(), KindText(node)));
  for (size_t i = 0; i < node.children.size(); ++i) {
    const bool noted = places_ != nullptr && level < 2;
    const std::string item = noted ? fmt::format("{}[{}]", path, i) : "";
    if (noted) (*places_)[item] = node.children[i].place;
    ReadValue(node.children[i], field, item, level, message);
  }
}

// Sets the field, or adds to it when it is repeated.
void Reader::ReadValue(const YamlNode& node, const FieldDescriptor* field,
                       const std::string& path, int level, Message& message) {
  using Limits32 = std::numeric_limits<int32_t>;
  using Limits64 = std::numeric_limits<int64_t>;
  const auto* r = message.GetReflection();
  const bool add = field->is_repeated();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
    return ReadMessage(node, path, level + 1,
                       add ? *r->AddMessage(&message, field)
                           : *r->MutableMessage(&message, field));
  if (node.kind != Kind::kScalar)
    return Refuse(node, fmt::format("{} is one value, found {}", field->name(),
                                    KindText(node)));
  int64_t n = 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      if (!CheckText(node, field)) return;
      return add ? r->AddString(&message, field, node.text)
                 : r->SetString(&message, field, node.text);
    case FieldDescriptor::CPPTYPE_ENUM: {
      int number = 0;
      if (!ReadEnum(node, field->enum_type(), number)) return;
      return add ? r->AddEnumValue(&message, field, number)
                 : r->SetEnumValue(&message, field, number);
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool value = false;
      if (!ReadBool(node, value)) return;
      return add ? r->AddBool(&message, field, value)
                 : r->SetBool(&message, field, value);
    }
    case FieldDescriptor::CPPTYPE_INT32:
      if (!ReadInteger(node, field, Limits32::min(), Limits32::max(), n))
        return;
      return add ? r->AddInt32(&message, field, static_cast<int32_t>(n))
                 : r->SetInt32(&message, field, static_cast<int32_t>(n));
    case FieldDescriptor::CPPTYPE_UINT32:
      if (!ReadInteger(node, field, 0, UINT32_MAX, n)) return;
      return add ? r->AddUInt32(&message, field, static_cast<uint32_t>(n))
                 : r->SetUInt32(&message, field, static_cast<uint32_t>(n));
    case FieldDescriptor::CPPTYPE_INT64:
      if (!ReadInteger(node, field, Limits64::min(), Limits64::max(), n))
        return;
      return add ? r->AddInt64(&message, field, n)
                 : r->SetInt64(&message, field, n);
    case FieldDescriptor::CPPTYPE_UINT64:
      if (!ReadInteger(node, field, 0, UINT64_MAX, n)) return;
      return add ? r->AddUInt64(&message, field, static_cast<uint64_t>(n))
                 : r->SetUInt64(&message, field, static_cast<uint64_t>(n));
    default:
      Refuse(node, field->name() + " cannot be written in YAML");
  }
}

bool Reader::CheckText(const YamlNode& node, const FieldDescriptor* field) {
  if (field->type() == FieldDescriptor::TYPE_BYTES) {
    Refuse(node, field->name() + " cannot be written in YAML");
    return false;
  }
  const std::string& allowed = field->options().GetExtension(v1::values);
  if (allowed.empty()) return true;
  const std::vector<std::string> values = Split(allowed);
  for (const std::string& value : values)
    if (value == node.text) return true;
  Refuse(node,
         fmt::format("{} is one of {}, not {}{}", field->name(), Join(values),
                     KindText(node), DidYouMean(node.text, values)));
  return false;
}

bool Reader::ReadEnum(const YamlNode& node, const EnumDescriptor* type,
                      int& number) {
  std::vector<std::string> values;
  for (int i = 0; i < type->value_count(); ++i) {
    number = type->value(i)->number();
    if (number == 0) continue;  // "not written", which cannot be written
    values.push_back(EnumText(type->value(i)));
    if (values.back() == node.text) return true;
  }
  Refuse(node,
         fmt::format("{} is one of {}, not {}{}", type->name(), Join(values),
                     KindText(node), DidYouMean(node.text, values)));
  return false;
}

// YAML 1.1 has yes, no, on and off as well; as a value that is 1 in one
// program and text in the next they are left out here.
bool Reader::ReadBool(const YamlNode& node, bool& value) {
  value = node.text == "true";
  if (!node.quoted && (value || node.text == "false")) return true;
  Refuse(node, fmt::format("expected true or false without quotes, found {}",
                           KindText(node)));
  return false;
}

// `value` has the bits of the number. A leading 0 would be octal in YAML 1.1
// and decimal in YAML 1.2, so it is refused.
bool Reader::ReadInteger(const YamlNode& node, const FieldDescriptor* field,
                         int64_t low, uint64_t high, int64_t& value) {
  const std::string& text = node.text;
  if (field->options().GetExtension(v1::instant))
    if (const auto instant = ParseInstant(text)) {
      value = *instant;
      return true;
    }
  const char* const end = text.data() + text.size();
  const bool negative = text.starts_with('-');
  const std::string_view digits = std::string_view(text).substr(negative);
  uint64_t size = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, size);
  const bool number = !node.quoted && stop == end && !digits.empty() &&
                      (digits.size() == 1 || digits[0] != '0') &&
                      error != std::errc::invalid_argument;
  const uint64_t lowest = 0 - static_cast<uint64_t>(low);
  if (number && error == std::errc() && size <= (negative ? lowest : high)) {
    value = static_cast<int64_t>(negative ? 0 - size : size);
    return true;
  }
  if (number)
    Refuse(node, fmt::format("{} is from {} to {}, not {}", field->name(), low,
                             high, Shown(text)));
  else if (field->options().GetExtension(v1::instant))
    Refuse(node, fmt::format("{} is a time such as 2026-01-31 or "
                             "2026-01-31T12:00:00Z, not {}",
                             field->name(), KindText(node)));
  else
    Refuse(node, fmt::format("{} is a whole number, not {}", field->name(),
                             KindText(node)));
  return false;
}

}  // namespace

std::vector<std::string> FieldNames(const Descriptor* type) {
  std::vector<std::string> names;
  for (int i = 0; i < type->field_count(); ++i) {
    if (!IsInlined(type->field(i))) {
      names.push_back(type->field(i)->name());
      continue;
    }
    const auto within = FieldNames(type->field(i)->message_type());
    names.insert(names.end(), within.begin(), within.end());
  }
  return names;
}

absl::Status ReadYaml(const std::string& name, const std::string& yaml,
                      google::protobuf::Message& message, YamlPlaces* places) {
  ASSIGN_OR_RETURN(const YamlNode root, ParseYaml(name, yaml));
  Reader reader(name, places);
  if (root.kind != Kind::kNull) reader.ReadMessage(root, "", 0, message);
  return reader.Result();
}

}  // namespace metsuke
