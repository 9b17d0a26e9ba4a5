// How a spool is read back from disk, whatever happened to it meanwhile.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <boost/filesystem/operations.hpp>
#include <cerrno>

#include "agent/durable.h"
#include "agent/frame.h"
#include "agent/spool.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// The number of a record file; 0 when the name is none.
uint64_t SeqOfName(const std::string& name) {
  if (name.size() != 20) return 0;
  uint64_t seq = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return 0;
    if (__builtin_mul_overflow(seq, 10, &seq) ||
        __builtin_add_overflow(seq, c - '0', &seq))
      return 0;
  }
  return seq;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Spool>> Spool::Open(
    const boost::filesystem::path& folder, uint64_t cap, int64_t now) {
  RETURN_IF_ERROR(MakePrivateFolder(folder));
  RETURN_IF_ERROR(MakePrivateFolder(folder / "records"));
  ASSIGN_OR_RETURN(Bodies bodies, Bodies::Open(folder / "bodies"));
  std::unique_ptr<Spool> spool(new Spool(folder, cap, std::move(bodies)));
  RETURN_IF_ERROR(spool->Lock());
  std::vector<uint64_t> names = spool->RecordNames();
  if (!spool->LoadStream().ok()) RETURN_IF_ERROR(spool->Adopt(names, now));
  spool->LoadRecords(names, now);
  spool->LoadCurrent();
  spool->LoadPosition();
  spool->CollectGarbage();
  return spool;
}

absl::Status Spool::Lock() {
  const boost::filesystem::path path = folder_ / "lock";
  lock_ = Descriptor(
      open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock_) return absl::ErrnoToStatus(errno, "open " + path.string());
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "another metsuke-agent has the spool {} open", folder_.string()));
}

absl::Status Spool::LoadStream() {
  ASSIGN_OR_RETURN(const Frame frame, ReadFrame(folder_ / "stream"));
  stream_ = frame.stream;
  acknowledged_ = frame.seq;
  return absl::OkStatus();
}

std::vector<uint64_t> Spool::RecordNames() {
  std::vector<uint64_t> names;
  boost::system::error_code error;
  for (boost::filesystem::directory_iterator it(folder_ / "records", error),
       end;
       !error && it != end; it.increment(error)) {
    if (const uint64_t seq = SeqOfName(it->path().filename().string()))
      names.push_back(seq);
    else
      unlink(it->path().c_str());  // a write that was interrupted
  }
  std::ranges::sort(names);
  return names;
}

// Without the file `stream`, any whole record tells the spool's identity. If
// there is none it is a new spool, and what was in it is counted and declared.
absl::Status Spool::Adopt(std::vector<uint64_t>& names, int64_t now) {
  for (const uint64_t seq : names) {
    const absl::StatusOr<Frame> frame = ReadFrame(RecordPath(seq));
    if (!frame.ok()) continue;
    stream_ = frame->stream;
    acknowledged_ = names.front() - 1;
    // A Loss at the front says itself where the spool begins.
    v1::Record record;
    if (seq == names.front() && record.ParseFromString(frame->payload) &&
        record.has_loss() && record.loss().from() >= 1 &&
        record.loss().from() <= seq)
      acknowledged_ = record.loss().from() - 1;
    return WriteStream();
  }
  const uint64_t lost = names.size();
  names.clear();
  return StartOver(lost, "the spool was damaged on disk", now);
}

void Spool::LoadRecords(const std::vector<uint64_t>& names, int64_t now) {
  std::map<uint64_t, std::string> damaged;
  uint64_t newest_freed = 0;
  for (const uint64_t seq : names) {
    const absl::StatusOr<v1::Record> record = ReadRecord(RecordPath(seq), seq);
    const bool whole =
        record.ok() && (record->has_state() || record->has_events() ||
                        (record->loss().to() == seq &&
                         record->loss().from() >= 1 &&
                         record->loss().from() <= seq));
    if (seq <= acknowledged_) {
      // Free was interrupted.
      if (whole && record->has_state()) newest_freed = seq;
    } else if (whole) {
      Insert(*record, OnDisk(record->ByteSizeLong() + kFrameHeader));
    } else {
      damaged[seq] = record.ok() ? "not the record it should be"
                                 : Message(record.status());
    }
  }
  if (newest_freed != 0)
    rename(RecordPath(newest_freed).c_str(), (folder_ / "current").c_str());
  for (const uint64_t seq : names)
    if (seq <= acknowledged_) unlink(RecordPath(seq).c_str());
  next_seq_ = std::max(
      {next_seq_, acknowledged_ + 1, names.empty() ? 0 : names.back() + 1});
  for (const auto& [seq, why] : damaged)
    PutLoss(seq, seq, "damaged on disk: " + why, now);
  DropCovered();
  DeclareHoles(now);
}

// Removes records that a later Loss speaks for: its writer was interrupted.
void Spool::DropCovered() {
  std::vector<uint64_t> covered;
  uint64_t from = UINT64_MAX;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->first >= from)
      covered.push_back(entry->first);
    else if (entry->second.loss)
      from = entry->second.loss->from();
  }
  for (const uint64_t seq : covered) {
    unlink(RecordPath(seq).c_str());
    Erase(seq);
  }
}

void Spool::DeclareHoles(int64_t now) {
  std::vector<std::pair<uint64_t, uint64_t>> holes;
  uint64_t expected = acknowledged_ + 1;
  for (const auto& [seq, entry] : entries_) {
    const uint64_t from = entry.loss ? entry.loss->from() : seq;
    if (from > expected) holes.emplace_back(expected, from - 1);
    expected = seq + 1;
  }
  for (const auto& [from, to] : holes)
    PutLoss(from, to, "missing on disk", now);
}

void Spool::LoadCurrent() {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    // What is lost may have been a later state.
    if (entry->second.loss) return;
    const auto record = ReadRecord(RecordPath(entry->first), entry->first);
    if (!record.ok()) return;
    if (!record->has_state()) continue;
    current_ = record->state();
    current_seq_ = entry->first;
    return;
  }
  const absl::StatusOr<Frame> frame = ReadFrame(folder_ / "current");
  v1::Record record;
  if (!frame.ok() || !record.ParseFromString(frame->payload) ||
      !record.has_state())
    return;
  current_ = record.state();
  if (frame->stream == stream_) next_seq_ = std::max(next_seq_, frame->seq + 1);
}

// Without it the host's records are read again from where a first look begins;
// the controller knows them by their ids.
void Spool::LoadPosition() {
  const absl::StatusOr<Frame> frame = ReadFrame(folder_ / "position");
  if (frame.ok() && frame->stream == stream_) position_ = frame->payload;
}

}  // namespace metsuke
