#include "controller/export/host_findings.h"

#include <fmt/format.h>

#include "proto/encode.h"
#include "proto/instant.h"

namespace metsuke {
namespace {

std::string CellText(const v1::Cell& cell) {
  switch (cell.value_case()) {
    case v1::Cell::kInteger:
      return fmt::format("{}", cell.integer());
    case v1::Cell::kReal:
      return fmt::format("{}", cell.real());
    case v1::Cell::kText:
      return enc::Tty(HostText(cell.text()));
    default:
      return "";
  }
}

}  // namespace

std::vector<std::string> EvidenceLines(const v1::RowSet& rows) {
  std::vector<std::string> lines;
  for (const v1::Row& row : rows.rows()) {
    std::string line;
    for (int i = 0; i < row.cells_size() && i < rows.columns_size(); ++i)
      line += fmt::format("{}{}={}", i == 0 ? "" : " ",
                          enc::Tty(HostText(rows.columns(i))),
                          CellText(row.cells(i)));
    lines.push_back(std::move(line));
  }
  if (rows.omitted() > 0)
    lines.push_back(
        fmt::format("… and {} more that were not kept", rows.omitted()));
  return lines;
}

std::string WaiverLine(const v1::Finding& finding) {
  return fmt::format("waived until {}, approved by {} ({}): {}",
                     Rfc3339(finding.waived_until()),
                     enc::Tty(HostText(finding.waiver_approver())),
                     enc::Tty(HostText(finding.waiver())),
                     enc::Tty(HostText(finding.waiver_reason())));
}

}  // namespace metsuke
