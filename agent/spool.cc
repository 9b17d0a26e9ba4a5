#include "agent/spool.h"

#include <fmt/format.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/durable.h"
#include "agent/frame.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/message_ids.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

// A reason may come from a controller; losses are never dropped, so they must
// stay small.
constexpr size_t kMaxReason = 300;

std::string Shortened(std::string reason) {
  if (reason.size() <= kMaxReason) return reason;
  size_t end = kMaxReason;
  while (end > 0 && (reason[end] & 0xC0) == 0x80) --end;  // inside a character
  return reason.substr(0, end) + "…";
}

std::string JoinReasons(const std::string& a, const std::string& b) {
  return a == b || a.ends_with("…") ? a : Shortened(a + "; " + b);
}

v1::Loss MakeLoss(uint64_t from, uint64_t to, const std::string& reason,
                  int64_t now) {
  v1::Loss loss;
  loss.set_from(from);
  loss.set_to(to);
  loss.set_reason(Shortened(reason));
  loss.set_noticed(now);
  return loss;
}

v1::Record RecordOf(const v1::Loss& loss) {
  v1::Record record;
  record.set_seq(loss.to());
  *record.mutable_loss() = loss;
  return record;
}

}  // namespace

uint64_t Spool::first_seq() const {
  if (entries_.empty()) return next_seq_;
  const auto& [seq, entry] = *entries_.begin();
  return entry.loss ? std::max(entry.loss->from(), acknowledged_ + 1) : seq;
}

absl::StatusOr<uint64_t> Spool::Append(const v1::State& state,
                                       std::span<const Table> tables,
                                       int64_t now) {
  for (const v1::TableDigest& table : state.tables()) {
    const auto is_it = [&](const Table& t) {
      return t.digest == table.digest();
    };
    if (!HasBody(table.digest()) && std::ranges::none_of(tables, is_it)) {
      return absl::FailedPreconditionError(
          fmt::format("no body for table {}", table.table()));
    }
  }
  const uint64_t seq = next_seq_++;
  const absl::Status status = TryAppend(seq, state, tables, now);
  if (status.ok()) return seq;
  PutLoss(seq, seq, ReasonNotRecorded(status), now);
  CollectGarbage();
  return status;
}

absl::Status Spool::AppendEvents(const v1::Events& events,
                                 const std::string& position, int64_t now) {
  if (events.events_size() > 0) {
    v1::Record record;
    record.set_seq(next_seq_++);
    *record.mutable_events() = events;
    const absl::Status status = WriteRecord(record);
    if (!status.ok()) {
      // They are still to be had where they came from; the number is not.
      PutLoss(record.seq(), record.seq(), ReasonNotRecorded(status), now);
      return status;
    }
    MakeRoom(now);
  }
  return NotePosition(position);
}

absl::Status Spool::NotePosition(const std::string& position) {
  if (position == position_) return absl::OkStatus();
  RETURN_IF_ERROR(
      WriteDurably(folder_ / "position", Seal({stream_, 0, position})));
  position_ = position;
  return absl::OkStatus();
}

// One reason speaks for all states that came after it in vain: those of a disk
// that stays full differ in names of files alone.
std::string Spool::ReasonNotRecorded(const absl::Status& status) const {
  constexpr std::string_view kPrefix = "could not be recorded: ";
  if (!entries_.empty()) {
    const std::optional<v1::Loss>& last = entries_.rbegin()->second.loss;
    if (last && last->reason().starts_with(kPrefix)) return last->reason();
  }
  return std::string(kPrefix) + Message(status);
}

absl::Status Spool::TryAppend(uint64_t seq, const v1::State& state,
                              std::span<const Table> tables, int64_t now) {
  for (const Table& table : tables)
    RETURN_IF_ERROR(bodies_.Put(table.digest, table.bytes));
  RETURN_IF_ERROR(Fits(state));
  v1::Record record;
  record.set_seq(seq);
  *record.mutable_state() = state;
  RETURN_IF_ERROR(WriteRecord(record));
  current_ = state;
  current_seq_ = seq;
  MakeRoom(now);
  return absl::OkStatus();
}

absl::Status Spool::Fits(const v1::State& state) const {
  uint64_t needed = OnDisk(state.ByteSizeLong() + kFrameHeader);
  for (const v1::TableDigest& table : state.tables())
    needed += bodies_.disk_bytes(table.digest());
  if (needed <= cap_) return absl::OkStatus();
  return absl::ResourceExhaustedError(fmt::format(
      "one state takes {} bytes and the spool may take {}; raise spool_bytes",
      needed, cap_));
}

void Spool::MakeRoom(int64_t now) {
  while (disk_bytes() > cap_) {
    // The last state is what the controller needs most.
    const auto oldest = std::ranges::find_if(entries_, [&](const auto& entry) {
      return !entry.second.loss && entry.first != current_seq_;
    });
    if (oldest == entries_.end()) return;
    const uint64_t seq = oldest->first;
    PutLoss(seq, seq, "the spool was full", now);
    CollectGarbage();
  }
}

std::optional<v1::Record> Spool::Next(uint64_t seq, int64_t now) {
  while (true) {
    const auto entry = entries_.upper_bound(seq);
    if (entry == entries_.end()) return std::nullopt;
    if (entry->second.loss) return RecordOf(*entry->second.loss);
    absl::StatusOr<v1::Record> record =
        ReadRecord(RecordPath(entry->first), entry->first);
    if (record.ok()) return *std::move(record);
    Lose(entry->first, "damaged on disk: " + Message(record.status()), now);
  }
}

void Spool::Lose(uint64_t seq, const std::string& reason, int64_t now) {
  const auto entry = entries_.find(seq);
  if (entry == entries_.end() || entry->second.loss) return;
  if (seq == current_seq_) ForgetCurrent();
  PutLoss(seq, seq, reason, now);
  CollectGarbage();
}

absl::Status Spool::Free(uint64_t seq) {
  const uint64_t last = std::min(seq, next_seq_ - 1);
  if (last <= acknowledged_) return absl::OkStatus();
  acknowledged_ = last;
  // Goes on after an error: on a full disk only removing makes room.
  absl::Status status = WriteStream();
  while (!entries_.empty() && entries_.begin()->first <= last) {
    const auto& [freed, entry] = *entries_.begin();
    const bool only = entries_.size() == 1;
    if (only && !status.ok()) status = WriteStream();
    if (freed == current_seq_) {
      status.Update(RenameDurably(RecordPath(freed), folder_ / "current"));
      current_seq_ = 0;
    } else if (only && !status.ok()) {
      // Its file alone tells that its number is used up.
      acknowledged_ = freed - 1;
      break;
    } else {
      unlink(RecordPath(freed).c_str());
    }
    Erase(freed);
  }
  if (!current_) unlink((folder_ / "current").c_str());
  status.Update(SyncFolder(folder_ / "records"));
  CollectGarbage();
  return status;
}

absl::Status Spool::BeginStream(int64_t now) {
  RETURN_IF_ERROR(StartOver(next_seq_ - first_seq(),
                            "not acknowledged when a new stream began", now));
  // Events that were not acknowledged can be read once more.
  return NotePosition("");
}

// Begins a stream whose first `lost` numbers are a Loss. Until that is on disk
// a file of the old stream keeps its place: Open finds that it is not the
// record it should be and declares all numbers up to it. So it is also when the
// disk has no room for the Loss.
absl::Status Spool::StartOver(uint64_t lost, const std::string& reason,
                              int64_t now) {
  const std::string old = std::exchange(stream_, std::string(kStreamSize, 0));
  const uint64_t acknowledged = std::exchange(acknowledged_, 0);
  absl::Status status;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(stream_.data()),
                 kStreamSize) != 1)
    status = absl::InternalError("no random bytes");
  status.Update(WriteStream());
  if (!status.ok()) {
    stream_ = old;
    acknowledged_ = acknowledged;
    return status;
  }
  while (!entries_.empty()) Erase(entries_.begin()->first);
  current_seq_ = 0;
  next_seq_ = lost + 1;
  std::vector<uint64_t> files = RecordNames();
  if (lost > 0 && !files.empty()) {
    rename(RecordPath(files.back()).c_str(), RecordPath(lost).c_str());
    files.pop_back();
  }
  for (const uint64_t seq : files)
    if (seq != lost) unlink(RecordPath(seq).c_str());
  if (lost > 0) PutLoss(1, lost, reason, now);
  return SyncFolder(folder_ / "records");
}

void Spool::ForgetCurrent() {
  current_.reset();
  current_seq_ = 0;
  CollectGarbage();
}

boost::filesystem::path Spool::RecordPath(uint64_t seq) const {
  return folder_ / "records" / fmt::format("{:020}", seq);
}

absl::Status Spool::WriteStream() {
  return WriteDurably(folder_ / "stream", Seal({stream_, acknowledged_, ""}));
}

absl::StatusOr<v1::Record> Spool::ReadRecord(
    const boost::filesystem::path& path, uint64_t seq) const {
  ASSIGN_OR_RETURN(const Frame frame, ReadFrame(path));
  v1::Record record;
  if (frame.stream != stream_ || frame.seq != seq ||
      !record.ParseFromString(frame.payload) || record.seq() != seq ||
      record.record_case() == v1::Record::RECORD_NOT_SET)
    return absl::DataLossError("not the record it should be");
  return record;
}

absl::Status Spool::WriteRecord(const v1::Record& record) {
  const std::string bytes =
      Seal({stream_, record.seq(), record.SerializeAsString()});
  RETURN_IF_ERROR(WriteDurably(RecordPath(record.seq()), bytes));
  Insert(record, OnDisk(bytes.size()));
  return absl::OkStatus();
}

void Spool::Insert(const v1::Record& record, uint64_t size) {
  Erase(record.seq());
  Entry& entry = entries_[record.seq()];
  entry.disk_bytes = size;
  record_bytes_ += size;
  if (record.has_loss()) {
    entry.loss = record.loss();
    return;
  }
  for (const v1::TableDigest& table : record.state().tables()) {
    const auto name = names_.try_emplace(table.digest(), 0).first;
    ++name->second;
    entry.digests.push_back(&name->first);
  }
}

void Spool::Erase(uint64_t seq) {
  const auto entry = entries_.find(seq);
  if (entry == entries_.end()) return;
  for (const std::string* digest : entry->second.digests) {
    const auto name = names_.find(*digest);
    if (--name->second == 0) names_.erase(name);
  }
  record_bytes_ -= entry->second.disk_bytes;
  entries_.erase(entry);
}

// The Loss with its neighbours in one.
v1::Loss Spool::Merge(v1::Loss loss) const {
  const auto next = entries_.upper_bound(loss.to());
  if (next != entries_.end() && next->second.loss &&
      next->second.loss->from() == loss.to() + 1) {
    loss.set_reason(JoinReasons(loss.reason(), next->second.loss->reason()));
    loss.set_to(next->first);
  }
  auto before = entries_.lower_bound(loss.from());
  if (before == entries_.begin()) return loss;
  --before;
  if (before->second.loss && before->first + 1 == loss.from()) {
    loss.set_reason(JoinReasons(before->second.loss->reason(), loss.reason()));
    loss.set_from(before->second.loss->from());
  }
  return loss;
}

absl::Status Spool::WriteLoss(const v1::Loss& loss) {
  const v1::Loss merged = Merge(loss);
  const std::string bytes =
      Seal({stream_, merged.to(), RecordOf(merged).SerializeAsString()});
  RETURN_IF_ERROR(WriteDurably(RecordPath(merged.to()), bytes));
  // Should the machine stop here, Open finds that the Loss covers the rest.
  for (auto entry = entries_.lower_bound(merged.from());
       entry != entries_.end() && entry->first < merged.to(); ++entry)
    unlink(RecordPath(entry->first).c_str());
  EnterLoss(merged, OnDisk(bytes.size()));
  return absl::OkStatus();
}

void Spool::PutLoss(uint64_t from, uint64_t to, const std::string& reason,
                    int64_t now) {
  const v1::Loss loss = MakeLoss(from, to, reason, now);
  LogNotice({kRecordsLost}, Priority::kWarning,
            fmt::format("records {} to {} are lost: {}", from, to,
                        enc::Log(HostText(reason))));
  // When the disk takes nothing the Loss is kept in memory, from where the
  // controller gets it all the same; Open finds out again from what is on disk.
  if (!WriteLoss(loss).ok()) EnterLoss(Merge(loss), 0);
}

void Spool::EnterLoss(const v1::Loss& loss, uint64_t size) {
  for (auto entry = entries_.lower_bound(loss.from());
       entry != entries_.end() && entry->first <= loss.to();) {
    const uint64_t seq = entry->first;
    ++entry;
    Erase(seq);
  }
  Insert(RecordOf(loss), size);
}

void Spool::CollectGarbage() {
  bodies_.Retain([this](const std::string& digest) {
    if (names_.contains(digest)) return true;
    return current_ &&
           std::ranges::any_of(current_->tables(), [&](const auto& table) {
             return table.digest() == digest;
           });
  });
}

}  // namespace metsuke
