#include "collectors/log_order.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "collectors/log_names.h"
#include "collectors/unpack.h"

namespace metsuke {
namespace {

std::string_view NameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool ChangedBefore(const LogPiece& a, const LogPiece& b) {
  return std::tie(a.info.modified, b.path) < std::tie(b.info.modified, a.path);
}

// Sorts by what `place` says of a name, the least first; false where it has no
// answer for one of them.
template <typename Place>
bool SortBy(std::vector<LogPiece>& pieces, Place place) {
  std::vector<std::pair<decltype(place("")), LogPiece>> placed;
  for (LogPiece& piece : pieces)
    placed.emplace_back(place(NameOf(piece.path)), piece);
  if (std::any_of(placed.begin(), placed.end(),
                  [](const auto& one) { return !one.first; }))
    return false;
  std::sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) {
    return *a.first != *b.first ? *a.first < *b.first
                                : ChangedBefore(a.second, b.second);
  });
  pieces.clear();
  for (auto& [at, piece] : placed) pieces.push_back(std::move(piece));
  return true;
}

bool SortByName(std::vector<LogPiece>& pieces, std::string_view base) {
  return SortBy(pieces,
                [&](std::string_view name) -> std::optional<int> {
                  const auto number = RotationOf(name, base);
                  if (!number) return {};
                  return -*number;
                }) ||
         SortBy(pieces, [&](std::string_view name) {
           // Behind all dates.
           return name == base ? std::optional<std::string>("current")
                               : DateOf(name);
         });
}

// Some programs give the newest file the highest number.
void SortByRecords(const Host& host, LogFormat format, const Zone& zone,
                   std::vector<LogPiece>& pieces) {
  std::vector<std::pair<int64_t, LogPiece>> begins;
  int64_t begin = 0;
  for (LogPiece& piece : pieces) {
    const auto span = ReadPiece(host, format, piece, zone);
    // What has no record stays where its name puts it.
    if (span.ok() && *span) begin = (*span)->oldest;
    begins.emplace_back(begin, std::move(piece));
  }
  std::stable_sort(begins.begin(), begins.end(),
                   [](auto& a, auto& b) { return a.first < b.first; });
  pieces.clear();
  for (auto& [time, piece] : begins) pieces.push_back(std::move(piece));
}

}  // namespace

std::vector<LogPiece> InOrder(const Host& host, const std::string& path,
                              std::vector<LogPiece> pieces, const Zone& zone) {
  const std::vector<LogPiece> all = pieces;
  std::erase_if(pieces, [&](const LogPiece& piece) {
    return IsPacked(piece.path) &&
           std::any_of(all.begin(), all.end(), [&](const LogPiece& other) {
             return other.path == piece.path.substr(0, piece.path.rfind('.'));
           });
  });
  if (!SortByName(pieces, NameOf(path)))
    std::sort(pieces.begin(), pieces.end(), ChangedBefore);
  else if (!std::is_sorted(pieces.begin(), pieces.end(),
                           [](const LogPiece& a, const LogPiece& b) {
                             return a.info.modified < b.info.modified;
                           }))
    SortByRecords(host, LogFormatOf(path), zone, pieces);
  return pieces;
}

}  // namespace metsuke
