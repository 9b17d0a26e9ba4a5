#include "collectors/audit_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/strings/str_join.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// By AUDIT_COMPARE_… of linux/audit.h.
constexpr std::pair<uint32_t, uint32_t> kComparisons[] = {
    {},
    {AUDIT_UID, AUDIT_OBJ_UID},
    {AUDIT_GID, AUDIT_OBJ_GID},
    {AUDIT_EUID, AUDIT_OBJ_UID},
    {AUDIT_EGID, AUDIT_OBJ_GID},
    {AUDIT_LOGINUID, AUDIT_OBJ_UID},
    {AUDIT_SUID, AUDIT_OBJ_UID},
    {AUDIT_SGID, AUDIT_OBJ_GID},
    {AUDIT_FSUID, AUDIT_OBJ_UID},
    {AUDIT_FSGID, AUDIT_OBJ_GID},
    {AUDIT_UID, AUDIT_LOGINUID},
    {AUDIT_UID, AUDIT_EUID},
    {AUDIT_UID, AUDIT_FSUID},
    {AUDIT_UID, AUDIT_SUID},
    {AUDIT_LOGINUID, AUDIT_FSUID},
    {AUDIT_LOGINUID, AUDIT_SUID},
    {AUDIT_LOGINUID, AUDIT_EUID},
    {AUDIT_EUID, AUDIT_SUID},
    {AUDIT_EUID, AUDIT_FSUID},
    {AUDIT_SUID, AUDIT_FSUID},
    {AUDIT_GID, AUDIT_EGID},
    {AUDIT_GID, AUDIT_FSGID},
    {AUDIT_GID, AUDIT_SGID},
    {AUDIT_EGID, AUDIT_FSGID},
    {AUDIT_EGID, AUDIT_SGID},
    {AUDIT_SGID, AUDIT_FSGID}};

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

std::string FieldName(uint32_t field) {
  return Name(audit_field_to_name(static_cast<int>(field)), field);
}

std::string Permissions(uint32_t bits) {
  std::string text;
  if (bits & AUDIT_PERM_READ) text += 'r';
  if (bits & AUDIT_PERM_WRITE) text += 'w';
  if (bits & AUDIT_PERM_EXEC) text += 'x';
  if (bits & AUDIT_PERM_ATTR) text += 'a';
  return text;
}

bool IsPath(const AuditField& field) {
  return field.field == AUDIT_WATCH || field.field == AUDIT_DIR;
}

bool IsPermissions(const AuditField& field) {
  return field.field == AUDIT_PERM && field.op == AUDIT_EQUAL;
}

bool IsArch(const AuditField& field) {
  return field.field == AUDIT_ARCH && field.op == AUDIT_EQUAL;
}

const char* Bits(uint32_t arch) {
  return arch & __AUDIT_ARCH_64BIT ? "b64" : "b32";
}

bool AllSyscalls(const KernelRule& rule) {
  // The last word has the classes of syscalls and is not part of "all".
  return std::all_of(rule.syscalls.begin(), rule.syscalls.end() - 1,
                     [](uint32_t word) { return word == ~0U; });
}

std::vector<std::string> Syscalls(const KernelRule& rule) {
  if (AllSyscalls(rule)) return {"all"};
  int machine = audit_detect_machine();
  for (const AuditField& field : rule.fields)
    if (IsArch(field)) machine = audit_elf_to_machine(field.value);
  std::vector<std::string> names;
  for (int i = 0; i < AUDIT_BITMASK_SIZE * 32; ++i)
    if (IsAbout(rule, i))
      names.push_back(Name(audit_syscall_to_name(i, machine), i));
  return names;
}

std::string Value(const AuditField& field) {
  const int number = static_cast<int>(field.value);
  switch (field.field) {
    case AUDIT_ARCH:
      return Bits(field.value);
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

bool IsComparison(const AuditField& field) {
  return field.field == AUDIT_FIELD_COMPARE &&
         ComparedFields(field.value).first != 0;
}

// What stands behind -F or -C.
std::string Condition(const AuditField& field) {
  const std::string op =
      Name(audit_operator_to_symbol(static_cast<int>(field.op)), 0);
  if (!IsComparison(field)) return FieldName(field.field) + op + Value(field);
  const auto [left, right] = ComparedFields(field.value);
  return FieldName(left) + op + FieldName(right);
}

// Whether auditctl writes the rule as a watch: a path and permissions, for all
// syscalls, and nothing else.
bool IsWatch(const KernelRule& rule) {
  bool path = false, permissions = false;
  for (const AuditField& field : rule.fields) {
    if (IsPath(field))
      path = true;
    else if (IsPermissions(field))
      permissions = true;
    else if (field.field != AUDIT_FILTERKEY)
      return false;
  }
  return path && permissions && rule.action == AUDIT_ALWAYS &&
         rule.list == AUDIT_FILTER_EXIT && AllSyscalls(rule);
}

std::string Watch(const KernelRule& rule) {
  std::string path, permissions;
  for (const AuditField& field : rule.fields) {
    if (IsPath(field)) path = field.text;
    if (IsPermissions(field)) permissions = Permissions(field.value);
  }
  return fmt::format("-w {} -p {}", path, permissions);
}

std::string Filter(const KernelRule& rule, const v1::AuditRule& row) {
  std::string text = fmt::format("-a {},{}", row.action(), row.list());
  for (const AuditField& field : rule.fields)
    if (field.field == AUDIT_ARCH) text += " -F " + Condition(field);
  if (rule.list == AUDIT_FILTER_EXIT)
    text += " -S " + absl::StrJoin(Syscalls(rule), ",");
  for (const AuditField& field : rule.fields)
    if (field.field != AUDIT_ARCH && field.field != AUDIT_FILTERKEY)
      text += (IsComparison(field) ? " -C " : " -F ") + Condition(field);
  return text;
}

// Several keys are one text in the kernel, separated by a byte of 1.
std::string Keys(std::string keys) {
  std::replace(keys.begin(), keys.end(), '\1', ',');
  return keys;
}

// -F dir= takes a folder with a slash at its end, -w takes it off.
std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

void SetColumns(const KernelRule& rule, v1::AuditRule& row) {
  if (rule.list == AUDIT_FILTER_EXIT) {
    std::vector<std::string> names = Syscalls(rule);
    std::sort(names.begin(), names.end());
    row.mutable_syscalls()->Assign(names.begin(), names.end());
  }
  for (const AuditField& field : rule.fields) {
    if (IsArch(field)) {
      row.set_arch(Bits(field.value));
    } else if (IsPath(field)) {
      row.set_path(WithoutSlash(field.text));
      row.set_below(field.field == AUDIT_DIR);
    } else if (IsPermissions(field)) {
      row.set_permissions(Permissions(field.value));
    } else if (field.field == AUDIT_FILTERKEY) {
      row.set_keys(Keys(field.text));
    } else {
      row.add_conditions(Condition(field));
    }
  }
  std::sort(row.mutable_conditions()->begin(), row.mutable_conditions()->end());
}

// `data` is a rule without its texts, which are in `texts`.
absl::StatusOr<KernelRule> Decode(const audit_rule_data& data,
                                  std::string_view texts) {
  if (data.field_count > AUDIT_MAX_FIELDS)
    return absl::UnavailableError("audit: a rule with too many fields");
  KernelRule rule{data.flags & ~static_cast<uint32_t>(AUDIT_FILTER_PREPEND),
                  data.action,
                  {},
                  {}};
  std::copy(std::begin(data.mask), std::end(data.mask), rule.syscalls.begin());
  for (uint32_t i = 0; i < data.field_count; ++i) {
    AuditField& field = rule.fields.emplace_back(
        AuditField{data.fields[i] & ~AUDIT_OPERATORS,
                   data.fieldflags[i] & AUDIT_OPERATORS, data.values[i], ""});
    if (!IsText(field.field)) continue;
    if (field.value > texts.size())
      return absl::UnavailableError("audit: a rule with a text beyond its end");
    field.text = ToUtf8(texts.substr(0, field.value));
    texts.remove_prefix(field.value);
  }
  return rule;
}

}  // namespace

absl::StatusOr<KernelRule> ReadAuditRule(std::string_view payload) {
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
  return Decode(data, texts.substr(0, data.buflen));
}

bool IsAbout(const KernelRule& rule, int syscall) {
  const auto word = static_cast<size_t>(AUDIT_WORD(syscall));
  return word < rule.syscalls.size() &&
         (rule.syscalls[word] & AUDIT_BIT(syscall)) != 0;
}

std::pair<uint32_t, uint32_t> ComparedFields(uint32_t comparison) {
  if (comparison >= std::size(kComparisons)) return {};
  return kComparisons[comparison];
}

v1::AuditRule AuditRuleRow(const KernelRule& rule) {
  v1::AuditRule row;
  const int list = static_cast<int>(rule.list);
  row.set_list(Name(audit_flag_to_name(list), list));
  const int action = static_cast<int>(rule.action);
  row.set_action(Name(audit_action_to_name(action), action));
  row.set_rule(IsWatch(rule) ? Watch(rule) : Filter(rule, row));
  SetColumns(rule, row);
  return row;
}

}  // namespace metsuke
