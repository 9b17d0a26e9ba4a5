// Fills the audit_rules table with what AUDIT_LIST_RULES answers, written as
// auditctl(8) takes it.

#include <fmt/format.h>
#include <libaudit.h>

#include <algorithm>
#include <cstring>

#include "collectors/audit.h"
#include "collectors/collector.h"
#include "collectors/words.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {

absl::Status CollectAuditRules(const Host& host, v1::Snapshot& snapshot);

namespace {

// The two sides of a -C comparison, by AUDIT_COMPARE_… of linux/audit.h.
constexpr std::pair<const char*, const char*> kComparisons[] = {
    {},                 {"uid", "obj_uid"},   {"gid", "obj_gid"},
    {"euid", "obj_uid"}, {"egid", "obj_gid"},  {"auid", "obj_uid"},
    {"suid", "obj_uid"}, {"sgid", "obj_gid"},  {"fsuid", "obj_uid"},
    {"fsgid", "obj_gid"}, {"uid", "auid"},     {"uid", "euid"},
    {"uid", "fsuid"},   {"uid", "suid"},      {"auid", "fsuid"},
    {"auid", "suid"},   {"auid", "euid"},     {"euid", "suid"},
    {"euid", "fsuid"},  {"suid", "fsuid"},    {"gid", "egid"},
    {"gid", "fsgid"},   {"gid", "sgid"},      {"egid", "fsgid"},
    {"egid", "sgid"},   {"sgid", "fsgid"}};

bool IsText(uint32_t field) {
  switch (field) {
    case AUDIT_WATCH:
    case AUDIT_DIR:
    case AUDIT_EXE:
    case AUDIT_FILTERKEY:
      return true;
    default:
      return (field >= AUDIT_SUBJ_USER && field <= AUDIT_SUBJ_CLR) ||
             (field >= AUDIT_OBJ_USER && field <= AUDIT_OBJ_LEV_HIGH);
  }
}

std::string Name(const char* name, int64_t number) {
  return name != nullptr ? name : std::to_string(number);
}

std::string Permissions(uint32_t bits) {
  std::string text;
  if (bits & AUDIT_PERM_READ) text += 'r';
  if (bits & AUDIT_PERM_WRITE) text += 'w';
  if (bits & AUDIT_PERM_EXEC) text += 'x';
  if (bits & AUDIT_PERM_ATTR) text += 'a';
  return text;
}

// One field of a rule.
struct Field {
  uint32_t field;
  uint32_t value;
  std::string op;
  std::string text;  // of a field that is text
};

class Rule {
 public:
  // `data` is a rule without its texts, which are in `texts`.
  static absl::StatusOr<Rule> Read(const audit_rule_data& data,
                                   std::string_view texts) {
    Rule rule(data);
    if (data.field_count > AUDIT_MAX_FIELDS)
      return absl::UnavailableError("audit: a rule with too many fields");
    for (uint32_t i = 0; i < data.field_count; ++i) {
      Field& field = rule.fields_.emplace_back(
          Field{data.fields[i] & ~AUDIT_OPERATORS, data.values[i],
                Name(audit_operator_to_symbol(
                         static_cast<int>(data.fieldflags[i] & AUDIT_OPERATORS)),
                     0)});
      if (!IsText(field.field)) continue;
      if (field.value > texts.size())
        return absl::UnavailableError("audit: a rule with a text beyond its end");
      field.text = ToUtf8(texts.substr(0, field.value));
      texts.remove_prefix(field.value);
    }
    return rule;
  }

  v1::AuditRule Row() const {
    v1::AuditRule row;
    const int list = static_cast<int>(data_.flags & ~AUDIT_FILTER_PREPEND);
    row.set_list(Name(audit_flag_to_name(list), list));
    const int action = static_cast<int>(data_.action);
    row.set_action(Name(audit_action_to_name(action), action));
    row.set_rule(IsWatch() ? Watch() : Filter(row));
    row.set_keys(Keys());
    return row;
  }

 private:
  explicit Rule(const audit_rule_data& data) : data_(data) {}

  bool AllSyscalls() const {
    // The last word has the classes of syscalls and is not part of "all".
    return std::all_of(data_.mask, data_.mask + AUDIT_BITMASK_SIZE - 1,
                       [](uint32_t word) { return word == ~0U; });
  }

  // Whether auditctl writes the rule as a watch: a path and permissions, for
  // all syscalls, and nothing else.
  bool IsWatch() const {
    bool path = false, permissions = false;
    for (const Field& field : fields_) {
      if (field.field == AUDIT_WATCH || field.field == AUDIT_DIR)
        path = true;
      else if (field.field == AUDIT_PERM)
        permissions = true;
      else if (field.field != AUDIT_FILTERKEY)
        return false;
    }
    return path && permissions && data_.action == AUDIT_ALWAYS &&
           data_.flags == AUDIT_FILTER_EXIT && AllSyscalls();
  }

  std::string Watch() const {
    std::string path, permissions;
    for (const Field& field : fields_) {
      if (field.field == AUDIT_WATCH || field.field == AUDIT_DIR)
        path = field.text;
      if (field.field == AUDIT_PERM) permissions = Permissions(field.value);
    }
    return fmt::format("-w {} -p {}", path, permissions);
  }

  std::string Filter(const v1::AuditRule& row) const {
    std::string rule = fmt::format("-a {},{}", row.action(), row.list());
    for (const Field& field : fields_)
      if (field.field == AUDIT_ARCH)
        rule += fmt::format(" -F arch{}{}", field.op,
                            field.value & __AUDIT_ARCH_64BIT ? "b64" : "b32");
    if (data_.flags == AUDIT_FILTER_EXIT) rule += " -S " + Syscalls();
    for (const Field& field : fields_)
      if (field.field != AUDIT_ARCH && field.field != AUDIT_FILTERKEY)
        rule += " " + Text(field);
    return rule;
  }

  std::string Syscalls() const {
    if (AllSyscalls()) return "all";
    int machine = audit_detect_machine();
    for (const Field& field : fields_)
      if (field.field == AUDIT_ARCH) machine = audit_elf_to_machine(field.value);
    std::string names;
    for (int i = 0; i < AUDIT_BITMASK_SIZE * 32; ++i) {
      if ((data_.mask[AUDIT_WORD(i)] & AUDIT_BIT(i)) == 0) continue;
      if (!names.empty()) names += ',';
      names += Name(audit_syscall_to_name(i, machine), i);
    }
    return names;
  }

  static std::string Text(const Field& field) {
    if (field.field == AUDIT_FIELD_COMPARE &&
        field.value < std::size(kComparisons) && field.value > 0)
      return fmt::format("-C {}{}{}", kComparisons[field.value].first, field.op,
                         kComparisons[field.value].second);
    return fmt::format("-F {}{}{}",
                       Name(audit_field_to_name(static_cast<int>(field.field)),
                            field.field),
                       field.op, Value(field));
  }

  static std::string Value(const Field& field) {
    const int number = static_cast<int>(field.value);
    switch (field.field) {
      case AUDIT_PERM:
        return Permissions(field.value);
      case AUDIT_MSGTYPE:
        return Name(audit_msg_type_to_name(number), number);
      case AUDIT_FILETYPE:
        return Name(audit_ftype_to_name(number), number);
      case AUDIT_FSTYPE:
        return Name(audit_fstype_to_name(number), field.value);
      case AUDIT_EXIT: {
        const char* error = audit_errno_to_name(number < 0 ? -number : number);
        if (error == nullptr || number == 0) return std::to_string(number);
        return (number < 0 ? "-" : "") + std::string(error);
      }
      case AUDIT_ARG0:
      case AUDIT_ARG1:
      case AUDIT_ARG2:
      case AUDIT_ARG3:
        return fmt::format("0x{:X}", field.value);
      case AUDIT_INODE:
        return std::to_string(field.value);
      default:
        return IsText(field.field) ? field.text : std::to_string(number);
    }
  }

  // Several keys are one text in the kernel, separated by a byte of 1.
  std::string Keys() const {
    std::string keys;
    for (const Field& field : fields_)
      if (field.field == AUDIT_FILTERKEY) keys = field.text;
    std::replace(keys.begin(), keys.end(), '\1', ',');
    return keys;
  }

  const audit_rule_data& data_;
  std::vector<Field> fields_;
};

absl::StatusOr<v1::AuditRule> ReadRule(std::string_view payload) {
  // The structure ends in the texts, whose space the C++ compiler does not
  // count.
  constexpr size_t kHead = offsetof(audit_rule_data, buf);
  if (payload.size() < kHead)
    return absl::UnavailableError("audit: a rule without end");
  audit_rule_data data{};
  memcpy(&data, payload.data(), kHead);
  const std::string_view texts = payload.substr(kHead);
  if (data.buflen > texts.size())
    return absl::UnavailableError("audit: a rule with texts beyond its end");
  ASSIGN_OR_RETURN(const Rule rule,
                   Rule::Read(data, texts.substr(0, data.buflen)));
  return rule.Row();
}

// Adds the keys of `more` that `keys` does not have.
void AddKeys(const std::string& more, std::string& keys) {
  for (const std::string_view key : Pieces(more, ',')) {
    const auto known = Pieces(keys, ',');
    if (key.empty() ||
        std::find(known.begin(), known.end(), key) != known.end())
      continue;
    keys += (keys.empty() ? "" : ",") + std::string(key);
  }
}

}  // namespace

absl::StatusOr<std::vector<v1::AuditRule>> ReadAuditRules(
    std::string_view messages) {
  std::vector<v1::AuditRule> rows;
  for (const std::string_view payload :
       AuditPayloads(messages, AUDIT_LIST_RULES)) {
    ASSIGN_OR_RETURN(v1::AuditRule row, ReadRule(payload));
    const auto same = std::find_if(rows.begin(), rows.end(), [&](auto& known) {
      return known.rule() == row.rule();
    });
    if (same == rows.end())
      rows.push_back(std::move(row));
    else
      AddKeys(row.keys(), *same->mutable_keys());
  }
  return rows;
}

absl::Status CollectAuditRules(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const std::string answer,
                   AskAudit(host, "audit_rules", AUDIT_LIST_RULES));
  ASSIGN_OR_RETURN(std::vector<v1::AuditRule> rules, ReadAuditRules(answer));
  for (v1::AuditRule& rule : rules)
    *snapshot.add_audit_rules() = std::move(rule);
  return absl::OkStatus();
}

}  // namespace metsuke
