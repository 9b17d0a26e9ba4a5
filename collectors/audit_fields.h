// The fields of one record of audit, as libauparse has it.

#ifndef METSUKE_COLLECTORS_AUDIT_FIELDS_H_
#define METSUKE_COLLECTORS_AUDIT_FIELDS_H_

#include <auparse.h>

#include <cstdint>
#include <optional>
#include <string>

namespace metsuke {

class AuditFields {
 public:
  // Those of the record that `state` stands at; it must outlive them. Of
  // several fields of one name the first counts: what a writer puts into its
  // own text stands behind what the kernel wrote.
  explicit AuditFields(auparse_state_t* state) : state_(state) {}

  // As it is in the line; "" when there is none.
  std::string Raw(const char* name) const;

  // The text that the line has in quotes or, where it is anything but plain, in
  // hexadecimal digits. "" for none, and for what the writer did not know.
  std::string Text(const char* name) const;

  // The keys of the rule that recorded it, joined by commas.
  std::string Keys() const;

  // Nothing for what is no number, or a negative one.
  std::optional<uint64_t> Number(const char* name) const;

  // Nothing for an id that is not set.
  std::optional<uint32_t> Uid(const char* name) const;

 private:
  bool Find(const char* name) const;

  auparse_state_t* const state_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_AUDIT_FIELDS_H_
