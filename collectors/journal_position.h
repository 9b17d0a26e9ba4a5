// A place in a systemd journal, as the cursor of sd_journal_get_cursor(3) names
// it: numbers alone, so that it crosses the border to metsuke-collect in a
// fixed form and nothing is parsed there.

#ifndef METSUKE_COLLECTORS_JOURNAL_POSITION_H_
#define METSUKE_COLLECTORS_JOURNAL_POSITION_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace metsuke {

struct JournalPosition {
  using Id = std::array<uint8_t, 16>;

  Id numbering{};         // seqnum_id: who gave the number
  uint64_t number = 0;    // of the record, rising by one from record to record
  Id boot{};              // of the kernel's boot
  uint64_t monotonic = 0; // microseconds since that
  uint64_t time = 0;      // microseconds since 1970-01-01 UTC
  uint64_t content = 0;   // a hash of the record

  bool operator==(const JournalPosition&) const = default;
  // Whether it is that of no record: where nothing was read yet.
  bool none() const { return *this == JournalPosition(); }

  // The cursor, for sd_journal_seek_cursor(3).
  std::string Cursor() const;
  // Nothing when `cursor` lacks a part.
  static std::optional<JournalPosition> FromCursor(std::string_view cursor);

  // The sixty-four bytes as they are in memory, for the programs of one machine.
  std::string Bytes() const;
  // `none` when there are not as many.
  static JournalPosition FromBytes(std::string_view bytes);
};
static_assert(sizeof(JournalPosition) == 64);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_POSITION_H_
