// Operators' calls about waivers.

#include <algorithm>
#include <utility>

#include "controller/judge/waivers.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/register_files.h"
#include "controller/register_plan.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// The end of the year 9999.
constexpr int64_t kLatest = 253402300799;

const char* StateOf(const v1::Waiver& waiver, int64_t now) {
  if (waiver.until() <= now || waiver.until() <= waiver.from()) return "ended";
  return InForce(waiver, now) ? "in force" : "coming";
}

v1::Waiver* Find(v1::Registers& rows, const std::string& id) {
  for (v1::Waiver& waiver : *rows.mutable_waivers())
    if (waiver.id() == id) return &waiver;
  return nullptr;
}

}  // namespace

grpc::Status OperatorService::ListWaivers(
    grpc::ServerContext*, const v1::WaiversRequest* request,
    grpc::ServerWriter<v1::WaiversReply>* writer) {
  const int64_t now = Now();
  const auto kept = registers_.At(0);
  if (!kept.ok()) return ToGrpc(kept.status());
  std::vector<v1::WaiverEntry> entries;
  for (const v1::Waiver& waiver : (*kept)->rows.waivers()) {
    v1::WaiverEntry entry;
    entry.set_state(StateOf(waiver, now));
    const bool wanted =
        request->ending() > 0
            ? InForce(waiver, now) && waiver.until() - now <= request->ending()
            : request->all() || entry.state() != "ended";
    if (!wanted) continue;
    *entry.mutable_waiver() = waiver;
    if (!waiver.host().empty())
      if (const auto host = store_.FindHost(waiver.host()); host.ok())
        entry.set_host_name(host->host());
    entries.push_back(std::move(entry));
  }
  std::ranges::stable_sort(entries, {}, [](const v1::WaiverEntry& entry) {
    return entry.waiver().until();
  });
  Batches<v1::WaiversReply> batches(writer);
  for (v1::WaiverEntry& entry : entries)
    *batches.Next().add_waivers() = std::move(entry);
  batches.Flush();
  return grpc::Status::OK;
}

absl::StatusOr<v1::Registers> OperatorService::ChangeWaivers(
    const std::string& by,
    const std::function<absl::Status(int64_t now, v1::Registers& rows)>&
        change) {
  v1::Registers after;
  RETURN_IF_ERROR(registers_.Change(
      [&](const RegisterRows& kept) -> absl::StatusOr<RegisterUpdate> {
        RegisterContext context = ContextFor(by, Now());
        context.before = kept.rows;
        GivenRegisters given;
        *given.rows.mutable_waivers() = kept.rows.waivers();
        given.named = {"waivers"};
        RETURN_IF_ERROR(change(context.now, given.rows));
        ASSIGN_OR_RETURN(RegisterPlan plan,
                         PlanRegisters(given, context, kept.digests));
        after = std::move(plan.rows);
        return std::move(plan.update);
      }));
  return after;
}

grpc::Status OperatorService::AddWaiver(grpc::ServerContext* context,
                                        const v1::AddWaiverRequest* request,
                                        v1::AddWaiverReply* reply) {
  const std::string by = Caller(*context);
  v1::Waiver waiver = request->waiver();
  if (!waiver.id().empty() || !waiver.requester().empty())
    return ToGrpc(absl::InvalidArgumentError(
        "id and requester are the controller's to set"));
  if ((request->days() != 0) == (waiver.until() != 0))
    return ToGrpc(absl::InvalidArgumentError(
        "either days, at least 1, or until says when it ends"));
  const auto after =
      ChangeWaivers(by, [&](int64_t now, v1::Registers& rows) -> absl::Status {
        if (waiver.from() == 0) waiver.set_from(now);
        // What is far too long, or far away, is refused as such.
        const int64_t days =
            std::min<int64_t>(request->days(), int64_t{options_.waiver_days_max} + 1);
        if (days != 0)
          waiver.set_until(std::min(waiver.from(), kLatest) + days * 86400);
        waiver.set_id("w-" + Hex(Sha256(by + waiver.SerializeAsString() +
                                        std::to_string(rows.waivers_size())))
                                 .substr(0, 8));
        *rows.add_waivers() = waiver;
        return absl::OkStatus();
      });
  if (!after.ok()) return ToGrpc(after.status());
  v1::Registers rows = *after;
  *reply->mutable_waiver() = *Find(rows, waiver.id());
  Log(Priority::kNotice, "operator " + by + " gave waiver " + waiver.id() +
                             " for " + enc::Log(HostText(waiver.control())));
  return grpc::Status::OK;
}

grpc::Status OperatorService::EndWaiver(grpc::ServerContext* context,
                                        const v1::EndWaiverRequest* request,
                                        v1::EndWaiverReply* reply) {
  const std::string by = Caller(*context);
  const auto after =
      ChangeWaivers(by, [&](int64_t now, v1::Registers& rows) -> absl::Status {
        v1::Waiver* waiver = Find(rows, request->id());
        if (waiver == nullptr)
          return absl::NotFoundError("there is no waiver " +
                                     enc::Log(HostText(request->id())) +
                                     "; metsukectl waiver list shows them");
        if (waiver->until() <= now)
          return absl::NotFoundError("waiver " + request->id() +
                                     " has ended already");
        waiver->set_until(now);
        return absl::OkStatus();
      });
  if (!after.ok()) return ToGrpc(after.status());
  v1::Registers rows = *after;
  *reply->mutable_waiver() = *Find(rows, request->id());
  Log(Priority::kNotice, "operator " + by + " ended waiver " + request->id());
  return grpc::Status::OK;
}

}  // namespace metsuke
