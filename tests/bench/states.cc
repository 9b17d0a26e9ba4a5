#include "states.h"

#include <fmt/format.h>

#include <boost/filesystem.hpp>
#include <condition_variable>
#include <mutex>
#include <set>

#include "controller/store/body.h"
#include "proto/canonical.h"
#include "proto/file.h"
#include "proto/options.pb.h"
#include "proto/status.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

constexpr int64_t kTaken = 1767225600;  // 2026-01-01
// Records that may wait for the store at once.
constexpr int kWindow = 2000;

bool Sensitive(const std::string& table) {
  return TableField(table)->options().GetExtension(v1::sensitive);
}

// Lets so many records through, and keeps the first error.
class Window {
 public:
  void Enter() {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [&] { return inside_ < kWindow; });
    ++inside_;
  }
  void Leave(const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    --inside_;
    if (first_.ok()) first_ = status;
    left_.notify_all();
  }
  absl::Status WaitForAll() {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [&] { return inside_ == 0; });
    return first_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  int inside_ = 0;
  absl::Status first_;
};

void Rename(int host, v1::Snapshot& snapshot) {
  snapshot.mutable_host(0)->set_hostname(fmt::format("host-{:06}", host));
  v1::Interface& interface = *snapshot.add_interfaces();
  interface.set_name("bench0");
  interface.set_family("ipv4");
  interface.set_scope("global");
  interface.set_address(
      fmt::format("10.{}.{}.{}/8", host >> 16 & 255, host >> 8 & 255,
                  host & 255));
}

}  // namespace

v1::Snapshot Vary(const v1::Snapshot& host, int number) {
  v1::Snapshot made = host;
  const std::string tail = fmt::format("-{:03}", number);
  if (made.host().empty()) made.add_host();
  made.mutable_host(0)->set_hostname("kind" + tail);
  for (v1::Package& package : *made.mutable_packages())
    if (package.name() == "openssl") package.set_version("3.0.0" + tail);
  made.add_packages()->set_name("bench" + tail);
  made.add_services()->set_name("bench" + tail + ".service");
  v1::Port& port = *made.add_ports();
  port.set_protocol("tcp");
  port.set_address("127.0.0.1");
  port.set_port(20000 + number);
  port.set_program("bench");
  v1::SshdOption& option = *made.add_sshd_options();
  option.set_keyword("acceptenv");
  option.set_value("BENCH" + tail);
  option.set_daemon("same");
  v1::Account& account = *made.add_accounts();
  account.set_name("bench" + tail);
  account.set_uid(30000 + number);
  v1::SudoRule& rule = *made.add_sudo_rules();
  rule.set_subject("bench" + tail);
  v1::Sysctl& sysctl = *made.add_sysctls();
  sysctl.set_name("bench.value" + tail);
  return made;
}

BenchState MakeState(const v1::Snapshot& snapshot) {
  BenchState made;
  made.state.set_taken(kTaken);
  const auto* schema = v1::Snapshot::descriptor();
  for (int i = 0; i < schema->field_count(); ++i) {
    const auto* field = schema->field(i);
    made.bodies.push_back(
        MakeBody(field->name(), CanonicalTable(snapshot, field)));
    v1::TableDigest& table = *made.state.add_tables();
    table.set_table(field->name());
    table.set_digest(made.bodies.back().digest);
  }
  return made;
}

absl::Status Fill(const std::vector<v1::Snapshot>& states, int hosts,
                  bool own_names, uint64_t seq, Store& store) {
  std::vector<BenchState> kinds;
  for (const v1::Snapshot& snapshot : states)
    kinds.push_back(MakeState(snapshot));
  Window window;
  std::set<std::string> known;
  for (int i = 0; i < hosts; ++i) {
    BenchState& kind = kinds[i % kinds.size()];
    if (own_names) {
      v1::Snapshot named;
      *named.mutable_host() = states[i % states.size()].host();
      *named.mutable_interfaces() = states[i % states.size()].interfaces();
      Rename(i, named);
      const BenchState own = MakeState(named);
      for (int t = 0; t < kind.state.tables_size(); ++t) {
        const std::string& table = kind.state.tables(t).table();
        if (table != "host" && table != "interfaces") continue;
        *kind.state.mutable_tables(t) = own.state.tables(t);
        kind.bodies[t] = own.bodies[t];
      }
    }
    HostUpdate update{.host = fmt::format("{:08x}-0000-4000-8000-{:012x}", i, i),
                      .stream = fmt::format("{:016}", i),
                      .seq = seq,
                      .now = kTaken + static_cast<int64_t>(seq),
                      .state = kind.state,
                      .bodies = {},
                      .losses = {}};
    update.state->set_taken(update.now);
    for (const TableBody& body : kind.bodies)
      if (known.insert(body.digest).second || Sensitive(body.table))
        update.bodies.push_back(body);
    window.Enter();
    store.Connect({update.host, update.stream, "bench", kTaken},
                  [](absl::StatusOr<Standing>) {});
    store.Commit(std::move(update),
                 [&](absl::Status status) { window.Leave(status); });
  }
  return window.WaitForAll();
}

absl::StatusOr<std::vector<v1::BaselineFile>> BaselineFiles(
    const std::string& folder) {
  std::set<fs::path> paths;
  boost::system::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".yaml") paths.insert(entry.path());
  if (error || paths.empty())
    return absl::NotFoundError(folder + ": no baseline is there");
  std::vector<v1::BaselineFile> files;
  for (const fs::path& path : paths) {
    v1::BaselineFile& file = files.emplace_back();
    file.set_name(path.filename().string());
    ASSIGN_OR_RETURN(*file.mutable_yaml(), ReadFile(path.native()));
  }
  return files;
}

}  // namespace metsuke
