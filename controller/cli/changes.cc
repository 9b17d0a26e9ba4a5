#include "controller/cli/changes.h"

#include <fmt/format.h>

#include "proto/encode.h"

namespace metsuke::cli {
namespace {

std::string Shown(const std::string& text) { return enc::Tty(HostText(text)); }

}  // namespace

std::string ChangeLine(const v1::Change& change) {
  if (change.kind() == "kept") return "kept from now on, without a row";
  const bool added = change.kind() == "added";
  std::string line = added ? "+" : change.kind() == "removed" ? "-" : "~";
  for (const std::string& key : change.key()) line += ' ' + Shown(key);
  line += ' ';
  for (const v1::ColumnChange& column : change.columns()) {
    if (change.kind() == "changed")
      line += fmt::format(" {}: {} → {}", column.column(),
                          Shown(column.before()), Shown(column.after()));
    else
      line += fmt::format(" {}={}", column.column(),
                          Shown(added ? column.after() : column.before()));
  }
  return line;
}

}  // namespace metsuke::cli
