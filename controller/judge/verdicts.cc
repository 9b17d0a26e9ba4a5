#include "controller/judge/verdicts.h"

#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {

Waived Verdicts::WaivedOn(const TableDigests& tables, const JudgedState& judged,
                          const std::string& host) {
  static const std::vector<std::string> kNone;
  if (!waivers_.ByLabels()) return waivers_.Cover(judged, kNone, host);
  // Many states have the same labels.
  const auto digest = tables.find("labels");
  const auto [labels, fresh] =
      labels_.try_emplace(digest == tables.end() ? "" : digest->second);
  if (fresh) {
    const auto read = ReadLabels(tables, bodies_);
    if (read.ok())
      labels->second = *read;
    else
      Log(Priority::kError, "labels: " + Message(read.status()));
  }
  return waivers_.Cover(judged, labels->second, host);
}

}  // namespace metsuke
