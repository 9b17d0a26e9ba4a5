#include "collectors/journal_holes.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

namespace metsuke {
namespace {

// Whether the file's row is another and it was written while the hole arose.
bool MayFill(const JournalFile& file, const std::string& numbering,
             const JournalHole& hole) {
  return file.numbering != numbering && file.first <= hole.last &&
         file.last >= hole.first && file.span->oldest <= hole.until &&
         file.span->newest >= hole.since;
}

// What `files`, in the order of their numbers, leave of the hole.
void AddUnfilled(JournalHole hole, const std::string& numbering,
                 const std::vector<JournalFile>& files,
                 std::vector<JournalHole>& holes) {
  for (const JournalFile& file : files) {
    if (!MayFill(file, numbering, hole)) continue;
    if (file.first > hole.first)
      holes.push_back({hole.first, file.first - 1, hole.since, hole.until});
    if (file.last >= hole.last) return;
    hole.first = file.last + 1;
  }
  holes.push_back(hole);
}

}  // namespace

std::vector<JournalHole> FindHoles(std::vector<JournalFile> files) {
  std::erase_if(files, [](const JournalFile& file) { return !file.span; });
  std::ranges::sort(files, {}, [](const JournalFile& file) {
    return std::tie(file.first, file.last);
  });
  std::vector<JournalHole> holes;
  std::map<std::string, const JournalFile*> reached;  // by the row's name
  for (const JournalFile& file : files) {
    const auto [before, first] = reached.try_emplace(file.numbering, &file);
    const JournalFile& last = *before->second;
    if (!first && file.first > last.last + 1)
      AddUnfilled({last.last + 1, file.first - 1, last.span->newest,
                   file.span->oldest},
                  file.numbering, files, holes);
    if (file.last > last.last) before->second = &file;
  }
  return holes;
}

}  // namespace metsuke
