#include "collectors/audit_fields.h"

#include <string_view>

#include "collectors/words.h"

namespace metsuke {
namespace {

bool IsCalled(auparse_state_t* state, std::string_view name) {
  const char* const field = auparse_get_field_name(state);
  return field != nullptr && field == name;
}

// The text of the field that `state` stands at.
std::string TextOf(auparse_state_t* state) {
  const char* const raw = auparse_get_field_str(state);
  if (raw == nullptr) return "";
  const std::string_view written = raw;
  if (written == "?" || written == "\"?\"" || written == "(null)") return "";
  // Asked of a text alone: for an id it would ask the name service.
  const char* const text = auparse_interpret_field(state);
  return text == nullptr ? "" : text;
}

}  // namespace

bool AuditFields::Find(const char* name) const {
  if (auparse_first_field(state_) == 0) return false;
  do {
    if (IsCalled(state_, name)) return true;
  } while (auparse_next_field(state_) > 0);
  return false;
}

std::string AuditFields::Raw(const char* name) const {
  if (!Find(name)) return "";
  const char* const text = auparse_get_field_str(state_);
  return text == nullptr ? "" : text;
}

std::string AuditFields::Text(const char* name) const {
  return Find(name) ? TextOf(state_) : "";
}

std::string AuditFields::Keys() const {
  std::string keys;
  if (auparse_first_field(state_) == 0) return keys;
  do {
    if (!IsCalled(state_, "key")) continue;
    const std::string key = TextOf(state_);
    if (!key.empty()) keys += (keys.empty() ? "" : ",") + key;
  } while (auparse_next_field(state_) > 0);
  return keys;
}

std::optional<uint64_t> AuditFields::Number(const char* name) const {
  const auto number = metsuke::Number(Raw(name));
  if (!number || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::optional<uint32_t> AuditFields::Uid(const char* name) const {
  const auto number = Number(name);
  if (!number || *number >= UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

}  // namespace metsuke
