// The spool keeps what happened on the host until the controller has it. Each
// record is a file, so that damage to one harms no other:
//   stream            the spool's identity and what was acknowledged
//   records/SEQ       one sealed v1::Record, SEQ in twenty digits
//   bodies/DIGEST     one table, compressed
//   current           the last state, when no record holds it any more
//   position          where to go on in the host's own records
//
// Records are numbered from 1 without holes. What cannot be kept is replaced by
// a Loss that takes the place of the whole range and has the last number of it;
// adjacent losses become one. So a record number that the controller has stored
// never comes to mean something else, whatever is dropped and when.
//
// Nothing found in the folder makes Open fail or crash: a damaged record
// becomes a Loss, and all others are kept.

#ifndef METSUKE_AGENT_SPOOL_H_
#define METSUKE_AGENT_SPOOL_H_

#include <boost/filesystem/path.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/bodies.h"
#include "collectors/descriptor.h"
#include "proto/sync.pb.h"

namespace metsuke {

inline constexpr uint64_t kDefaultSpoolBytes = 64 << 20;

class Spool {
 public:
  // A table to be kept with a state.
  struct Table {
    std::string digest;
    std::string bytes;  // canonical
  };

  // Opens the spool in `folder`, or makes one. It takes about `cap` bytes of
  // disk; while a state is added it may take those of one more. `now` is in
  // seconds since 1970-01-01 UTC, here and below. FailedPrecondition when
  // another process has it open or others may enter the folder; otherwise only
  // what the disk says.
  static absl::StatusOr<std::unique_ptr<Spool>> Open(
      const boost::filesystem::path& folder, uint64_t cap, int64_t now);

  // Sixteen random bytes, made with the spool.
  const std::string& stream() const { return stream_; }
  // The oldest record that is still held, also when it is a part of a Loss;
  // next_seq() when there is none.
  uint64_t first_seq() const;
  // The number the next record will get.
  uint64_t next_seq() const { return next_seq_; }
  bool empty() const { return entries_.empty(); }

  // The last state that was recorded, whether acknowledged or not; nullopt
  // when there is none or it was lost, and then the host must be recorded anew.
  const std::optional<v1::State>& current() const { return current_; }

  // Adds a record with this state; its number. `tables` has the bodies it
  // names that HasBody does not know. All of it is on disk when Append returns.
  // When the spool is full the oldest states make room and are declared lost.
  // An error means that the state is not recorded and, but for
  // FailedPrecondition, which is that a body is missing, that a Loss with its
  // number says so: on disk or, if that does not even take a Loss, in memory.
  absl::StatusOr<uint64_t> Append(const v1::State& state,
                                  std::span<const Table> tables, int64_t now);

  // Adds a record with what happened, and notes where to go on: on disk, in
  // this order, when it returns. Should the machine stop in between, the same
  // events are recorded again, and the controller knows them by their ids. An
  // error means that neither is noted, or not the position.
  absl::Status AppendEvents(const v1::Events& events,
                            const std::string& position, int64_t now);

  // What the last AppendEvents noted; empty when there was none or it is
  // damaged.
  const std::string& position() const { return position_; }

  // The first record after `seq`; nullopt when there is none. A record that
  // turns out to be damaged comes as the Loss that has replaced it.
  std::optional<v1::Record> Next(uint64_t seq, int64_t now);

  bool HasBody(const std::string& digest) const { return bodies_.Has(digest); }
  // See Bodies::Read.
  absl::StatusOr<BodyReader> ReadBody(const std::string& digest) {
    return bodies_.Read(digest);
  }

  // Forgets the records up to `seq`, which the controller has. After an error
  // they may come back when the spool is opened again, as themselves or as a
  // Loss, which does no harm; but none of their numbers is given again.
  absl::Status Free(uint64_t seq);

  // Replaces the record `seq` by a Loss. If it had the last state, current() is
  // nullopt.
  void Lose(uint64_t seq, const std::string& reason, int64_t now);

  // Begins a new stream; the old one is over. What it held that was not
  // acknowledged is the Loss that the new one begins with. current() stays.
  // After an error the old stream goes on.
  absl::Status BeginStream(int64_t now);

  // Makes current() nullopt, so that the host is recorded anew.
  void ForgetCurrent();

  // Whether events should be left where they are to be had, so that states need
  // not make room for them.
  bool nearly_full() const { return disk_bytes() > cap_ / 2; }

  // Bytes of disk taken.
  uint64_t disk_bytes() const { return record_bytes_ + bodies_.disk_bytes(); }

 private:
  struct Entry {
    // Set when it is a Loss.
    std::optional<v1::Loss> loss;
    // Digests a state names: keys of names_.
    std::vector<const std::string*> digests;
    uint64_t disk_bytes = 0;
  };

  Spool(boost::filesystem::path folder, uint64_t cap, Bodies bodies)
      : folder_(std::move(folder)), cap_(cap), bodies_(std::move(bodies)) {}

  // Recovery, in spool_open.cc.
  absl::Status Lock();
  absl::Status LoadStream();
  std::vector<uint64_t> RecordNames();
  absl::Status Adopt(std::vector<uint64_t>& names, int64_t now);
  void LoadRecords(const std::vector<uint64_t>& names, int64_t now);
  void DropCovered();
  void DeclareHoles(int64_t now);
  void LoadCurrent();
  void LoadPosition();

  boost::filesystem::path RecordPath(uint64_t seq) const;
  absl::Status WriteStream();
  absl::Status StartOver(uint64_t lost, const std::string& reason, int64_t now);
  absl::StatusOr<v1::Record> ReadRecord(const boost::filesystem::path& path,
                                        uint64_t seq) const;
  absl::Status WriteRecord(const v1::Record& record);
  absl::Status NotePosition(const std::string& position);
  absl::Status TryAppend(uint64_t seq, const v1::State& state,
                         std::span<const Table> tables, int64_t now);
  std::string ReasonNotRecorded(const absl::Status& status) const;
  absl::Status Fits(const v1::State& state) const;
  void MakeRoom(int64_t now);
  void Insert(const v1::Record& record, uint64_t size);
  void Erase(uint64_t seq);
  v1::Loss Merge(v1::Loss loss) const;
  absl::Status WriteLoss(const v1::Loss& loss);
  void PutLoss(uint64_t from, uint64_t to, const std::string& reason,
               int64_t now);
  void EnterLoss(const v1::Loss& loss, uint64_t size);
  void CollectGarbage();

  const boost::filesystem::path folder_;
  const uint64_t cap_;
  Bodies bodies_;
  Descriptor lock_;
  std::string stream_;
  uint64_t acknowledged_ = 0;
  uint64_t next_seq_ = 1;
  std::map<uint64_t, Entry> entries_;
  uint64_t record_bytes_ = 0;
  // How many entries name a digest.
  std::map<std::string, int> names_;
  std::optional<v1::State> current_;
  uint64_t current_seq_ = 0;  // the record that holds it; 0 when none does
  std::string position_;
};

}  // namespace metsuke

#endif  // METSUKE_AGENT_SPOOL_H_
