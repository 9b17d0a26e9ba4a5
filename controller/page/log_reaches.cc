#include "controller/page/log_reaches.h"

#include <algorithm>
#include <utility>

#include "controller/judge/sight.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400;

// In this order, with the parameter of the baseline that says for how many days
// such records are to be kept.
struct Kind {
  const char* source;
  const char* parameter;
};
constexpr Kind kKinds[] = {
    {"journal", "log_days"},    {"syslog", "log_days"},
    {"auth", "login_log_days"}, {"wtmp", "login_log_days"},
    {"btmp", "login_log_days"}, {"audit", "audit_log_days"},
    {"web", "web_log_days"},    {"mail", "mail_log_days"},
    {"database", "database_log_days"},
    {"application", "application_log_days"},
};

int64_t Asked(const CompiledBaseline* baseline, const std::string& parameter) {
  if (baseline != nullptr)
    for (const v1::Parameter& known : baseline->parameters)
      if (known.name() == parameter && known.number() > 0)
        return known.number();
  return -1;
}

void Append(HostNumbers& hosts, const HostNumbers& more) {
  hosts.insert(hosts.end(), more.begin(), more.end());
}

// Of one host's logs of one kind.
struct Furthest {
  int64_t oldest = 0;
  bool unread = false;
};

}  // namespace

absl::Status LogReaches::Add(const TableDigests& tables,
                             const HostNumbers& hosts) {
  v1::Snapshot rows;
  for (const char* table : {"collections", "gaps", "log_sources"}) {
    const auto digest = tables.find(table);
    if (digest == tables.end()) continue;
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadBody(bodies_, digest->second));
    if (!rows.MergeFromString(bytes))
      return absl::DataLossError("the stored rows cannot be read");
  }
  if (Sight(rows, tables).Unseen("log_sources")) {
    Append(unseen_, hosts);
    return absl::OkStatus();
  }
  std::map<std::string, Furthest> kinds;
  for (const v1::LogSource& row : rows.log_sources()) {
    Furthest& kind = kinds[row.source()];
    if (row.oldest() > 0 && (kind.oldest == 0 || row.oldest() < kind.oldest))
      kind.oldest = row.oldest();
    kind.unread |= !row.unread().empty();
  }
  for (const auto& [source, kind] : kinds) {
    Reach& reach = reaches_[source];
    if (kind.oldest > 0)
      Append(reach.days[std::max<int64_t>(0, (to_ - kind.oldest) / kDay)],
             hosts);
    else
      Append(reach.empty, hosts);
    if (kind.unread) Append(reach.unread, hosts);
  }
  return absl::OkStatus();
}

void LogReaches::Tell(const CompiledBaseline* baseline, Page& page) const {
  SetHosts(fleet_.hosts, unseen_, page.logs_unseen);
  for (const Kind& kind : kKinds) {
    const auto found = reaches_.find(kind.source);
    if (found == reaches_.end()) continue;
    LogReach& told = page.logs.emplace_back();
    told.source = kind.source;
    told.asked = Asked(baseline, kind.parameter);
    for (const auto& [days, hosts] : found->second.days)
      SetHosts(fleet_.hosts, hosts, told.days[days]);
    SetHosts(fleet_.hosts, found->second.empty, told.empty);
    SetHosts(fleet_.hosts, found->second.unread, told.unread);
  }
}

}  // namespace metsuke
