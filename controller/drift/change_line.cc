#include "controller/drift/change_line.h"

#include <fmt/format.h>

namespace metsuke {

HostText ChangeLine(const v1::Change& change) {
  if (change.kind() == "kept")
    return HostText(std::string("kept from now on, without a row"));
  const bool added = change.kind() == "added";
  std::string line = added ? "+" : change.kind() == "removed" ? "-" : "~";
  for (const std::string& key : change.key()) line += ' ' + key;
  line += ' ';
  for (const v1::ColumnChange& column : change.columns()) {
    if (change.kind() == "changed")
      line += fmt::format(" {}: {} → {}", column.column(), column.before(),
                          column.after());
    else
      line += fmt::format(" {}={}", column.column(),
                          added ? column.after() : column.before());
  }
  return HostText(std::move(line));
}

}  // namespace metsuke
