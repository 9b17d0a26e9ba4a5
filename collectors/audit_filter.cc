// As audit_filter_rules, audit_filter_syscall and audit_filter_inodes of
// linux/kernel/auditsc.c and audit_filter of auditfilter.c do it. Rules with a
// path are hashed there and tried apart, but each has a priority by its place
// in the list, so that of all rules that match the first still decides.

#include "collectors/audit_filter.h"

#include <algorithm>
#include <climits>

namespace metsuke {
namespace {

// Whether a rule, or a condition of it, matches a call; in the order in which
// the least of several decides.
enum class Fit { kNo, kPerhaps, kYes };

Fit FitIf(bool yes) { return yes ? Fit::kYes : Fit::kNo; }

Fit Not(Fit fit) {
  if (fit == Fit::kPerhaps) return fit;
  return FitIf(fit == Fit::kNo);
}

// All that a number may be.
struct Range {
  uint64_t low, high;
  bool operator==(const Range&) const = default;
};

// UID_MIN and UID_MAX of login.defs(5). A rule about one of them is about that
// person alone.
constexpr Range kPerson{1000, 60000};
constexpr Range kRoot{0, 0};
// Programs that are set-user-ID act for their caller with another uid.
constexpr Range kSetUid{0, 60000};
// Of a call that succeeds.
constexpr Range kResult{0, INT_MAX};

Fit Equal(const Range& range, uint64_t value) {
  if (value < range.low || value > range.high) return Fit::kNo;
  return range.low == range.high ? Fit::kYes : Fit::kPerhaps;
}

Fit AtLeast(const Range& range, uint64_t value) {
  if (range.low >= value) return Fit::kYes;
  return range.high < value ? Fit::kNo : Fit::kPerhaps;
}

Fit Bits(const Range& range, uint32_t op, uint64_t value) {
  if (range.low != range.high) return Fit::kPerhaps;
  const uint64_t common = range.low & value;
  return FitIf(op == AUDIT_BIT_MASK ? common != 0 : common == value);
}

// As audit_comparator, which compares without sign.
Fit Compare(const Range& range, const AuditField& field) {
  const uint64_t value = field.value;
  switch (field.op) {
    case AUDIT_EQUAL:
      return Equal(range, value);
    case AUDIT_NOT_EQUAL:
      return Not(Equal(range, value));
    case AUDIT_GREATER_THAN_OR_EQUAL:
      return AtLeast(range, value);
    case AUDIT_GREATER_THAN:
      return AtLeast(range, value + 1);
    case AUDIT_LESS_THAN:
      return Not(AtLeast(range, value));
    case AUDIT_LESS_THAN_OR_EQUAL:
      return Not(AtLeast(range, value + 1));
    case AUDIT_BIT_MASK:
    case AUDIT_BIT_TEST:
      return Bits(range, field.op, value);
    default:
      return Fit::kPerhaps;
  }
}

// What `field` says of who acts; nothing when that is not known.
std::optional<Range> Who(uint32_t field, bool root) {
  switch (field) {
    case AUDIT_LOGINUID:
      return kPerson;
    case AUDIT_LOGINUID_SET:
      return Range{1, 1};
    case AUDIT_UID:
      return root ? kRoot : kPerson;
    case AUDIT_EUID:
    case AUDIT_SUID:
    case AUDIT_FSUID:
      return root ? kRoot : kSetUid;
    default:
      return std::nullopt;
  }
}

// A -C comparison. A person's uid and login uid are the same; two of the
// others may differ though both are the same range.
Fit CompareWho(const AuditField& field, bool root) {
  const auto [left, right] = ComparedFields(field.value);
  const auto a = Who(left, root), b = Who(right, root);
  if (!a || !b || (field.op != AUDIT_EQUAL && field.op != AUDIT_NOT_EQUAL))
    return Fit::kPerhaps;
  Fit equal = Fit::kPerhaps;
  if (a->high < b->low || b->high < a->low)
    equal = Fit::kNo;
  else if (a == b && (a == kRoot || a == kPerson))
    equal = Fit::kYes;
  return field.op == AUDIT_EQUAL ? equal : Not(equal);
}

// A condition on who acts, which is known outside of system calls, too.
Fit FitsWho(const AuditField& field, bool root) {
  if (field.field == AUDIT_FIELD_COMPARE) return CompareWho(field, root);
  const auto range = Who(field.field, root);
  return range ? Compare(*range, field) : Fit::kPerhaps;
}

std::string_view Folder(std::string_view path) {
  return path.substr(0, path.rfind('/'));
}

std::string_view WithoutSlash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// Only calls that name a file have a path. The kernel notes the folder in which
// a name is made or taken away, and so matches a rule about the folder itself,
// but not when a file that is there is written to.
Fit FitsPath(const AuditField& field, const AuditedCall& call) {
  if (call.ways == 0) return Fit::kNo;
  if (call.path.empty()) return Fit::kPerhaps;
  const std::string_view path = call.path, ruled = WithoutSlash(field.text);
  if (path == ruled) return Fit::kYes;
  if (field.field == AUDIT_DIR)
    return FitIf(path.starts_with(ruled) && path[ruled.size()] == '/');
  // Whether it is the one of all files of a folder is not known.
  const bool any = path.ends_with("/*") && Folder(ruled) == Folder(path);
  return any || ruled == Folder(path) ? Fit::kPerhaps : Fit::kNo;
}

Fit FitsField(const AuditField& field, const AuditedCall& call) {
  const bool equal = field.op == AUDIT_EQUAL;
  switch (field.field) {
    case AUDIT_FILTERKEY:
      return Fit::kYes;
    case AUDIT_ARCH:
      return Compare({call.arch, call.arch}, field);
    case AUDIT_WATCH:
    case AUDIT_DIR:
      return FitsPath(field, call);
    case AUDIT_PERM:
      return FitIf(((field.value & call.ways) != 0) == equal);
    case AUDIT_EXIT:
      return Compare(kResult, field);
    case AUDIT_SUCCESS:
      return FitIf((field.value != 0) == equal);
    case AUDIT_ARG0:
      if (!call.argument) return Fit::kPerhaps;
      return Compare({*call.argument, *call.argument}, field);
    default:
      return FitsWho(field, call.root);
  }
}

template <typename Each>
Fit Least(const KernelRule& rule, Each each) {
  Fit fit = Fit::kYes;
  for (const AuditField& field : rule.fields)
    if (fit != Fit::kNo) fit = std::min(fit, each(field));
  return fit;
}

Fit FitsCall(const KernelRule& rule, const AuditedCall& call) {
  if (!IsAbout(rule, call.syscall)) return Fit::kNo;
  return Least(rule, [&](auto& field) { return FitsField(field, call); });
}

// Rules of this list are tried once, when a process starts.
Fit FitsTask(const KernelRule& rule, const AuditedCall& call) {
  return Least(rule, [&](auto& field) {
    return field.field == AUDIT_FILTERKEY ? Fit::kYes
                                          : FitsWho(field, call.root);
  });
}

// Whether the rule keeps records of this type from being written, which it
// does with either action, but not without a condition.
Fit Excludes(const KernelRule& rule, const AuditedCall& call, uint32_t type) {
  if (rule.fields.empty()) return Fit::kNo;
  return Least(rule, [&](auto& field) {
    return field.field == AUDIT_MSGTYPE ? Compare({type, type}, field)
                                        : FitsWho(field, call.root);
  });
}

// Whether the rule may make the kernel overlook the files of a file system. The
// ones that libaudit has names for (debugfs, tracefs) hold none of interest.
bool MayOverlook(const KernelRule& rule) {
  return rule.action == AUDIT_NEVER &&
         std::any_of(rule.fields.begin(), rule.fields.end(), [](auto& field) {
           return field.field == AUDIT_FSTYPE &&
                  (field.op != AUDIT_EQUAL ||
                   audit_fstype_to_name(static_cast<int>(field.value)) ==
                       nullptr);
         });
}

// Holds one rule after the other against a call until one decides.
class Walk {
 public:
  // Returns whether the rule decides.
  bool Try(const KernelRule& rule, Fit fit) {
    if (fit == Fit::kNo) return false;
    const bool decides = fit == Fit::kYes;
    if (rule.action == AUDIT_ALWAYS) {
      outcome_.perhaps = true;
      outcome_.surely = decides && !hidden_;
      outcome_.rules.push_back(&rule);
    } else if (!decides) {
      hidden_ = true;
    }
    return decides;
  }

  AuditOutcome outcome() && { return std::move(outcome_); }

 private:
  bool hidden_ = false;  // a rule "never" may have matched
  AuditOutcome outcome_;
};

// What the lists that choose calls say. That of processes comes first: what it
// decides holds for all their calls.
AuditOutcome Choose(const std::vector<KernelRule>& rules,
                    const AuditedCall& call) {
  Walk walk;
  for (const KernelRule& rule : rules)
    if (rule.list == AUDIT_FILTER_TASK && walk.Try(rule, FitsTask(rule, call)))
      return std::move(walk).outcome();
  for (const KernelRule& rule : rules)
    if (rule.list == AUDIT_FILTER_EXIT && walk.Try(rule, FitsCall(rule, call)))
      break;
  return std::move(walk).outcome();
}

// The most that `rule` takes from the records of `call`.
Fit Takes(const KernelRule& rule, const AuditedCall& call) {
  Fit most = Fit::kNo;
  if (rule.list == AUDIT_FILTER_EXCLUDE)
    for (const uint32_t type : call.records)
      most = std::max(most, Excludes(rule, call, type));
  if (rule.list == AUDIT_FILTER_FS && !call.path.empty() && MayOverlook(rule))
    most = Fit::kPerhaps;
  return most;
}

}  // namespace

AuditOutcome FilterCall(const std::vector<KernelRule>& rules,
                        const AuditedCall& call) {
  AuditOutcome outcome = Choose(rules, call);
  for (const KernelRule& rule : rules) {
    const Fit taken = Takes(rule, call);
    if (taken == Fit::kYes) return {};
    if (taken == Fit::kPerhaps) outcome.surely = false;
  }
  return outcome;
}

}  // namespace metsuke
