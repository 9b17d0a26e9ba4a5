#include "collectors/journal_damage.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <utility>

#include "collectors/log_pauses.h"
#include "collectors/temporary_folder.h"
#include "collectors/words.h"
#include "proto/run.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kJournalctl[] = "/usr/bin/journalctl";
// With less time than that none is begun.
constexpr auto kLeastTime = std::chrono::seconds(2);
// What takes longer would take all the time there is in each run.
constexpr auto kMostTime = std::chrono::seconds(8);
// Of one journal.
constexpr size_t kMostDamaged = 100;
constexpr char kColumn[] = "damage";

// What is remembered of a file. Why follows the last two.
constexpr std::string_view kPasses = "passes", kFails = "fails ",
                           kUnverified = "unverified ";

std::string Fails(std::string_view why) {
  return fmt::format("{}{}", kFails, why);
}

std::string Unverified(std::string_view why) {
  return fmt::format("{}{}", kUnverified, why);
}

// What keeps it from verifying a file (strerror(3)), whatever is in that. With
// "Protocol not supported" the file has features that are newer than it.
bool IsOfTheVerifier(std::string_view why) {
  constexpr std::string_view kReasons[] = {
      "Read-only file system",   "No space left on device",
      "Disk quota exceeded",     "Cannot allocate memory",
      "Operation not supported", "Operation not permitted",
      "Permission denied",       "File too large",
      "Too many open files",     "No such file or directory",
      "Protocol not supported"};
  return std::ranges::find(kReasons, why) != std::end(kReasons);
}

// Rotated by journald, or set aside by it: what it is writing has no "@" in its
// name.
bool WasPutAway(const JournalFile& file) {
  return file.name.find('@') != std::string::npos;
}

// Verifies the files of one journal.
class Verifier {
 public:
  Verifier(const Host& host, const std::string& journal, VerifyBudget& budget,
           Gaps& gaps)
      : host_(host), journal_(journal), budget_(budget), gaps_(gaps) {}

  // kPasses, kFails or kUnverified; nothing when that is for another run.
  std::string Of(const JournalFile& file) {
    return host_.Remember("verify", file.path, [&] { return Verify(file); });
  }

  // Whether files were left for another run.
  bool left() const { return left_; }

 private:
  std::string Verify(const JournalFile& file) {
    const Host::Unrecorded unrecorded(host_);
    const auto info = host_.Stat(file.path);
    if (!info.ok()) return "";  // removed meanwhile
    if (info->kind != FileInfo::Kind::kRegular)
      return Unverified("it is no regular file");
    if (info->size > VerifyBudget::kMost)
      return Unverified(fmt::format("it is larger than {} MiB",
                                    VerifyBudget::kMost >> 20));
    // One that was rotated just now may still be being closed.
    const bool closed = file.closed || file.name.ends_with('~') ||
                        std::time(nullptr) - info->modified > kStillWritten;
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(
        budget_.until - Clock::now());
    if (!closed || time < kLeastTime || info->size > budget_.bytes) {
      left_ = true;
      return "";
    }
    budget_.bytes -= info->size;
    return Ask(file.path, std::min<std::chrono::milliseconds>(time, kLongestRun));
  }

  std::string Ask(const std::string& path, std::chrono::milliseconds time) {
    RunOptions options{.deadline = time,
                       .accepted_codes = {1},
                       .with_errors = true,
                       .reads_everything = true};
    // It counts objects in temporary files.
    options.temporary = TemporaryFolder(host_);
    const auto printed =
        host_.Run({kJournalctl, "--verify", "--file=" + path}, options);
    const auto why = printed.ok()
                         ? ReadVerification(*printed, path)
                         : absl::StatusOr<std::string>(printed.status());
    if (why.ok()) return why->empty() ? std::string(kPasses) : Fails(*why);
    if (absl::IsDeadlineExceeded(why.status()) && time < kMostTime) {
      left_ = true;
    } else if (!host_.Running() || absl::IsNotFound(why.status())) {
      gaps_.Add(journal_,
                "its files are not verified: " + Message(why.status()),
                {kColumn});
    } else if (host_.Stat(path).ok()) {
      // It would fail again, at the cost of those behind it.
      return Unverified(Message(why.status()));
    }
    return "";
  }

  const Host& host_;
  const std::string& journal_;
  VerifyBudget& budget_;
  Gaps& gaps_;
  bool left_ = false;
};

}  // namespace

absl::StatusOr<std::string> ReadVerification(std::string_view printed,
                                             const std::string& path) {
  const std::string fails = fmt::format("FAIL: {} (", path);
  std::string why;
  for (const std::string_view line : Lines(printed)) {
    if (line == "PASS: " + path) return "";
    // What cannot be opened is not named.
    constexpr std::string_view kNotOpened = "Failed to open files: ";
    if (line.starts_with(kNotOpened)) why = line.substr(kNotOpened.size());
    if (line.starts_with(fails) && line.ends_with(')'))
      why = line.substr(fails.size(), line.size() - fails.size() - 1);
  }
  if (why.empty())
    return absl::UnavailableError(
        fmt::format("{} told neither PASS nor FAIL", kJournalctl));
  if (IsOfTheVerifier(why))
    return absl::UnavailableError(fmt::format("{}: {}", kJournalctl, why));
  return why;
}

std::vector<JournalDamage> FindDamage(const Host& host,
                                      const std::string& journal,
                                      const std::vector<JournalFile>& files,
                                      VerifyBudget& budget, Gaps& gaps) {
  // What happened last is known first; the others were verified in earlier days.
  std::vector<const JournalFile*> put_away;
  for (const JournalFile& file : files)
    if (WasPutAway(file)) put_away.push_back(&file);
  std::ranges::stable_sort(
      put_away, std::ranges::greater(), [](const JournalFile* file) {
        return file->span ? file->span->newest : 0;
      });
  Verifier verifier(host, journal, budget, gaps);
  std::vector<JournalDamage> found;
  for (const JournalFile* file : put_away) {
    const std::string said = verifier.Of(*file);
    if (said.starts_with(kUnverified))
      gaps.Add(file->path,
               "was not verified: " + said.substr(kUnverified.size()),
               {kColumn});
    if (!said.starts_with(kFails)) continue;
    if (found.size() == kMostDamaged) {
      gaps.Add(journal, "more files are damaged than are told", {kColumn});
      break;
    }
    found.push_back({file, said.substr(kFails.size())});
  }
  if (verifier.left()) {
    host.ReadLive();
    gaps.Add(journal, "not all of its files were verified yet", {kColumn});
  }
  return found;
}

}  // namespace metsuke
