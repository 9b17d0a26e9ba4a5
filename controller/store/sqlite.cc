#include "controller/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "controller/store/fleet.h"
#include "controller/store/labels.h"
#include "controller/store/record.h"
#include "controller/store/schema.h"
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

// Connections for readers: as many as ever read at once, few of them kept.
class Readers {
 public:
  explicit Readers(std::string path) : path_(std::move(path)) {}

  absl::StatusOr<std::unique_ptr<Database>> Borrow() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto database = std::move(idle_.back());
        idle_.pop_back();
        return database;
      }
    }
    ASSIGN_OR_RETURN(Database database, OpenForReading(path_));
    return std::make_unique<Database>(std::move(database));
  }

  void Return(std::unique_ptr<Database> database) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kKept) idle_.push_back(std::move(database));
  }

 private:
  static constexpr size_t kKept = 4;
  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Database>> idle_;  // guarded by mutex_
};

class SqliteStore : public Store {
 public:
  SqliteStore(Descriptor lock, Database writer, const std::string& path)
      : lock_(std::move(lock)), writer_(std::move(writer)), readers_(path) {}

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
    return Read<std::vector<std::string>>(
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
        [kept](Database& database) { return StoreRecord(database, *kept); },
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
        [host, now](Database& database) {
          return database.Execute(
              "UPDATE host SET last_seen = max(last_seen, ?) "
              "WHERE id = ? AND removed = 0",
              now, host);
        },
        nullptr);
  }

  absl::StatusOr<Fleet> ReadFleet(const HostFilter& filter,
                                  int64_t at) override {
    return Read<Fleet>(
        [&](Database& database) { return SelectFleet(database, filter, at); });
  }

  absl::Status VisitFleet(const HostFilter& filter, int64_t at,
                          const TakeHost& take) override {
    FleetReader reader(filter, at);
    while (true) {
      ASSIGN_OR_RETURN(const std::span<FleetHost> hosts,
                       Read<std::span<FleetHost>>([&](Database& database) {
                         return reader.Next(database);
                       }));
      if (hosts.empty()) return absl::OkStatus();
      for (FleetHost& host : hosts)
        RETURN_IF_ERROR(take(host, reader.states()));
    }
  }

  absl::StatusOr<v1::HostEntry> FindHost(
      const std::string& name_or_id) override {
    return Read<v1::HostEntry>(
        [&](Database& database) { return SelectHost(database, name_or_id); });
  }

  absl::StatusOr<std::string> Body(std::string_view digest) override {
    return Read<std::string>(
        [&](Database& database) { return ReadBody(database, digest); });
  }

  absl::StatusOr<v1::HistoryReply> History(const std::string& id) override {
    return Read<v1::HistoryReply>(
        [&](Database& database) { return SelectHistory(database, id); });
  }

  absl::Status VisitEvents(const std::string& id, const EventFilter& filter,
                           const TakeEvent& take) override;

  absl::StatusOr<std::vector<std::string>> SetLabels(
      const std::string& id, const std::vector<std::string>& set,
      const std::vector<std::string>& remove) override;
  absl::Status RemoveHost(const std::string& id, int64_t now) override;
  absl::Status Forget(int64_t before) override {
    return writer_.Run([before](Database& database) {
      return ForgetBefore(database, before);
    });
  }
  absl::Status PutBaseline(const StoredBaseline& baseline) override;
  absl::StatusOr<std::optional<StoredBaseline>> ActiveBaseline() override;

 private:
  // Reads in one transaction: all of it is of one moment.
  template <typename T, typename Function>
  absl::StatusOr<T> Read(Function&& function) {
    ASSIGN_OR_RETURN(auto database, readers_.Borrow());
    RETURN_IF_ERROR(database->Execute("BEGIN"));
    absl::StatusOr<T> result = function(*database);
    const absl::Status end = database->Execute("COMMIT");
    // A connection that could not end its transaction is not used again.
    if (end.ok()) readers_.Return(std::move(database));
    return result;
  }

  // In the order of dependence: the readers close before the writer, whose
  // connection is the one that folds the log into the database.
  Descriptor lock_;
  Writer writer_;
  Readers readers_;
};

absl::Status ChangeLabels(
    Database& database, const std::string& id,
    const std::vector<std::pair<std::string, std::string>>& set,
    const std::vector<std::string>& remove) {
  for (const auto& [key, value] : set)
    RETURN_IF_ERROR(
        database.Execute("INSERT INTO label(host, key, value) VALUES(?, ?, ?) "
                         "ON CONFLICT DO UPDATE SET value = excluded.value",
                         id, key, value));
  for (const std::string& key : remove)
    RETURN_IF_ERROR(database.Execute(
        "DELETE FROM label WHERE host = ? AND key = ?", id, key));
  return absl::OkStatus();
}

// What stands after a place in the order of (time, id), a page of it.
absl::StatusOr<std::vector<v1::Event>> ReadEvents(Database& database,
                                                  const std::string& host,
                                                  const EventFilter& filter,
                                                  const std::string& kind,
                                                  int64_t time,
                                                  const std::string& id) {
  constexpr int64_t kPage = 1000;
  const int64_t until = filter.until != 0 ? filter.until : INT64_MAX;
  // The index has the kind before the time.
  Query query =
      kind.empty()
          ? database.Run("SELECT event FROM event WHERE host = ? AND "
                         "(time, id) > (?, ?) AND time < ? "
                         "ORDER BY time, id LIMIT ?",
                         host, time, Blob{id}, until, kPage)
          : database.Run("SELECT event FROM event WHERE host = ? AND "
                         "(time, id) > (?, ?) AND time < ? AND kind = ? "
                         "ORDER BY time, id LIMIT ?",
                         host, time, Blob{id}, until, kind, kPage);
  std::vector<v1::Event> events;
  while (query.Step())
    if (!events.emplace_back().ParseFromString(query.Text(0)))
      return absl::DataLossError("an event is not what was stored");
  RETURN_IF_ERROR(query.status());
  return events;
}

// The events of one kind, or of all, page by page.
class EventPages {
 public:
  using Read = std::function<absl::StatusOr<std::vector<v1::Event>>(
      const std::string& kind, int64_t time, const std::string& id)>;

  EventPages(std::string kind, int64_t since, Read read)
      : kind_(std::move(kind)), time_(since - 1), read_(std::move(read)) {}

  // The next event; null at the end. It is good until Pop.
  absl::StatusOr<v1::Event*> Peek() {
    if (at_ < page_.size()) return &page_[at_];
    if (ended_) return nullptr;
    ASSIGN_OR_RETURN(page_, read_(kind_, time_, id_));
    at_ = 0;
    ended_ = page_.empty();
    if (ended_) return nullptr;
    time_ = page_.back().time();
    id_ = page_.back().id();
    return &page_[0];
  }
  void Pop() { ++at_; }

 private:
  const std::string kind_;
  int64_t time_;  // of the last event read, and its id
  std::string id_ = std::string(17, '\xff');  // after every id
  const Read read_;
  std::vector<v1::Event> page_;
  size_t at_ = 0;
  bool ended_ = false;
};

absl::Status SqliteStore::VisitEvents(const std::string& id,
                                      const EventFilter& filter,
                                      const TakeEvent& take) {
  std::vector<EventPages> sources;
  std::vector<std::string> kinds = filter.kinds;
  if (kinds.empty()) kinds.emplace_back();
  for (const std::string& kind : kinds)
    sources.emplace_back(
        kind, filter.since,
        [&](const std::string& of, int64_t time, const std::string& after) {
          return Read<std::vector<v1::Event>>([&](Database& database) {
            return ReadEvents(database, id, filter, of, time, after);
          });
        });
  while (true) {
    EventPages* first = nullptr;
    v1::Event* event = nullptr;
    for (EventPages& source : sources) {
      ASSIGN_OR_RETURN(v1::Event* const next, source.Peek());
      if (next == nullptr || (event != nullptr && event->time() <= next->time()))
        continue;
      first = &source;
      event = next;
    }
    if (event == nullptr || !take(std::move(*event))) return absl::OkStatus();
    first->Pop();
  }
}

absl::StatusOr<std::vector<std::string>> SqliteStore::SetLabels(
    const std::string& id, const std::vector<std::string>& set,
    const std::vector<std::string>& remove) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : set) {
    ASSIGN_OR_RETURN(auto pair, ParseLabel(text));
    pairs.push_back(std::move(pair));
  }
  for (const std::string& key : remove) RETURN_IF_ERROR(CheckLabelKey(key));
  std::vector<std::string> labels;
  RETURN_IF_ERROR(writer_.Run([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(const v1::HostEntry host, SelectHost(database, id));
    RETURN_IF_ERROR(ChangeLabels(database, host.id(), pairs, remove));
    ASSIGN_OR_RETURN(labels, SelectLabels(database, host.id()));
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
  return Read<Result>([](Database& database) -> absl::StatusOr<Result> {
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

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(
    const std::string& folder) {
  ASSIGN_OR_RETURN(Descriptor lock, LockFolder(folder));
  const std::string path = folder + "/metsuke.db";
  // SQLite would make it for everybody to read; its log takes the mode over.
  const Descriptor made(
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  ASSIGN_OR_RETURN(Database writer, OpenForWriting(path));
  return std::make_unique<SqliteStore>(std::move(lock), std::move(writer),
                                       path);
}

}  // namespace metsuke
