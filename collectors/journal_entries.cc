#include "collectors/journal_entries.h"

#include <endian.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "proto/status.h"

namespace metsuke {
namespace {

// As JOURNAL_FILE_FORMAT of systemd lays it down; all numbers are
// little-endian.
constexpr size_t kIncompatible = 12, kEntries = 152, kFirstArray = 176,
                 kHeader = 208;
constexpr uint32_t kCompact = 1 << 4;
constexpr size_t kObjectSize = 8, kNextArray = 16, kItems = 24;
constexpr size_t kRealtime = 24, kBoot = 40, kEntry = 56;
// Arrays double in size; a file that has more is a ring.
constexpr size_t kMostArrays = 128;

uint64_t NumberAt(const std::string& bytes, size_t at) {
  uint64_t value;
  memcpy(&value, bytes.data() + at, sizeof value);
  return le64toh(value);
}

class Entries {
 public:
  Entries(const Host& host, const std::string& path)
      : host_(host), path_(path) {}

  absl::Status Open() {
    ASSIGN_OR_RETURN(const std::string header, Bytes(0, kHeader));
    if (!header.starts_with("LPKSHHRH")) return Damaged();
    item_ = NumberAt(header, kIncompatible) & kCompact ? 4 : 8;
    const uint64_t entries = NumberAt(header, kEntries);
    for (uint64_t at = NumberAt(header, kFirstArray);
         at != 0 && count_ < entries;) {
      ASSIGN_OR_RETURN(const std::string array, Bytes(at, kItems));
      const uint64_t size = NumberAt(array, kObjectSize);
      if (size < kItems || arrays_.size() == kMostArrays) return Damaged();
      arrays_.push_back({count_, at});
      // What is not used yet of the last one is zeros.
      count_ = std::min(entries, count_ + (size - kItems) / item_);
      at = NumberAt(array, kNextArray);
    }
    return absl::OkStatus();
  }

  size_t count() const { return count_; }

  absl::StatusOr<LogPlace> At(size_t number) const {
    const auto array =
        std::prev(std::ranges::upper_bound(arrays_, number, {}, &Array::first));
    ASSIGN_OR_RETURN(
        std::string item,
        Bytes(array->at + kItems + (number - array->first) * item_, item_));
    item.resize(8, '\0');
    ASSIGN_OR_RETURN(const std::string entry, Bytes(NumberAt(item, 0), kEntry));
    const auto seconds =
        static_cast<int64_t>(NumberAt(entry, kRealtime) / 1'000'000);
    return LogPlace{seconds,
                    seconds,
                    1,
                    {},
                    NumberAt(entry, kBoot) ^ NumberAt(entry, kBoot + 8)};
  }

 private:
  struct Array {
    uint64_t first, at;
  };

  absl::Status Damaged() const {
    return absl::InvalidArgumentError(
        fmt::format("{}: a journal that is damaged", path_));
  }

  absl::StatusOr<std::string> Bytes(uint64_t at, size_t length) const {
    if (at > INT64_MAX / 2) return Damaged();
    ASSIGN_OR_RETURN(std::string bytes,
                     host_.ReadBytes(path_, static_cast<int64_t>(at), length));
    if (bytes.size() < length) return Damaged();
    return bytes;
  }

  const Host& host_;
  const std::string& path_;
  uint64_t item_ = 8, count_ = 0;
  std::vector<Array> arrays_;
};

}  // namespace

absl::StatusOr<Rhythm> ReadJournalRhythm(const Host& host,
                                         const std::string& path, int64_t least,
                                         size_t& left) {
  Entries entries(host, path);
  RETURN_IF_ERROR(entries.Open());
  absl::Status trouble;
  Rhythm rhythm = FindPauses(
      entries.count(), least, left, [&](size_t i) -> std::optional<LogPlace> {
        const auto place = entries.At(i);
        if (place.ok()) return *place;
        // The last ones may be about to be written.
        if (!absl::IsInvalidArgument(place.status()))
          trouble.Update(place.status());
        return {};
      });
  RETURN_IF_ERROR(trouble);
  return rhythm;
}

}  // namespace metsuke
