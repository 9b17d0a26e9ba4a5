#include "controller/cli/names.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "controller/known_tables.h"
#include "proto/operator.grpc.pb.h"
#include "proto/register.pb.h"
#include "proto/text.h"

namespace metsuke::cli {
namespace {

using Names = std::vector<std::string>;

// Somebody waits with a finger on a key.
void LimitTime(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(2));
}

Names Hosts(v1::Operator::Stub& stub) {
  grpc::ClientContext context;
  LimitTime(context);
  const auto stream = stub.ListHosts(&context, {});
  Names names;
  v1::HostsReply reply;
  while (stream->Read(&reply))
    for (const v1::HostEntry& host : reply.hosts())
      names.push_back(host.host());
  return names;
}

Names Controls(v1::Operator::Stub& stub) {
  grpc::ClientContext context;
  LimitTime(context);
  v1::BaselineReply reply;
  Names names;
  if (!stub.GetBaseline(&context, {}, &reply).ok()) return names;
  for (const v1::Control& control : reply.baseline().controls())
    names.push_back(control.id());
  return names;
}

Names Waivers(v1::Operator::Stub& stub) {
  grpc::ClientContext context;
  LimitTime(context);
  const auto stream = stub.ListWaivers(&context, {});
  Names names;
  v1::WaiversReply reply;
  while (stream->Read(&reply))
    for (const v1::WaiverEntry& waiver : reply.waivers())
      names.push_back(waiver.waiver().id());
  return names;
}

Names Asked(const Session& session, Names (*ask)(v1::Operator::Stub& stub)) {
  const auto stub = Connect(session);
  return stub.ok() ? ask(**stub) : Names();
}

bool IsPlain(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') ||
           std::string_view("-_.").find(c) != std::string_view::npos;
  });
}

Names All(const Session& session, const std::string& what) {
  if (what == "host") return Asked(session, Hosts);
  if (what == "control") return Asked(session, Controls);
  if (what == "waiver") return Asked(session, Waivers);
  if (what == "register") return FieldNames(v1::Registers::descriptor());
  if (what != "table") return {};
  Names names;
  for (const auto* table : KnownTables()) names.push_back(table->name());
  return names;
}

}  // namespace

std::vector<std::string> NamesFor(const Session& session,
                                  const std::string& what) {
  Names names = All(session, what);
  std::erase_if(names, [](const std::string& name) { return !IsPlain(name); });
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace metsuke::cli
