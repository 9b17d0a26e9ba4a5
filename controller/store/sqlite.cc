#include "controller/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "controller/store/deliveries.h"
#include "controller/store/events.h"
#include "controller/store/fleet.h"
#include "controller/store/heard.h"
#include "controller/store/observation.h"
#include "controller/store/readers.h"
#include "controller/store/record.h"
#include "controller/store/registers.h"
#include "controller/store/reports.h"
#include "controller/store/schema.h"
#include "controller/store/state.h"
#include "controller/store/tidy.h"
#include "controller/store/writer.h"

namespace metsuke {
namespace {

// A descriptor that is closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// Holds the folder for this process: a second writer would checkpoint while
// the first commits.
absl::StatusOr<Descriptor> LockFolder(const std::string& folder) {
  const std::string path = folder + "/lock";
  Descriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0)
    return absl::FailedPreconditionError(
        fmt::format("{}: {}; the folder must exist and be writable", path,
                    strerror(errno)));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return absl::FailedPreconditionError(fmt::format(
        "{}: another metsuke-controller uses this folder; stop it first",
        folder));
  return lock;
}

// Those of some ten thousand hosts that all differ.
constexpr size_t kKnownBytes = 128 << 20;

class SqliteStore : public Store {
 public:
  SqliteStore(Descriptor lock, Database writer, const std::string& path,
              const SilenceRule& silence)
      : silence_(silence),
        lock_(std::move(lock)),
        writer_(std::move(writer)),
        readers_(path) {}

  void Connect(const Contact& contact,
               std::function<void(absl::StatusOr<Standing>)> done) override {
    auto standing = std::make_unique<Standing>();
    Standing* const out = standing.get();
    writer_.Submit(
        [contact, out](Database& database) -> absl::Status {
          ASSIGN_OR_RETURN(*out, StoreContact(database, contact));
          return absl::OkStatus();
        },
        // std::function must be copyable, unique_ptr is not.
        [kept = std::shared_ptr<Standing>(std::move(standing)),
         done = std::move(done)](absl::Status status) {
          if (!status.ok()) return done(std::move(status));
          done(std::move(*kept));
        });
  }

  absl::StatusOr<std::vector<std::string>> Missing(
      const std::string& host, const v1::State& state) override {
    return readers_.Read(
        [&](Database& database) -> absl::StatusOr<std::vector<std::string>> {
          std::vector<std::string> missing;
          std::set<std::string_view> seen;
          for (const v1::TableDigest& table : state.tables()) {
            ASSIGN_OR_RETURN(const bool has, HasBody(database, host, table));
            if (!has && seen.insert(table.digest()).second)
              missing.push_back(table.digest());
          }
          return missing;
        });
  }

  void Commit(HostUpdate update,
              std::function<void(absl::Status)> done) override {
    const auto kept = std::make_shared<HostUpdate>(std::move(update));
    writer_.Submit(
        [this, kept](Database& database) {
          return StoreRecord(database, *kept, silence_, drift_memo_);
        },
        std::move(done));
  }

  absl::Status Observe(const Observation& observation) override {
    return writer_.Run([&observation](Database& database) {
      return StoreObservation(database, observation);
    });
  }

  absl::Status ExpireObservations(int64_t before, int64_t now) override {
    return writer_.Run([before, now](Database& database) {
      return metsuke::ExpireObservations(database, before, now);
    });
  }

  void Touch(const std::string& host, int64_t now) override {
    writer_.Submit(
        [this, host, now](Database& database) {
          return StoreHeard(database, host, now, silence_);
        },
        nullptr);
  }

  absl::StatusOr<Fleet> ReadFleet(const HostFilter& filter,
                                  int64_t at) override {
    return readers_.Read(
        [&](Database& database) {
          return SelectFleet(database, filter, at, known_states_);
        });
  }

  absl::Status VisitFleet(const HostFilter& filter, int64_t at,
                          const TakeHost& take) override {
    FleetReader reader(filter, at, known_states_);
    while (true) {
      ASSIGN_OR_RETURN(const std::span<FleetHost> hosts,
                       readers_.Read([&](Database& database) {
                         return reader.Next(database);
                       }));
      if (hosts.empty()) return absl::OkStatus();
      for (FleetHost& host : hosts)
        RETURN_IF_ERROR(take(host, reader.states()));
    }
  }

  absl::StatusOr<v1::HostEntry> FindHost(
      const std::string& name_or_id) override {
    return readers_.Read(
        [&](Database& database) { return SelectHost(database, name_or_id); });
  }

  absl::StatusOr<std::string> Body(std::string_view digest) override {
    return readers_.Read(
        [&](Database& database) { return ReadBody(database, digest); });
  }

  absl::StatusOr<v1::HistoryReply> History(const std::string& id) override {
    return readers_.Read(
        [&](Database& database) { return SelectHistory(database, id); });
  }

  absl::Status VisitEvents(const std::string& id, const EventFilter& filter,
                           const TakeEvent& take) override {
    const int64_t until = filter.until != 0 ? filter.until : INT64_MAX;
    return VisitPages(
        filter,
        [&](const std::string& kind, const EventPlace& after) {
          return readers_.Read([&](Database& database) {
            return ReadEvents(database, id, kind, after, until);
          });
        },
        take);
  }

  absl::StatusOr<std::vector<std::string>> SetLabels(const LabelChange& change,
                                                     const std::string& by,
                                                     int64_t now) override;

  absl::Status PutRegisters(const RegisterUpdate& update) override {
    return writer_.Run([&update](Database& database) {
      return StoreRegisters(database, update);
    });
  }

  absl::StatusOr<std::vector<RegisterTime>> Registers(int64_t at) override {
    return readers_.Read(
        [at](Database& database) { return SelectRegisters(database, at); });
  }

  absl::StatusOr<std::vector<RegisterTime>> RegisterHistory(
      const std::string& name) override {
    return readers_.Read([&](Database& database) {
      return SelectRegisterHistory(database, name);
    });
  }

  absl::Status BeginReport(int64_t until) override {
    return writer_.Run(
        [until](Database& database) { return SetHorizon(database, until); });
  }

  absl::Status PutReport(const NightReport& report) override {
    return writer_.Run([&report](Database& database) {
      return StoreReport(database, report);
    });
  }

  absl::StatusOr<std::vector<v1::ReportEntry>> Reports() override {
    return readers_.Read(SelectReports);
  }

  absl::StatusOr<std::string> ReadReport(const std::string& day,
                                         const std::string& selector) override {
    return readers_.Read([&](Database& database) {
      return SelectReport(database, day, selector);
    });
  }

  absl::Status PutDeliveries(
      const std::vector<v1::Delivery>& deliveries, const std::string& day,
      const std::map<std::string, std::string>& parts) override {
    return writer_.Run([&](Database& database) {
      return StoreDeliveries(database, deliveries, day, parts);
    });
  }

  absl::Status UpdateDelivery(const v1::Delivery& delivery) override {
    return writer_.Run([&delivery](Database& database) {
      return ChangeDelivery(database, delivery);
    });
  }

  absl::StatusOr<std::vector<v1::Delivery>> Deliveries(
      const std::string& day) override {
    return readers_.Read(
        [&](Database& database) { return SelectDeliveries(database, day); });
  }

  absl::StatusOr<std::vector<v1::Delivery>> DueDeliveries(
      int64_t now) override {
    return readers_.Read([now](Database& database) {
      return SelectDueDeliveries(database, now);
    });
  }

  absl::Status VisitFindings(int64_t at, const TakeFinding& take) override {
    return readers_.Read(
        [&](Database& database) { return SelectFindings(database, at, take); });
  }

  absl::StatusOr<std::map<std::string, int64_t>> Behind() override {
    return readers_.Read(SelectBehind);
  }

  absl::StatusOr<std::map<std::string, int64_t>> TablesSince(
      const std::string& id, int64_t at) override {
    return readers_.Read([&](Database& database) {
      return SelectTablesSince(database, id, at);
    });
  }

  absl::StatusOr<std::map<std::string, std::vector<int64_t>>> TableTimes(
      const std::string& id, int64_t from, int64_t to) override {
    return readers_.Read([&](Database& database) {
      return SelectTableTimes(database, id, from, to);
    });
  }

  absl::StatusOr<std::vector<HostLoss>> Losses(int64_t from,
                                               int64_t to) override {
    return readers_.Read(
        [&](Database& database) { return SelectLosses(database, from, to); });
  }

  absl::Status RemoveHost(const std::string& id, int64_t now) override;
  absl::Status Forget(int64_t before) override {
    return writer_.Run([before](Database& database) {
      return ForgetBefore(database, before);
    });
  }
  absl::Status PutBaseline(const StoredBaseline& baseline) override;
  absl::StatusOr<std::optional<StoredBaseline>> ActiveBaseline() override;
  absl::StatusOr<std::vector<StoredBaseline>> Baselines() override;

 private:
  const SilenceRule silence_;
  KnownStates known_states_{kKnownBytes};
  // In the order of dependence: the readers close before the writer, whose
  // connection is the one that folds the log into the database.
  Descriptor lock_;
  DriftMemo drift_memo_;  // of the writing thread
  Writer writer_;
  Readers readers_;
};

absl::StatusOr<std::vector<std::string>> SqliteStore::SetLabels(
    const LabelChange& change, const std::string& by, int64_t now) {
  std::vector<std::string> labels;
  RETURN_IF_ERROR(writer_.Run([&](Database& database) -> absl::Status {
    RETURN_IF_ERROR(StoreLabels(database, change, by, now));
    ASSIGN_OR_RETURN(labels, SelectLabels(database, change.host));
    return absl::OkStatus();
  }));
  return labels;
}

absl::Status SqliteStore::RemoveHost(const std::string& id, int64_t now) {
  return writer_.Run([&](Database& database) -> absl::Status {
    RETURN_IF_ERROR(database.Execute(
        "UPDATE host SET removed = max(?, 1) WHERE id = ? AND removed = 0", now,
        id));
    if (database.changes() == 1) return absl::OkStatus();
    return absl::NotFoundError("no host has this id");
  });
}

absl::Status SqliteStore::PutBaseline(const StoredBaseline& baseline) {
  v1::ApplyRequest files;
  files.mutable_files()->Assign(baseline.files.begin(), baseline.files.end());
  const std::string bytes = files.SerializeAsString();
  return writer_.Run([&](Database& database) -> absl::Status {
    RETURN_IF_ERROR(
        database.Execute("INSERT INTO baseline(version, files) VALUES(?, ?) "
                         "ON CONFLICT DO NOTHING",
                         baseline.version, Blob{bytes}));
    return database.Execute(
        "INSERT INTO baseline_applied(version, applied, by) VALUES(?, ?, ?)",
        baseline.version, baseline.applied, baseline.by);
  });
}

absl::StatusOr<std::optional<StoredBaseline>> SqliteStore::ActiveBaseline() {
  using Result = std::optional<StoredBaseline>;
  return readers_.Read([](Database& database) -> absl::StatusOr<Result> {
    Query query = database.Run(
        "SELECT version, by, applied, files FROM baseline_applied "
        "JOIN baseline USING(version) ORDER BY number DESC LIMIT 1");
    if (!query.Step()) {
      RETURN_IF_ERROR(query.status());
      return Result();
    }
    StoredBaseline baseline{
        .version = query.Text(0), .by = query.Text(1), .applied = query.Int(2)};
    v1::ApplyRequest files;
    if (!files.ParseFromString(query.Text(3)))
      return absl::DataLossError(
          "the stored baseline is damaged; apply it again");
    baseline.files.assign(files.files().begin(), files.files().end());
    return Result(std::move(baseline));
  });
}

absl::StatusOr<std::vector<StoredBaseline>> SqliteStore::Baselines() {
  using Result = std::vector<StoredBaseline>;
  return readers_.Read([](Database& database) -> absl::StatusOr<Result> {
    Result baselines;
    Query query = database.Run(
        "SELECT version, by, applied FROM baseline_applied ORDER BY number");
    while (query.Step())
      baselines.push_back({.version = query.Text(0),
                           .by = query.Text(1),
                           .applied = query.Int(2)});
    RETURN_IF_ERROR(query.status());
    return baselines;
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(
    const std::string& folder, const SilenceRule& silence) {
  ASSIGN_OR_RETURN(Descriptor lock, LockFolder(folder));
  const std::string path = folder + "/metsuke.db";
  // SQLite would make it for everybody to read; its log takes the mode over.
  const Descriptor made(
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  ASSIGN_OR_RETURN(Database writer, OpenForWriting(path));
  SilenceRule rule = silence;
  if (rule.listening != 0) {
    ASSIGN_OR_RETURN(rule.stopped, LastHeard(writer, rule.listening));
  }
  return std::make_unique<SqliteStore>(std::move(lock), std::move(writer),
                                       path, rule);
}

}  // namespace metsuke
