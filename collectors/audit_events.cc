#include "collectors/audit_events.h"

#include <fmt/format.h>
#include <systemd/sd-journal.h>

#include <optional>
#include <string>
#include <utility>

#include "collectors/audit_event_reader.h"
#include "collectors/event_sums.h"
#include "collectors/journal.h"
#include "collectors/own_event.h"
#include "proto/instant.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// In which boot a record was made: audit numbers no boots, the journal does.
class Boots {
 public:
  explicit Boots(const Host& host) : host_(host) {}

  std::string At(uint64_t time) {
    if (!opened_) Open();
    if (!journal_) return "";
    sd_journal* const raw = journal_->get();
    if (sd_journal_seek_realtime_usec(raw, time) < 0) return "";
    // The last record before it. What is older than the journal is of a boot
    // that nobody knows any more.
    if (sd_journal_previous(raw) <= 0) return "";
    const auto position = journal_->Position();
    if (!position) return "";
    std::string begin;
    for (int i = 0; i < 4; ++i)
      begin += fmt::format("{:02x}", position->boot[i]);
    return begin;
  }

 private:
  void Open() {
    opened_ = true;
    auto journal = Journal::Open(
        host_, [](const std::string&, int64_t, const std::string&) {});
    if (journal.ok()) journal_.emplace(*std::move(journal));
  }

  const Host& host_;
  std::optional<Journal> journal_;
  bool opened_ = false;
};

v1::Event Said(int64_t time, const std::string& detail) {
  return OwnEvent("auditd", time, detail);
}

int64_t SecondsOf(const AuditStamp& stamp) {
  return static_cast<int64_t>(stamp.milliseconds / 1000);
}

// The node that auditd writes before records may be a name of the host's, or an
// address; what else was sent to a host that collects is told by those hosts.
bool IsOwn(std::string_view node, std::string_view hostname) {
  return node.empty() || node.substr(0, node.find('.')) ==
                             hostname.substr(0, hostname.find('.'));
}

}  // namespace

absl::StatusOr<v1::Heard> HearAudit(const Host& host, const AuditPosition& from,
                                    int64_t now, const HearLimits& limits) {
  v1::Heard heard;
  const auto kernel = host.Kernel();
  const std::string hostname = kernel.ok() ? kernel->hostname : "";
  Boots boots(host);
  EventSums sums;
  AuditEventReader reader(
      ReadUidNames(host), [&](uint64_t time) { return boots.At(time); },
      [&](v1::Event event, uint64_t process) {
        sums.Add(std::move(event), process);
      });
  if (!reader.good())
    return absl::ResourceExhaustedError("no memory for libauparse");
  AuditLogLimits log_limits;
  log_limits.time = limits.time;
  log_limits.first = limits.first;
  const AuditLogUse use{
      .is_own = [&](std::string_view node) { return IsOwn(node, hostname); },
      .remember = [&](const AuditLine& read,
                      std::string_view line) { reader.Remember(read, line); },
      .take =
          [&](std::string_view lines) {
            reader.Read(lines);
            return sums.size() < limits.events;
          }};
  const auto part = ReadAuditLog(host, from, now, log_limits, use);
  // Whoever has never had one need not have one.
  if (absl::IsNotFound(part.status()) && from.none()) return heard;
  RETURN_IF_ERROR(part.status());
  if (part->gone)
    *heard.add_events() = Said(
        SecondsOf(part->gone->second),
        fmt::format("records between {} and {} were gone before they could be "
                    "read",
                    Rfc3339(SecondsOf(part->gone->first)),
                    Rfc3339(SecondsOf(part->gone->second))));
  const int64_t last = SecondsOf(part->position.stamp);
  if (part->cut)
    *heard.add_events() =
        Said(SecondsOf(part->position.stamp),
             fmt::format("the log was cut: what was recorded after {} may be "
                         "missing",
                         Rfc3339(SecondsOf(from.stamp))));
  for (const std::string& why : part->unread)
    *heard.add_events() = Said(last, why + ": records in it are not told");
  if (part->noise > 0)
    *heard.add_events() = Said(
        last, fmt::format("{} lines are no records of audit", part->noise));
  if (part->foreign > 0)
    *heard.add_events() =
        Said(last, fmt::format("{} records name another host than {}, and were "
                               "not read",
                               part->foreign, hostname));
  for (v1::Event& event : sums.Take()) *heard.add_events() = std::move(event);
  heard.set_more(part->more);
  heard.set_position(std::string(reinterpret_cast<const char*>(&part->position),
                                 sizeof part->position));
  return heard;
}

}  // namespace metsuke
