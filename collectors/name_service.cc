#include "collectors/name_service.h"

#include "collectors/words.h"

namespace metsuke {

std::vector<std::string> ForeignSources(const Host& host,
                                        std::string_view database) {
  std::vector<std::string> foreign;
  const absl::StatusOr<std::string> text = host.Read("/etc/nsswitch.conf");
  if (!text.ok()) return foreign;
  for (std::string_view line : Lines(*text)) {
    line = Strip(line.substr(0, line.find('#')));
    const size_t colon = line.find(':');
    if (colon == line.npos || Strip(line.substr(0, colon)) != database)
      continue;
    bool action = false;  // "[NOTFOUND=return]" may have blanks
    for (const std::string_view word : Words(line.substr(colon + 1))) {
      action = action || word.starts_with('[');
      if (!action && word != "files" && word != "compat" && word != "systemd")
        foreign.emplace_back(word);
      if (word.ends_with(']')) action = false;
    }
  }
  return foreign;
}

}  // namespace metsuke
