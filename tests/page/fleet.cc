#include "tests/page/fleet.h"

#include <fmt/format.h>

#include <boost/filesystem.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <future>
#include <set>

#include "controller/delivery/nightly.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "proto/file.h"
#include "proto/status.h"
#include "tests/page/looks.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

constexpr int64_t kDay = 86400;
constexpr int64_t kEnd = kFleetEnd;

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

}  // namespace

int64_t PageFleet::end() { return kEnd; }

PageFleet::PageFleet(const std::string& state, int hosts, int nights)
    : hosts_(hosts),
      recorded_(ReadRecorded()),
      store_(Need(OpenSqliteStore(state))),
      baseline_(Need(StandingBaseline::Load(*store_))),
      registers_(std::make_unique<StandingRegisters>(*store_)) {
  setenv("TZ", "UTC", 1);
  tzset();
  Need(baseline_->Apply(Shipped(), "hanako", kEnd - nights * kDay).status());
  judge_ = baseline_->judge();
  Waive("audit-enabled", "role=web", kEnd - nights * kDay);
  for (int night = nights - 1; night >= 0; --night) Night(night);
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
    const v1::Snapshot look = LookOf(recorded_, i, night);
    std::string bytes = Sha256(look.SerializeAsString());
    if (known_[i] != bytes) Report(i, look, end - kDay / 3);
    known_[i] = std::move(bytes);
    store_->Touch(Id(i), end);
  }
  Need(store_->Forget(0));  // what was touched is stored when this returns
  // One night was missed.
  if (night == 4) return;
  Need(MakeDueReport(Sources(), *Need(ParseTimeOfDay("00:00")), {}, end + 3600)
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
      !report.ParseFromString(Need(store_->ReadReport(nights[0].day(), ""))))
    Need(absl::DataLossError("no report"));
  return report;
}

v1::Report PageFleet::Of(const HostFilter& hosts, int days) {
  return Need(MakeReport(Sources(), {.day = "",
                                     .hosts = hosts,
                                     .from = kEnd - days * kDay,
                                     .to = kEnd,
                                     .behind = {}}))
      .report;
}

MadePage PageFleet::MakeOf(const HostFilter& hosts, int days,
                           Language language) {
  return Need(MakePage(Sources(), Of(hosts, days), hosts, language, ""));
}

MadePage PageFleet::Make(Language language, const std::string& page_template,
                         const HostFilter& hosts) {
  return Need(MakePage(Sources(), Last(), hosts, language, page_template));
}

}  // namespace metsuke
