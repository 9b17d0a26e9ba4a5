// Instants in text logs.

#ifndef METSUKE_COLLECTORS_LOG_TIME_H_
#define METSUKE_COLLECTORS_LOG_TIME_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace metsuke {

// The offsets of a time zone over the years, from a TZif file (RFC 8536).
class Zone {
 public:
  // UTC.
  Zone() = default;
  // The zone in `tzif`, the content of /etc/localtime; UTC when it is no such
  // file. After the last change that the file lists its last offset counts, so
  // a "slim" file, which leaves changes to come to a rule, may be an hour off.
  explicit Zone(std::string_view tzif);

  // The instant at which clocks show `local`, seconds since 1970-01-01 00:00
  // on the wall; the earlier one of two.
  int64_t ToUtc(int64_t local) const;

  // Whether clocks may have been put forward or back within a day of `instant`.
  bool MayChangeNear(int64_t instant) const;

  // Tells it from other zones, for as long as this program runs.
  size_t id() const { return id_; }

 private:
  struct Change {
    int64_t since;
    int32_t offset;  // seconds east of UTC
  };
  int32_t OffsetAt(int64_t instant) const;

  size_t id_ = 0;
  int32_t first_offset_ = 0;
  std::vector<Change> changes_;
  bool ruled_ = false;  // changes go on, by a rule, after the last one listed
};

// The instant that a line bears near its beginning, in seconds since 1970-01-01
// UTC, in one of the forms that logs have:
//   2026-11-21T20:00:00+09:00    RFC 3339, also with a blank for the T; without
//                                an offset, "Z" or "UTC" it is of `zone`
//   2026/11/21 20:00:00          of `zone` (nginx)
//   [21/Nov/2026:20:00:00 +0900] the Common Log Format of web servers
//   [Sat Nov 21 20:00:00 2026]   of `zone` (Apache)
//   Nov 21 20:00:00              RFC 3164, of `zone`, and only at the beginning
//   audit(1700000000.123:456)    an audit record
// RFC 3164 names no year: it is the latest in which the instant is not after
// `latest` by more than a day.
std::optional<int64_t> LogTime(std::string_view line, const Zone& zone,
                               int64_t latest);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_TIME_H_
