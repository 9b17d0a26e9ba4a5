// Rules of the kernel's audit subsystem, made by libaudit.

#ifndef METSUKE_TESTS_UNIT_AUDIT_MADE_H_
#define METSUKE_TESTS_UNIT_AUDIT_MADE_H_

#include <gtest/gtest.h>
#include <libaudit.h>
#include <linux/netlink.h>
#include <sys/utsname.h>

#include <string>
#include <string_view>
#include <vector>

#include "collectors/words.h"

namespace metsuke {

inline std::string NetlinkMessage(uint16_t type, const std::string& payload) {
  nlmsghdr header{};
  header.nlmsg_len = NLMSG_LENGTH(payload.size());
  header.nlmsg_type = type;
  std::string message(reinterpret_cast<char*>(&header), sizeof header);
  message += payload;
  message.resize(NLMSG_ALIGN(message.size()));
  return message;
}

// A rule as libaudit makes it for the kernel, which lists it as it was set.
class Made {
 public:
  Made() : data_(audit_rule_create_data()) {
    AllowKeys();
    data_->flags = AUDIT_FILTER_EXIT;
  }
  ~Made() { audit_rule_free_data(data_); }

  Made& Pair(const char* pair) {
    std::string copy = pair;
    if (copy.starts_with("arch")) return Architecture(copy);
    EXPECT_EQ(audit_rule_fieldpair_data(&data_, copy.data(),
                                        static_cast<int>(data_->flags)),
              0)
        << pair;
    return *this;
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;

  // libaudit takes a key only in a process in which it has seen a permission;
  // auditctl tells it of syscalls by a variable that is not exported.
  static void AllowKeys() {
    audit_rule_data* scratch = audit_rule_create_data();
    EXPECT_EQ(audit_add_watch_dir(AUDIT_WATCH, &scratch, "/etc/hostname"), 0);
    EXPECT_EQ(audit_update_watch_perms(scratch, AUDIT_PERM_READ), 0);
    audit_rule_free_data(scratch);
  }
  // A field of a list of exclusions but the type: whether the kernel has them
  // libaudit asks it, and it answers only outside of containers.
  Made& Excluded(const std::string& pair) {
    const size_t at = pair.find('=');
    Add(audit_name_to_field(pair.substr(0, at).c_str()),
        static_cast<uint32_t>(std::stoul(pair.substr(at + 1))), AUDIT_EQUAL);
    return *this;
  }
  Made& Compare(const char* pair) {
    std::string copy = pair;
    EXPECT_EQ(
        audit_rule_interfield_comp_data(&data_, copy.data(), AUDIT_FILTER_EXIT),
        0)
        << pair;
    return *this;
  }
  // Architectures and system calls are set by their numbers: libaudit takes an
  // architecture for that of all rules that follow, and releases differ in when
  // they forget it.
  Made& Architecture(const std::string& pair) {
    machine_ = audit_determine_machine(pair.substr(pair.find('=') + 1).c_str());
    EXPECT_GE(machine_, 0) << pair;
    Add(AUDIT_ARCH, audit_machine_to_elf(machine_),
        pair[4] == '!' ? AUDIT_NOT_EQUAL : AUDIT_EQUAL);
    return *this;
  }
  Made& Syscall(const std::string& name) {
    if (name == "all") {
      for (int i = 0; i < AUDIT_BITMASK_SIZE - 1; ++i) data_->mask[i] = ~0u;
      return *this;
    }
    const int number = audit_name_to_syscall(name.c_str(), machine_);
    EXPECT_GE(number, 0) << name;
    data_->mask[AUDIT_WORD(number)] |= AUDIT_BIT(number);
    return *this;
  }
  Made& Watch(int type, const char* path) {
    EXPECT_EQ(audit_add_watch_dir(type, &data_, path), 0);
    return *this;
  }
  Made& Permissions(int permissions) {
    EXPECT_EQ(audit_update_watch_perms(data_, permissions), 0);
    return *this;
  }
  Made& List(uint32_t list, uint32_t action) {
    data_->flags = list;
    data_->action = action;
    return *this;
  }
  audit_rule_data& data() { return *data_; }

  std::string Message() const {
    return NetlinkMessage(
        AUDIT_LIST_RULES,
        std::string(reinterpret_cast<const char*>(data_),
                    offsetof(audit_rule_data, buf) + data_->buflen));
  }

 private:
  void Add(int field, uint32_t value, uint32_t comparison) {
    const uint32_t n = data_->field_count++;
    data_->fields[n] = static_cast<uint32_t>(field);
    data_->values[n] = value;
    data_->fieldflags[n] = comparison;
  }

  audit_rule_data* data_;
  int machine_ = audit_detect_machine();
};

inline std::string Machine() {
  utsname names;
  EXPECT_EQ(uname(&names), 0);
  return names.machine;
}

inline int PermissionBits(std::string_view letters) {
  int bits = 0;
  for (const char way : letters)
    bits |= way == 'r'   ? AUDIT_PERM_READ
            : way == 'w' ? AUDIT_PERM_WRITE
            : way == 'x' ? AUDIT_PERM_EXEC
                         : AUDIT_PERM_ATTR;
  return bits;
}

// The message of one rule as auditctl(8) takes it. With -w, a path that ends in
// "/" or ".d" is a folder, which auditctl looks up.
inline std::string RuleMessage(std::string_view line) {
  Made made;
  const auto words = Words(line);
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string value(words[i + 1]);
    if (words[i] == "-w") {
      const bool folder = value.ends_with('/') || value.ends_with(".d");
      made.Watch(folder ? AUDIT_DIR : AUDIT_WATCH, value.c_str());
    } else if (words[i] == "-p") {
      made.Permissions(PermissionBits(value));
    } else if (words[i] == "-a") {
      const size_t comma = value.find(',');
      made.List(static_cast<uint32_t>(
                    audit_name_to_flag(value.substr(comma + 1).c_str())),
                static_cast<uint32_t>(
                    audit_name_to_action(value.substr(0, comma).c_str())));
    } else if (words[i] == "-S") {
      for (const std::string_view name : Pieces(value, ','))
        made.Syscall(std::string(name));
    } else if (words[i] == "-C") {
      made.Compare(value.c_str());
    } else if (words[i] == "-k") {
      made.Pair(("key=" + value).c_str());
    } else {
      EXPECT_EQ(words[i], "-F") << line;
      if (made.data().flags == AUDIT_FILTER_EXCLUDE &&
          !value.starts_with("msgtype"))
        made.Excluded(value);
      else
        made.Pair(value.c_str());
    }
  }
  // A rule that names no system call is about all.
  if (line.find("-S") == line.npos && line.starts_with("-a"))
    made.Syscall("all");
  return made.Message();
}

// Those of a file of rules, whose lines may be empty or begin with "#"; what is
// no rule (-D, -b, …) is left out.
inline std::string RuleMessages(std::string_view text) {
  std::string messages;
  for (const std::string_view line : Lines(text)) {
    const std::string_view rule = Strip(line);
    if (rule.starts_with("-a ") || rule.starts_with("-w "))
      messages += RuleMessage(rule);
  }
  return messages;
}

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_AUDIT_MADE_H_
