// Operators' calls about what people keep.

#include <map>
#include <utility>

#include "controller/drift/diff_table.h"
#include "controller/judge/waivers.h"
#include "controller/known_tables.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "controller/register_files.h"
#include "controller/register_plan.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/options.pb.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;

absl::Status NoRegister(const std::string& name) {
  return absl::NotFoundError(
      "there is no register " + enc::Log(HostText(name)) +
      DidYouMean(name, FieldNames(v1::Registers::descriptor())));
}

// Whether the register is kept as labels of hosts.
bool IsLabels(const FieldDescriptor* field) {
  return !field->options().GetExtension(v1::kept_as).empty();
}

// Sends the rows, some of them in each message.
void SendRows(const v1::Registers& rows, const FieldDescriptor* field,
              const v1::RegisterEntry& entry,
              grpc::ServerWriter<v1::RegistersReply>* writer) {
  const auto* reflection = rows.GetReflection();
  v1::RegistersReply reply;
  *reply.add_registers() = entry;
  for (int i = 0; i < reflection->FieldSize(rows, field); ++i) {
    if (i > 0 && i % kBatch == 0) {
      if (!writer->Write(reply)) return;
      reply.Clear();
    }
    reflection->AddMessage(reply.mutable_rows(), field)
        ->CopyFrom(reflection->GetRepeatedMessage(rows, field, i));
  }
  writer->Write(reply);
}

v1::RegisterEntry Entry(const FieldDescriptor* field, const v1::Registers& rows,
                        const std::vector<RegisterTime>& times) {
  v1::RegisterEntry entry;
  entry.set_register_(field->name());
  entry.set_kept(IsLabels(field));
  entry.set_rows(rows.GetReflection()->FieldSize(rows, field));
  for (const RegisterTime& time : times) {
    if (time.name != field->name()) continue;
    entry.set_kept(true);
    entry.set_since(time.since);
    entry.set_by(time.by);
  }
  return entry;
}

}  // namespace

BodySource OperatorService::Bodies() {
  return [this](const std::string& digest) { return store_.Body(digest); };
}

RegisterContext OperatorService::ContextFor(const std::string& by,
                                            int64_t now) {
  RegisterContext context{
      .by = by, .now = now, .waiver_days_max = options_.waiver_days_max};
  // Asked for twice of each row: once to check it, once to see what changes.
  const auto known = std::make_shared<std::map<std::string, v1::HostEntry>>();
  context.host =
      [this, known](const std::string& name) -> absl::StatusOr<v1::HostEntry> {
    if (const auto found = known->find(name); found != known->end())
      return found->second;
    ASSIGN_OR_RETURN(v1::HostEntry host, store_.FindHost(name));
    return (*known)[name] = std::move(host);
  };
  context.control = [judge = baseline_.judge()](const std::string& id) {
    if (!judge)
      return absl::NotFoundError("no baseline is in force, so no control is");
    if (judge->baseline().Find(id) != nullptr) return absl::OkStatus();
    std::vector<std::string> ids;
    for (const CompiledControl& control : judge->baseline().controls)
      ids.push_back(control.control.id());
    return absl::NotFoundError("the baseline in force has no control " +
                               enc::Log(HostText(id)) + DidYouMean(id, ids));
  };
  return context;
}

absl::StatusOr<v1::Registers> OperatorService::HostRows(int64_t at) {
  v1::Registers rows;
  std::vector<std::string> ids;
  RETURN_IF_ERROR(store_.VisitFleet(
      {}, at,
      [&](const FleetHost& host,
          const HostStates& states) -> absl::Status {
        std::vector<std::string> labels(host.entry.labels().begin(),
                                        host.entry.labels().end());
        // What the entry has are those of today.
        if (at != 0) {
          labels.clear();
          if (host.state >= 0) {
            ASSIGN_OR_RETURN(labels,
                             ReadLabels(states[host.state]->tables, Bodies()));
          }
        }
        *rows.add_hosts() = HostRow(host.entry.host(), labels);
        ids.push_back(host.entry.id());
        return absl::OkStatus();
      }));
  // A name of several hosts names none of them.
  std::map<std::string, int> named;
  for (const v1::RegisteredHost& row : rows.hosts()) ++named[row.host()];
  for (int i = 0; i < rows.hosts_size(); ++i)
    if (v1::RegisteredHost& row = *rows.mutable_hosts(i); named[row.host()] > 1)
      row.set_host(ids[i]);
  return rows;
}

grpc::Status OperatorService::ShowRegisters(
    grpc::ServerContext*, const v1::RegistersRequest* request,
    grpc::ServerWriter<v1::RegistersReply>* writer) {
  const FieldDescriptor* field = RegisterField(request->name());
  if (field == nullptr && !request->name().empty())
    return ToGrpc(NoRegister(request->name()));
  const auto times = store_.Registers(request->at());
  if (!times.ok()) return ToGrpc(times.status());
  const auto kept = registers_.At(request->at());
  if (!kept.ok()) return ToGrpc(kept.status());
  v1::Registers rows = (*kept)->rows;
  if (field == nullptr || IsLabels(field)) {
    const auto hosts = HostRows(request->at());
    if (!hosts.ok()) return ToGrpc(hosts.status());
    rows.MergeFrom(*hosts);
  }
  if (field != nullptr) {
    SendRows(rows, field, Entry(field, rows, *times), writer);
    return grpc::Status::OK;
  }
  v1::RegistersReply reply;
  const auto* type = v1::Registers::descriptor();
  for (int i = 0; i < type->field_count(); ++i)
    *reply.add_registers() = Entry(type->field(i), rows, *times);
  writer->Write(reply);
  return grpc::Status::OK;
}

grpc::Status OperatorService::RegisterHistory(
    grpc::ServerContext*, const v1::RegisterHistoryRequest* request,
    grpc::ServerWriter<v1::RegisterHistoryReply>* writer) {
  const FieldDescriptor* field = RegisterField(request->name());
  if (field == nullptr) return ToGrpc(NoRegister(request->name()));
  if (IsLabels(field))
    return ToGrpc(
        absl::InvalidArgumentError("each host has its own history; metsukectl "
                                   "host history HOST shows when "
                                   "its labels changed, and drift how"));
  const auto times = store_.RegisterHistory(request->name());
  if (!times.ok()) return ToGrpc(times.status());
  for (size_t i = 0; i < times->size(); ++i) {
    const RegisterTime& time = (*times)[i];
    const auto after = store_.Body(time.digest);
    if (!after.ok()) return ToGrpc(after.status());
    std::string before;
    if (i + 1 < times->size()) {
      auto body = store_.Body((*times)[i + 1].digest);
      if (!body.ok()) return ToGrpc(body.status());
      before = *std::move(body);
    }
    const auto changes = DiffTable(field->name(), before, *after);
    if (!changes.ok()) return ToGrpc(changes.status());
    // One a message: a change may be of many rows.
    v1::RegisterHistoryReply reply;
    v1::RegisterSpan& span = *reply.add_spans();
    span.set_since(time.since);
    span.set_until(time.until);
    span.set_by(time.by);
    span.set_digest(Hex(time.digest));
    span.mutable_changes()->Assign(changes->begin(), changes->end());
    if (!writer->Write(reply)) break;
  }
  return grpc::Status::OK;
}

grpc::Status OperatorService::ApplyRegisters(
    grpc::ServerContext* context, const v1::ApplyRegistersRequest* request,
    grpc::ServerWriter<v1::ApplyRegistersReply>* writer) {
  const std::string by = Caller(*context);
  const auto given =
      ReadRegisterFiles({request->files().begin(), request->files().end()});
  if (!given.ok()) return ToGrpc(given.status());
  std::vector<v1::Change> changes;
  const absl::Status applied = registers_.Change(
      [&](const RegisterRows& now) -> absl::StatusOr<RegisterUpdate> {
        RegisterContext held = ContextFor(by, Now());
        held.before = now.rows;
        ASSIGN_OR_RETURN(RegisterPlan plan,
                         PlanRegisters(*given, held, now.digests));
        changes = std::move(plan.changes);
        if (request->dry_run()) return RegisterUpdate();
        return std::move(plan.update);
      });
  if (!applied.ok()) return ToGrpc(applied);
  if (!request->dry_run() && !changes.empty())
    Log(Priority::kNotice,
        fmt::format("operator {} changed registers: {}; {} rows", by,
                    fmt::join(given->named, ", "), changes.size()));
  Batches<v1::ApplyRegistersReply> batches(writer);
  for (v1::Change& change : changes)
    *batches.Next().add_changes() = std::move(change);
  batches.Flush();
  return grpc::Status::OK;
}

}  // namespace metsuke
