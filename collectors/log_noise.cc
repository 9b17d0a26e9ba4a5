#include "collectors/log_noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/log_places.h"
#include "collectors/log_order.h"
#include "collectors/log_shrunk.h"
#include "collectors/unpack.h"
#include "collectors/words.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kBlock = 1 << 20;
// A file that is larger is hollow, or takes days: it is left aside.
constexpr int64_t kLargest = int64_t{16} << 30;
// How far the records next to noise are looked for, and within what noise is one.
constexpr int64_t kBeside = 64 << 10, kOne = 4096;
// Of one file; a binary file is known by then to be no log.
constexpr size_t kMost = 20;

// From the first to the last byte without a value, and the records around.
struct Noise {
  int64_t first, last;        // offsets
  int64_t since = 0, until = 0;  // 0 where there is none
};

// What is known of one file, by its inode, as it is the same when it is rotated.
struct File {
  uint64_t inode = 0, head = 0;
  int64_t read = 0;  // bytes
  std::vector<Noise> noise;

  std::string ToText() const {
    std::string text =
        fmt::format("{} {} {}", inode, static_cast<int64_t>(head), read);
    for (const Noise& one : noise)
      text += fmt::format(" {} {} {} {}", one.first, one.last, one.since,
                          one.until);
    return text;
  }

  static std::optional<File> FromText(std::string_view text) {
    std::vector<int64_t> numbers;
    for (const std::string_view word : Words(text)) {
      const auto number = Number(word);
      if (!number) return {};
      numbers.push_back(*number);
    }
    if (numbers.size() < 3 || numbers.size() % 4 != 3) return {};
    File file{static_cast<uint64_t>(numbers[0]),
              static_cast<uint64_t>(numbers[1]), numbers[2], {}};
    for (size_t i = 3; i < numbers.size(); i += 4)
      file.noise.push_back(
          {numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3]});
    return file;
  }
};

class Reader {
 public:
  Reader(const Host& host, const Zone& zone, LogBudget& budget)
      : host_(host), zone_(zone), budget_(budget) {}

  // Reads on what the file got since, from where its text begins. False when the
  // budget is spent before its end.
  absl::StatusOr<bool> Read(const LogPiece& piece, File& file) {
    ASSIGN_OR_RETURN(const std::string begin,
                     host_.ReadBytes(piece.path, 0, kLogHead));
    // Until it is as long as that it is read anew.
    const uint64_t head = begin.size() < kLogHead ? 0 : LogHeadOf(begin);
    if (head == 0 || file.head != head || file.inode != piece.info.inode ||
        file.read > piece.info.size) {
      ASSIGN_OR_RETURN(const Cut cut, LookForCut(host_, piece, zone_));
      file = {.inode = piece.info.inode, .head = head, .read = cut.zeros};
    }
    if (piece.info.size - file.read > kLargest)
      return absl::ResourceExhaustedError(
          fmt::format("{} holds more than {} GiB: whether all of it is text was "
                      "not looked at",
                      piece.path, kLargest >> 30));
    RETURN_IF_ERROR(ReadOn(piece, file));
    for (Noise& one : file.noise)
      if (one.until == 0) RETURN_IF_ERROR(LookAround(piece, one));
    return file.read >= piece.info.size;
  }

 private:
  absl::Status ReadOn(const LogPiece& piece, File& file) {
    while (file.read < piece.info.size) {
      const auto next = static_cast<size_t>(
          std::min(kBlock, piece.info.size - file.read));
      if (budget_.read < next || budget_.Late()) break;
      budget_.read -= next;
      ASSIGN_OR_RETURN(const std::string bytes,
                       host_.ReadBytes(piece.path, file.read, next));
      if (bytes.empty()) break;
      Find(bytes, file);
      file.read += static_cast<int64_t>(bytes.size());
    }
    return absl::OkStatus();
  }

  static void Find(std::string_view bytes, File& file) {
    for (size_t at = bytes.find('\0'); at != bytes.npos;
         at = bytes.find('\0', at)) {
      const size_t end = std::min(bytes.find_first_not_of('\0', at), bytes.size());
      const int64_t first = file.read + static_cast<int64_t>(at);
      const int64_t last = file.read + static_cast<int64_t>(end) - 1;
      if (!file.noise.empty() && first - file.noise.back().last <= kOne)
        file.noise.back().last = last, file.noise.back().until = 0;
      else if (file.noise.size() <= kMost)
        file.noise.push_back({first, last});
      at = end;
    }
  }

  absl::Status LookAround(const LogPiece& piece, Noise& noise) const {
    const int64_t from = std::max<int64_t>(0, noise.first - kBeside);
    ASSIGN_OR_RETURN(
        const std::string before,
        host_.ReadBytes(piece.path, from,
                        static_cast<size_t>(noise.first - from)));
    ASSIGN_OR_RETURN(const std::string after,
                     host_.ReadBytes(piece.path, noise.last + 1, kBeside));
    const auto place = [&](std::string_view text) {
      return LookAtText(text, text.size(), zone_, piece.info.modified,
                        kShortest);
    };
    if (const auto older = place(before)) noise.since = older->last;
    if (const auto newer = place(after)) noise.until = newer->first;
    return absl::OkStatus();
  }

  const Host& host_;
  const Zone& zone_;
  LogBudget& budget_;
};

}  // namespace

std::vector<LogPause> FindNoise(const Host& host, const LogStream& stream,
                                const Zone& zone, LogBudget& budget,
                                Gaps& gaps) {
  const std::string note = "noise " + stream.path;
  const std::string left = host.Left(note);
  std::vector<File> known;
  for (const std::string_view line : Lines(left))
    if (auto file = File::FromText(line)) known.push_back(*std::move(file));
  Reader reader(host, zone, budget);
  std::string remembered;
  std::vector<LogPause> found;
  for (const LogPiece& piece : InOrder(host, stream.path, stream.pieces, zone)) {
    if (IsPacked(piece.path)) continue;
    const auto before =
        std::ranges::find(known, piece.info.inode, &File::inode);
    File file = before != known.end() ? *before : File();
    const auto whole = reader.Read(piece, file);
    if (!whole.ok()) {
      // log_sources tells what cannot be read at all.
      if (!absl::IsNotFound(whole.status()))
        gaps.Add(piece.path, Message(whole.status()));
      continue;
    }
    remembered += file.ToText() + "\n";
    if (!*whole) {
      host.ReadLive();
      gaps.Add(stream.path, "not all of it was read yet to see whether it is "
                            "text");
    }
    const std::string_view name =
        std::string_view(piece.path).substr(piece.path.rfind('/') + 1);
    for (size_t i = 0; i < std::min(file.noise.size(), kMost); ++i) {
      const Noise& one = file.noise[i];
      // It may go on.
      if (!*whole && one.last + 1 == file.read) continue;
      // No log: log_sources says that it has no record.
      if (one.since == 0 && one.until == 0) continue;
      found.push_back({one.since, one.until,
                       fmt::format("{} has {} bytes between its lines that are "
                                   "no text",
                                   name, one.last - one.first + 1)});
    }
    if (file.noise.size() > kMost)
      gaps.Add(stream.path,
               fmt::format("{} has bytes that are no text in more places than "
                           "the {} that are told",
                           name, kMost));
  }
  host.Leave(note, remembered);
  return found;
}

}  // namespace metsuke
