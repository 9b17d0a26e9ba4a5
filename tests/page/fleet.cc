#include "tests/page/fleet.h"

#include <fmt/format.h>
#include <google/protobuf/text_format.h>

#include <boost/filesystem.hpp>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <set>

#include "controller/report/nightly.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "proto/file.h"
#include "proto/status.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

constexpr int64_t kDay = 86400;
// Midnight UTC, shortly after the recorded host was recorded.
constexpr int64_t kEnd = 1767830400;  // 2026-01-08

void Need(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "the fleet of pages: %s\n", Message(status).c_str());
  std::abort();
}

template <typename T>
T Need(absl::StatusOr<T> value) {
  Need(value.status());
  return *std::move(value);
}

v1::Snapshot ReadRecorded() {
  v1::Snapshot all;
  for (const auto& entry : fs::directory_iterator(
           METSUKE_SOURCE "/tests/hosts/debian12/expected")) {
    v1::Snapshot table;
    if (!google::protobuf::TextFormat::ParseFromString(
            Need(ReadFile(entry.path().native())), &table))
      Need(absl::DataLossError(entry.path().native()));
    all.MergeFrom(table);
  }
  return all;
}

std::vector<v1::BaselineFile> Shipped() {
  std::set<fs::path> paths;
  for (const auto& entry :
       fs::directory_iterator(METSUKE_SOURCE "/playbooks/baseline"))
    if (entry.path().extension() == ".yaml") paths.insert(entry.path());
  std::vector<v1::BaselineFile> files;
  for (const fs::path& path : paths) {
    v1::BaselineFile& file = files.emplace_back();
    file.set_name(path.filename().string());
    file.set_yaml(Need(ReadFile(path.native())));
  }
  return files;
}

std::string Id(int i) {
  return fmt::format("00000000-0000-4000-8000-{:012}", i);
}

// Six of ten serve the web, two keep data, the others run applications.
const char* RoleOf(int i) {
  return i % 10 < 6 ? "web" : i % 10 < 8 ? "db" : "app";
}

void AddLog(v1::Snapshot& look, const char* source, const char* path,
            int64_t days, int32_t kept) {
  v1::LogSource& row = *look.add_log_sources();
  row.set_source(source);
  row.set_path(path);
  row.set_writer(source == std::string("journal") ? "systemd-journald"
                                                  : "rsyslog");
  row.set_oldest(kEnd - days * kDay - 7200);
  row.set_newest(kEnd - 3600);
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

int64_t PageFleet::end() { return kEnd; }

const std::string& PageFleet::Hostile() {
  // Markup, a way out of attributes and scripts, a template's braces, a
  // formula, a terminal's escape and overrides of direction.
  static const std::string text =
      "\"'><img src=x onerror=alert(1)><script>alert(2)</script></style>"
      "</title>{{{csp}}}=HYPERLINK(1)\x1b[31m\u202egnp.exe\u2066\u200f";
  return text;
}

PageFleet::PageFleet(const std::string& state, int hosts, int nights)
    : hosts_(hosts),
      recorded_(ReadRecorded()),
      store_(Need(OpenSqliteStore(state))),
      baseline_(Need(StandingBaseline::Load(*store_))),
      registers_(std::make_unique<StandingRegisters>(*store_)) {
  Need(baseline_->Apply(Shipped(), "hanako", kEnd - nights * kDay).status());
  judge_ = baseline_->judge();
  Waive("audit-enabled", "role=web", kEnd - nights * kDay);
  for (int night = nights - 1; night >= 0; --night) Night(night);
}

v1::Snapshot PageFleet::Look(int i, int night) const {
  v1::Snapshot look = recorded_;
  Harden(look);
  SetLogs(i, look);
  v1::HostFact& host = *look.mutable_host(0);
  host.set_hostname(fmt::format("{}-{:04}", RoleOf(i), i));
  host.set_machine(fmt::format("{:032x}", i));
  host.set_package_lists_fetched(kEnd - kDay / 2);
  const int kind = i % 50;
  if (RoleOf(i) == std::string("db"))
    AddPort(look, 3306, kind == 16 || kind == 7 ? "mariadbd" : "mysqld");
  if (kind < 12 && night > 3)
    *look.mutable_package_updates() = recorded_.package_updates();
  if (kind == 3 && night < 1) AddPort(look, 23, "telnetd");
  if (kind == 4) *look.mutable_sudo_rules() = recorded_.sudo_rules();
  if (kind == 9 || kind == 29)
    *look.mutable_ssh_access() = recorded_.ssh_access();
  if (kind == 13) *look.mutable_accounts() = recorded_.accounts();
  if (kind == 18) Fail(look, "sshd_options", "sshd -T: permission denied");
  if (kind == 19 && night < 1)
    Fail(look, "accounts", "/etc/shadow: permission denied");
  if (kind == 22) host.set_reboot_required(true);
  if (i == 5) {
    host.set_hostname(Hostile());
    AddPort(look, 21, Hostile());
    v1::Account& account = *look.add_accounts();
    account.set_name(Hostile());
    Fail(look, "sudo_rules", Hostile());
  }
  return look;
}

void PageFleet::Report(int i, const v1::Snapshot& look, int64_t at) {
  HostUpdate update{.host = Id(i),
                    .stream = fmt::format("{:016}", i),
                    .seq = ++seq_[i],
                    .now = at,
                    .state = v1::State()};
  update.state->set_taken(at);
  const auto* schema = v1::Snapshot::descriptor();
  for (int t = 0; t < schema->field_count(); ++t) {
    const auto* field = schema->field(t);
    if (FilledBy(field) == "metsuke-controller") continue;
    update.bodies.push_back(
        MakeBody(field->name(), CanonicalTable(look, field)));
    v1::TableDigest& table = *update.state->add_tables();
    table.set_table(field->name());
    table.set_digest(update.bodies.back().digest);
  }
  std::promise<void> kept;
  store_->Commit(std::move(update), [&](const absl::Status& status) {
    Need(status);
    kept.set_value();
  });
  kept.get_future().wait();
}

void PageFleet::Waive(const std::string& control, const std::string& selector,
                      int64_t from) {
  v1::Registers rows;
  v1::Waiver& waiver = *rows.add_waivers();
  waiver.set_id("w-1");
  waiver.set_control(control);
  waiver.set_selector(selector);
  waiver.set_reason("moves in March");
  waiver.set_approver("suzuki");
  waiver.set_from(from);
  waiver.set_until(kEnd + 30 * kDay);
  const auto* field = v1::Registers::descriptor()->FindFieldByName("waivers");
  Need(store_->PutRegisters(
      {.bodies = {MakeBody("waivers", CanonicalTable(rows, field))},
       .labels = {},
       .by = "hanako",
       .now = from}));
}

// The hosts as they are at the end of the night, and its report.
void PageFleet::Night(int night) {
  const int64_t end = kEnd - night * kDay;
  for (int i = 1; i <= hosts_; ++i) {
    // Three joined lately; one of them never says anything.
    if (i > hosts_ - 3 && night > 1) continue;
    if (seq_.find(i) == seq_.end()) {
      seq_[i] = 0;
      store_->Connect({.host = Id(i),
                       .stream = fmt::format("{:016}", i),
                       .version = "1",
                       .now = end - kDay / 2,
                       .address = "192.0.2.1"},
                      [](const absl::StatusOr<Standing>& standing) {
                        Need(standing.status());
                      });
      if (i % 4 == 0)
        Need(store_
                 ->SetLabels(
                     {.host = Id(i),
                      .set = {std::string("role=") + RoleOf(i), "zone=osaka"},
                      .remove = {}},
                     "hanako", end - kDay / 2)
                 .status());
    }
    if (i == hosts_) continue;
    // Two fall silent.
    if ((i == 11 && night < 2) || (i == 12 && night < 1)) continue;
    const v1::Snapshot look = Look(i, night);
    std::string bytes = Sha256(look.SerializeAsString());
    if (known_[i] != bytes) Report(i, look, end - kDay / 3);
    known_[i] = std::move(bytes);
    store_->Touch(Id(i), end);
  }
  Need(store_->Forget(0));  // what was touched is stored when this returns
  // One night was missed.
  if (night == 4) return;
  Need(MakeDueReport(Sources(), *Need(ParseTimeOfDay("00:00")), end + 3600)
           .status());
}

ReportSources PageFleet::Sources() {
  return {.store = *store_,
          .registers = *registers_,
          .judge = judge_.get(),
          .interval = 300};
}

v1::Report PageFleet::Last() {
  v1::Report report;
  const auto nights = Need(store_->Reports());
  if (nights.empty() ||
      !report.ParseFromString(Need(store_->ReadReport(nights[0].day()))))
    Need(absl::DataLossError("no report"));
  return report;
}

MadePage PageFleet::Make(Language language, const std::string& page_template,
                         const HostFilter& hosts) {
  return Need(MakePage(Sources(), Last(), hosts, language, page_template));
}

}  // namespace metsuke
