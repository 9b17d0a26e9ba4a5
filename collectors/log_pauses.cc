#include "collectors/log_pauses.h"

#include <endian.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "collectors/log_names.h"
#include "collectors/log_order.h"
#include "collectors/log_places.h"
#include "collectors/unpack.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kHour = 3600, kDay = 24 * kHour;
// More than that is how a log is, which has the clocks of several hosts in it.
constexpr size_t kMostSteps = 3;

// "3 hours", in whole units.
std::string Words(int64_t seconds) {
  const auto [unit, name] = seconds >= 3 * kDay ? std::pair(kDay, "day")
                            : seconds >= 3 * kHour || seconds % kHour == 0
                                ? std::pair(kHour, "hour")
                                : std::pair(int64_t{60}, "minute");
  const int64_t count = seconds / unit;
  return fmt::format("{} {}{}", count, name, count == 1 ? "" : "s");
}

bool Explained(const Pause& step, const Zone& zone,
               const std::vector<Pause>& off) {
  const int64_t back = -Length(step);
  if (back <= kHour + kStepBack && zone.MayChangeNear(step.since)) return true;
  return std::ranges::any_of(off, [&](const Pause& one) {
    const auto near = [&](int64_t time) {
      return one.until >= time - kStepBack && one.until <= time + kStepBack;
    };
    return near(step.since) || near(step.until);
  });
}

// Whether `older` was copied from the file before that was emptied, as
// logrotate's copytruncate does: it is about as long as what has no value. Also
// where its length is not known.
bool IsCopy(const Host& host, const LogPiece& older, int64_t zeros) {
  int64_t size = older.info.size;
  if (IsPacked(older.path) && !older.path.ends_with(".gz")) return true;
  if (older.path.ends_with(".gz")) {
    // ISIZE (RFC 1952): the last four bytes, modulo 2^32.
    const auto bytes = host.ReadBytes(older.path, -4, 4);
    if (!bytes.ok() || bytes->size() != 4) return true;
    uint32_t value;
    memcpy(&value, bytes->data(), sizeof value);
    size = le32toh(value);
    zeros &= UINT32_MAX;
  }
  // What was written while it was copied.
  const int64_t meanwhile = std::max<int64_t>(64 << 10, size / 16);
  return zeros >= size - meanwhile && zeros <= size + meanwhile;
}

}  // namespace

bool IsOfTheSystem(std::string_view path) {
  // What the packages of rsyslog, syslog-ng and auditd set up.
  constexpr std::string_view kPaths[] = {
      "/var/log/syslog",  "/var/log/messages", "/var/log/auth.log",
      "/var/log/secure",  "/var/log/cron",     "/var/log/cron.log",
      "/var/log/audit/audit.log"};
  return std::ranges::find(kPaths, path) != std::end(kPaths);
}

std::vector<LogPause> FindLogPauses(
    const Zone& zone, const std::vector<Pause>& off,
    const std::function<Rhythm(int64_t least)>& read) {
  const auto silences = [&](const Rhythm& rhythm) {
    auto on = WhileOn(rhythm.silences, off);
    std::erase_if(on, [&](const Pause& pause) {
      // The hour that clocks show twice ends with a leap over one.
      return Length(pause) < rhythm.least ||
             (Length(pause) < 2 * kHour && zone.MayChangeNear(pause.since));
    });
    return on;
  };
  // Most logs have no such silence, or many: only for the few others it matters
  // how long those are that are shorter.
  Rhythm rhythm = read(kShortest);
  std::vector<Pause> on = silences(rhythm);
  std::vector<Pause> steps = rhythm.steps;
  std::erase_if(steps, [&](const Pause& step) {
    return Explained(step, zone, off);
  });
  if (rhythm.irregular || steps.size() > kMostSteps) steps.clear();
  if (!on.empty() && on.size() <= 3) {
    rhythm = read(kShortest / kTimes);
    on = silences(rhythm);
  }
  std::vector<LogPause> found;
  for (const Pause& silence : FindImplausible(on, rhythm))
    found.push_back({silence.since, silence.until,
                     "nothing for " + Words(Length(silence))});
  for (const Pause& step : steps)
    found.push_back({step.until, step.since,
                     fmt::format("time goes back by {} from one record to the "
                                 "next",
                                 Words(-Length(step)))});
  return found;
}

Rhythm ReadFiles(const Host& host, const std::string& log,
                 const std::vector<std::string>& paths, const std::string& what,
                 int64_t least, Gaps& gaps,
                 const std::function<absl::StatusOr<Rhythm>(size_t)>& read) {
  constexpr char kTooMuch[] = "too much";
  std::vector<Rhythm> files;
  for (size_t i = paths.size(); i-- > 0;) {
    absl::StatusOr<Rhythm> rhythm = Rhythm(least);
    bool was_read = false;
    const auto find = [&]() -> std::string {
      rhythm = read(i);
      was_read = true;
      // What could not be read may be in the next look.
      if (!rhythm.ok()) return "";
      if (rhythm->too_much) return kTooMuch;
      return rhythm->whole ? ToText(*rhythm) : "";
    };
    // The current file is another in the next look.
    if (i + 1 == paths.size() && !IsPacked(paths[i])) {
      find();
    } else {
      const std::string said =
          host.Remember(fmt::format("{} {}", what, least), paths[i], find);
      if (const auto known = RhythmFromText(said))
        rhythm = *known;
      else if (said == kTooMuch)
        rhythm->whole = false, rhythm->too_much = true;
      else if (!was_read)
        find();
    }
    // log_sources tells what is compressed in another way.
    if (absl::IsUnimplemented(rhythm.status()) ||
        absl::IsNotFound(rhythm.status()))
      break;
    if (!rhythm.ok() || !rhythm->whole) {
      if (!rhythm.ok() || !rhythm->too_much) host.ReadLive();
      gaps.Add(log, rhythm.ok() ? fmt::format("not all of {} was looked through",
                                              log)
                                : Message(rhythm.status()));
      break;
    }
    files.push_back(*std::move(rhythm));
  }
  Rhythm all(least);
  for (auto file = files.rbegin(); file != files.rend(); ++file)
    all.Append(*file);
  return all;
}

namespace {

// When the host was given its zone; times without an offset that were written
// in another one before are read as if they were of this one.
int64_t ZoneSet(const Host& host) {
  const auto link = host.StatBelow("/etc", "localtime");
  return link.ok() ? link->changed : 0;
}

}  // namespace

LogPauses::LogPauses(const Host& host, const Zone& zone, std::vector<Pause> off,
                     LogBudget& budget, Gaps& gaps)
    : host_(host),
      zone_(zone),
      zone_name_(host.ReadLink("/etc/localtime").value_or("")),
      zone_set_(ZoneSet(host)),
      off_(std::move(off)),
      budget_(budget),
      gaps_(gaps) {}

void LogPauses::AddCut(const std::vector<LogPiece>& pieces,
                       std::vector<LogPause>& found) {
  const LogPiece& current = pieces.back();
  if (IsPacked(current.path) || current.info.size == 0) return;
  const auto cut = LookForCut(host_, current, zone_);
  if (!cut.ok()) return;
  if (cut->zeros == 0 && !cut->in_a_line) return;
  const auto rhythm = ReadRhythm(host_, current, zone_, INT64_MAX, budget_);
  if (!rhythm.ok() || !rhythm->first) return;
  const LogPiece* older =
      pieces.size() > 1 ? &pieces[pieces.size() - 2] : nullptr;
  if (cut->zeros > 0 &&
      (older == nullptr || IsCopy(host_, *older, cut->zeros)))
    return;
  int64_t since = 0;
  if (older != nullptr) {
    const auto span = ReadPiece(host_, LogFormat::kText, *older, zone_);
    if (span.ok() && *span)
      since = (*span)->newest;
    else if (cut->zeros > 0)
      return;
  }
  found.push_back({since, *rhythm->first,
                   cut->zeros > 0
                       ? fmt::format("begins with {} bytes of nothing: it was "
                                     "emptied while its writer went on",
                                     cut->zeros)
                       : "begins in the middle of a line"});
}

std::vector<LogPause> LogPauses::Of(const LogStream& stream) {
  const std::vector<LogPiece> pieces = InOrder(host_, stream.path, stream.pieces, zone_);
  if (pieces.empty()) return {};
  std::vector<std::string> paths;
  for (const LogPiece& piece : pieces) paths.push_back(piece.path);
  auto found = FindLogPauses(zone_, off_, [&](int64_t least) {
    return ReadFiles(host_, stream.path, paths, "pauses " + zone_name_, least,
                     gaps_, [&](size_t i) {
                       return ReadRhythm(host_, pieces[i], zone_, least,
                                         budget_);
                     });
  });
  std::erase_if(found, [&](const LogPause& pause) {
    return pause.since <= zone_set_ + kDay && pause.until >= zone_set_ - kDay;
  });
  AddCut(pieces, found);
  return found;
}

}  // namespace metsuke
