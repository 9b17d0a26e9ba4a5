#include "controller/drift/shared_columns.h"

#include <algorithm>

#include "controller/drift/diff_table.h"
#include "proto/canonical.h"

namespace metsuke {
namespace {

uint32_t KnownColumns(const v1::Snapshot& about, const std::string& table) {
  if (about.collections().empty()) return kEveryColumn;
  const auto row =
      std::ranges::find(about.collections(), table, &v1::Collection::table);
  if (row == about.collections().end()) return 0;
  return row->columns() == 0 ? kEveryColumn : row->columns();
}

}  // namespace

uint32_t SharedColumns(const v1::Snapshot& before, const v1::Snapshot& after,
                       const std::string& table) {
  const auto* field = TableField(table);
  if (field == nullptr || FilledBy(field) == "metsuke-controller" ||
      table == "collections" || table == "gaps")
    return kEveryColumn;
  return std::min(KnownColumns(before, table), KnownColumns(after, table));
}

}  // namespace metsuke
