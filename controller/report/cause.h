// What may have caused that a host's rows are others now: the events near in
// time that have to do with them.

#ifndef METSUKE_CONTROLLER_REPORT_CAUSE_H_
#define METSUKE_CONTROLLER_REPORT_CAUSE_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/baseline.pb.h"
#include "proto/event.pb.h"
#include "proto/report.pb.h"

namespace metsuke {

// How a table came to be another.
struct TableChange {
  std::string table;
  // The look that first saw it so, in seconds since 1970-01-01 UTC.
  int64_t seen = 0;
  // Values of key columns of rows that differ; a record that names one of them
  // tells more than another.
  std::set<std::string> names;
};

// Events that may be causes, of one host.
class Causes {
 public:
  // `events` in the order of time, among them the logins before the change; a
  // look comes at most `interval` seconds after the one before. `rules` must
  // outlive it.
  Causes(std::vector<v1::Event> events, int64_t interval,
         const google::protobuf::RepeatedPtrField<v1::CauseRule>& rules)
      : events_(std::move(events)), interval_(interval), rules_(rules) {}

  // The likeliest; nothing when no event is near. `hosts` is left 0.
  std::optional<v1::ReportCause> Of(const TableChange& change) const;

 private:
  std::string Rank(const v1::Event& event, const TableChange& change) const;
  std::string OriginOf(const v1::Event& event) const;

  const std::vector<v1::Event> events_;
  const int64_t interval_;
  const google::protobuf::RepeatedPtrField<v1::CauseRule>& rules_;
};

// What is equal for causes that are one to a reader, on however many hosts.
std::string SameCause(const v1::ReportCause& cause);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_REPORT_CAUSE_H_
