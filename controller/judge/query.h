// A question to the whole fleet: a map and a reduce. The query runs once for
// each distinct set of tables it reads, however many hosts share it; its rows
// get a column `host` before their own, once for each host. A second query, if
// there is one, runs over all of these as table `rows`.

#ifndef METSUKE_CONTROLLER_JUDGE_QUERY_H_
#define METSUKE_CONTROLLER_JUDGE_QUERY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/judge.h"

namespace metsuke {

// Hosts that look the same.
struct StateHosts {
  // Of their tables and of the registers.
  TableDigests tables;
  // What they call themselves.
  std::vector<HostText> hosts;
};

// Takes one row of the answer; an error ends the query with it.
using RowSink = std::function<absl::Status(Row row)>;

// What an answer lacks.
struct Shortfall {
  // Hosts on which a table that was read could not be collected, or on which
  // the query failed, by the reason, "TABLE: REASON"; beyond 1000 reasons one
  // more stands for all others.
  std::map<std::string, std::vector<HostText>> incomplete;
  // Such hosts in all.
  uint64_t incomplete_hosts = 0;
  // Rows left out because one host had too many.
  uint64_t omitted = 0;
};

// For one thread at a time.
class FleetQuery {
 public:
  // `reduce` is empty for none. InvalidArgument when a query does not compile
  // or the first has itself columns `host` and `row_host`. A column `host`
  // of the first is `row_host` beside that of whose rows they are.
  static absl::StatusOr<FleetQuery> Compile(const std::string& sql,
                                            const std::string& reduce);

  // Names of the columns of the rows the sink will get.
  const std::vector<std::string>& columns() const { return columns_; }

  // Asks the states at the instant `now`. Without a reduce, rows come state by
  // state and host by host as they are found, and memory holds those of one
  // state. With one, memory holds all mapped rows; ResourceExhausted when they
  // are more than 256 MiB, or when rows of a host had to be left out, as a sum
  // over a part would be wrong. ResourceExhausted and DeadlineExceeded as
  // Sandbox::Query has them, Unavailable when bodies cannot be read. What goes
  // wrong with one state's rows alone is in the shortfall.
  absl::StatusOr<Shortfall> Run(const std::vector<StateHosts>& states,
                                const BodySource& bodies, int64_t now,
                                const RowSink& sink);

 private:
  class Runner;
  FleetQuery(Tables tables, Access access)
      : tables_(std::move(tables)), access_(std::move(access)) {}

  Tables tables_;
  Access access_;
  std::string sql_, reduce_;
  std::vector<std::string> mapped_columns_, columns_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_JUDGE_QUERY_H_
