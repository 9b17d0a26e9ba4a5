#include "tests/page/looks.h"

#include <fmt/format.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <boost/filesystem.hpp>
#include <cstdio>
#include <cstdlib>

#include "proto/file.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

constexpr int64_t kDay = 86400;

void AddLog(v1::Snapshot& look, const char* source, const char* path,
            int64_t days, int32_t kept) {
  v1::LogSource& row = *look.add_log_sources();
  row.set_source(source);
  row.set_path(path);
  row.set_writer(source == std::string("journal") ? "systemd-journald"
                                                  : "rsyslog");
  row.set_oldest(kFleetEnd - days * kDay - 7200);
  row.set_newest(kFleetEnd - 3600);
  row.set_files(4);
  row.set_mode("0640");
  row.set_owner("root");
  row.set_group("adm");
  row.set_persistent(true);
  row.set_keep_days(kept);
  row.set_reach_days(kept);
  row.set_kept_by("/etc/logrotate.d/rsyslog:1");
}

void SetLogs(int i, v1::Snapshot& look) {
  look.clear_log_sources();
  look.clear_log_gaps();
  // A few were set up lately, and some keep too little.
  const int64_t age = i % 23 == 5 ? 31 : 180;
  const int32_t kept = i % 7 == 3 ? 28 : 120;
  AddLog(look, "journal", "/var/log/journal/1/system.journal",
         std::min<int64_t>(age, 95 + i % 5), -1);
  AddLog(look, "syslog", "/var/log/syslog", std::min<int64_t>(age, kept), kept);
  AddLog(look, "auth", "/var/log/auth.log", std::min<int64_t>(age, kept), kept);
  AddLog(look, "wtmp", "/var/log/wtmp", age, -1);
  if (i % 3 == 0)
    AddLog(look, "audit", "/var/log/audit/audit.log",
           std::min<int64_t>(age, 60 + 10 * (i % 4)), -1);
  if (RoleOf(i) == std::string("web"))
    AddLog(look, "web", "/var/log/nginx/access.log",
           std::min<int64_t>(age, i % 4 == 0 ? 14 : 92), i % 4 == 0 ? 14 : 92);
  if (i % 31 == 7)
    look.mutable_log_sources(1)->set_unread(
        "/var/log/syslog.2.xz: only gzip "
        "and zstd are read");
}

// Mends what only some of the hosts are to have.
void Harden(v1::Snapshot& look) {
  const auto keep = [](auto& rows, const auto& good) {
    for (int i = rows.size() - 1; i >= 0; --i)
      if (!good(rows.Get(i))) rows.DeleteSubrange(i, 1);
  };
  look.clear_gaps();
  look.clear_package_updates();
  look.clear_authorized_keys();
  keep(*look.mutable_accounts(), [](const v1::Account& row) {
    return row.uid() == 0 ? row.name() == "root" : row.uid() < 1000;
  });
  keep(*look.mutable_ssh_access(), [](const v1::SshAccess& row) {
    return row.method() == "publickey" && row.account() != "root";
  });
  keep(*look.mutable_sudo_rules(),
       [](const v1::SudoRule& row) { return row.subject() == "root"; });
  for (v1::Collection& row : *look.mutable_collections()) {
    row.set_status("ok");
    row.clear_message();
  }
  for (v1::HostFact& host : *look.mutable_host()) {
    host.set_reboot_required(false);
    host.set_kernel_installed(host.kernel_running());
  }
}

void AddPort(v1::Snapshot& look, uint32_t port, const std::string& program) {
  v1::Port& row = *look.add_ports();
  row.set_protocol("tcp");
  row.set_address("0.0.0.0");
  row.set_port(port);
  row.set_program(program);
  row.set_path("/usr/sbin/" + program);
  row.set_package(program + "-server");
  row.set_user(program);
}

void Fail(v1::Snapshot& look, const std::string& table,
          const std::string& message) {
  for (v1::Collection& row : *look.mutable_collections())
    if (row.table() == table) {
      row.set_status("permission_denied");
      row.set_message(message);
    }
}

}  // namespace

v1::Snapshot ReadRecorded() {
  v1::Snapshot all;
  for (const auto& entry : fs::directory_iterator(
           METSUKE_SOURCE "/tests/hosts/debian12/expected")) {
    const auto text = ReadFile(entry.path().native());
    v1::Snapshot table;
    if (!text.ok() ||
        !google::protobuf::TextFormat::ParseFromString(*text, &table)) {
      std::fprintf(stderr, "%s: cannot be read\n", entry.path().c_str());
      std::abort();
    }
    all.MergeFrom(table);
  }
  return all;
}

const char* RoleOf(int i) {
  return i % 10 < 6 ? "web" : i % 10 < 8 ? "db" : "app";
}

const std::string& HostileText() {
  // Markup, a way out of attributes and scripts, a template's braces, a
  // formula, a terminal's escape and overrides of direction.
  static const std::string text =
      "\"'><img src=x onerror=alert(1)><script>alert(2)</script></style>"
      "</title>{{{csp}}}=HYPERLINK(1)\x1b[31m\u202egnp.exe\u2066\u200f";
  return text;
}

v1::Snapshot LookOf(const v1::Snapshot& recorded, int i, int night) {
  v1::Snapshot look = recorded;
  Harden(look);
  SetLogs(i, look);
  v1::HostFact& host = *look.mutable_host(0);
  host.set_hostname(fmt::format("{}-{:04}", RoleOf(i), i));
  host.set_machine(fmt::format("{:032x}", i));
  host.set_package_lists_fetched(kFleetEnd - kDay / 2);
  const int kind = i % 50;
  if (RoleOf(i) == std::string("db"))
    AddPort(look, 3306, kind == 16 || kind == 7 ? "mariadbd" : "mysqld");
  if (kind < 12 && night > 3)
    *look.mutable_package_updates() = recorded.package_updates();
  if (kind == 3 && night < 1) AddPort(look, 23, "telnetd");
  if (kind == 4) *look.mutable_sudo_rules() = recorded.sudo_rules();
  if (kind == 9 || kind == 29)
    *look.mutable_ssh_access() = recorded.ssh_access();
  if (kind == 13) *look.mutable_accounts() = recorded.accounts();
  if (kind == 18) Fail(look, "sshd_options", "sshd -T: permission denied");
  if (kind == 19 && night < 1)
    Fail(look, "accounts", "/etc/shadow: permission denied");
  if (kind == 22) host.set_reboot_required(true);
  if (i == 5) {
    host.set_hostname(HostileText());
    AddPort(look, 21, HostileText());
    v1::Account& account = *look.add_accounts();
    account.set_name(HostileText());
    Fail(look, "sudo_rules", HostileText());
  }
  return look;
}

}  // namespace metsuke
