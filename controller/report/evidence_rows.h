// Rows of evidence, each with the hosts it is on.

#ifndef METSUKE_CONTROLLER_REPORT_EVIDENCE_ROWS_H_
#define METSUKE_CONTROLLER_REPORT_EVIDENCE_ROWS_H_

#include <cstdint>
#include <map>
#include <string>

#include "controller/report/fleet_change.h"
#include "proto/report.pb.h"

namespace metsuke {

class EvidenceRows {
 public:
  enum class Order { kCommonestFirst, kByCells };

  // The row is on these hosts, or was when it is `gone`.
  void Add(v1::Row row, bool gone, const HostNumbers& hosts);

  // Adds `most` rows at most to `told`; how many it leaves out.
  uint32_t Tell(const FleetChange& fleet, Order order, size_t most,
                google::protobuf::RepeatedPtrField<v1::ReportRow>& told) const;

 private:
  struct Entry {
    v1::Row row;
    bool gone = false;
    HostNumbers hosts;
  };
  // By the bytes of the row.
  std::map<std::string, Entry> rows_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_EVIDENCE_ROWS_H_
