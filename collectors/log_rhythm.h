// The rhythm of a log: which silences between its records, and which steps of
// its clock, are none of its own. Nothing here reads anything.

#ifndef METSUKE_COLLECTORS_LOG_RHYTHM_H_
#define METSUKE_COLLECTORS_LOG_RHYTHM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace metsuke {

// From one record to the next, in seconds since 1970-01-01 UTC; time went back
// where `until` is the earlier one.
struct Pause {
  int64_t since, until;
  bool operator==(const Pause&) const = default;
};
inline int64_t Length(const Pause& pause) { return pause.until - pause.since; }

// What one run of the collector may spend on all files together.
struct LogBudget {
  using Clock = std::chrono::steady_clock;

  size_t looks = 16'384;
  size_t unpacked = kMostUnpacked;  // bytes out of compressed files
  // And to see whether they are whole; a file that comes first may take more
  // (log_torn.h).
  size_t checked = 32 << 20;
  // And out of plain ones to see whether they are text (log_noise.h).
  size_t read = 256 << 20;
  // When unpacking ends, and for how long one file may take that has this time: it
  // would take all there is in each run.
  Clock::time_point until = Clock::time_point::max();
  Clock::duration most_time = std::chrono::seconds(4);

  static constexpr size_t kMostUnpacked = 64 << 20;

  bool Late() const { return Clock::now() >= until; }
  // Whether a file that is begun now has as much time as any can have.
  bool HasTime() const { return until - Clock::now() >= most_time; }
};

// A silence that is told is at least an hour long.
inline constexpr int64_t kShortest = 3600;

// Back by less is what records overtake each other by, and clocks are set by.
inline constexpr int64_t kStepBack = 600;

// A place in a log that was looked at: a part of a text, one entry of a
// journal.
struct LogPlace {
  int64_t first, last;  // its first and its last record
  size_t records = 1;
  std::vector<Pause> pauses;  // within it, those that matter
  uint64_t boot = 0;  // in which it was written; 0 when that is not told
  bool yearless = false;  // its times name no year
};

// What the places of a log add up to.
struct Rhythm {
  explicit Rhythm(int64_t least) : least(least) {}

  // The next place that was looked at, in the order of the log.
  void Add(const LogPlace& place);
  // What a newer file of the same log has.
  void Append(const Rhythm& newer);

  // What is shorter is no silence. It rises when there are very many: the long
  // ones alone can be told.
  int64_t least;
  std::optional<int64_t> first, last;
  uint64_t boot = 0, first_boot = 0;
  size_t records = 0;           // by those that were seen, all there are
  std::vector<Pause> silences;  // in the order of the log
  std::vector<Pause> steps;     // where time went back
  std::vector<Pause> boots;     // from the last record of one to the next one's
  bool yearless = false;        // times in it name no year
  bool irregular = false;       // time went back too often to go on
  bool whole = true;            // whether there are no other silences
  bool too_much = false;        // not whole, nor will it be in another run

 private:
  void Join(int64_t next, uint64_t next_boot, bool next_yearless);
  void RaiseLeast();
};

// A `rhythm` that is whole as one line, and back; nothing when it is none.
std::string ToText(const Rhythm& rhythm);
std::optional<Rhythm> RhythmFromText(std::string_view text);

// Finds the silences of `least` seconds or more among the `count` places of one
// file, by cutting in half what takes as long: a log of any size costs a few
// looks for each `least` that it spans. Where time goes back is found if a look
// falls there. The same places are looked at again when the log has grown, so
// what was found stays found. `look` returns nothing for a place without a
// record. Takes the looks off `left`; what is found is not whole when there are
// none left.
Rhythm FindPauses(size_t count, int64_t least, size_t& left,
                  const std::function<std::optional<LogPlace>(size_t)>& look);

// The parts of `silences` in which the host was on. An entry of `off`, which is
// in the order of `until`, ends with a boot; it begins with a shutdown, or with
// 0 when nobody wrote that down, and then the host may have been off for all of
// the silence up to there. A silence that begins right after a boot is none:
// the clock was set.
std::vector<Pause> WhileOn(const std::vector<Pause>& silences,
                           const std::vector<Pause>& off);

// How many times as long as the longest of the others a silence must be. Of a
// Poisson process with a thousand records the longest silence is some 7 times
// the mean, and one of twice that is not to be seen in a thousand logs; what is
// left is for people, who sleep, have weekends and holidays, and these are
// among the others.
inline constexpr int64_t kTimes = 10;

// The few silences that the log's own rhythm makes implausible: at most three,
// as what comes more often is the rhythm. For each the log must reach over
// another week, beside the silences themselves. The log must reach at least as
// far back before each and have gone on at least as long after it as it lasted,
// so that one that was set up and left alone for a while, or that has become
// quieter, is not taken for one with a hole.
std::vector<Pause> FindImplausible(std::vector<Pause> silences,
                                   const Rhythm& rhythm);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_RHYTHM_H_
