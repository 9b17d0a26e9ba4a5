// metsukectl baseline: what hosts are held against.

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <map>
#include <nlohmann/json.hpp>

#include "controller/cli/baseline_files.h"
#include "controller/cli/items.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "controller/judge/baseline.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

// By id, the rules of reports that are written as controls among them.
using Controls = std::map<std::string, v1::Control>;

Controls ById(const v1::Baseline& baseline) {
  Controls controls;
  for (const auto* list :
       {&baseline.controls(), &baseline.coming(), &baseline.stale()})
    for (const v1::Control& control : *list) controls[control.id()] = control;
  return controls;
}

absl::StatusOr<int> Check(const Session& session,
                          const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(const auto files, ReadBaselineFiles(paths));
  ASSIGN_OR_RETURN(const CompiledBaseline baseline, LoadBaseline(files));
  if (ForPeople(session))
    fmt::print("sound: {} control{} in {} file{}; version {}\n",
               baseline.controls.size(),
               baseline.controls.size() == 1 ? "" : "s", files.size(),
               files.size() == 1 ? "" : "s", baseline.version);
  else
    Print(session, "Baseline",
          Item::array({{{"version", baseline.version},
                        {"controls", baseline.controls.size()}}}),
          {});
  return kCompliant;
}

// Names of the fields in which two versions of a message differ.
template <typename Message>
std::vector<std::string> Differing(const Message& a, const Message& b) {
  std::vector<std::string> names;
  const auto* type = Message::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    google::protobuf::util::MessageDifferencer differencer;
    if (!differencer.CompareWithFields(a, b, {type->field(i)}, {type->field(i)}))
      names.push_back(type->field(i)->name());
  }
  return names;
}

// What has no ids: as one row, with the lists that differ.
v1::Baseline WithoutIds(v1::Baseline baseline) {
  baseline.clear_controls();
  baseline.clear_coming();
  baseline.clear_stale();
  return baseline;
}

Item Difference(const Controls& before, const Controls& after) {
  Item items = Item::array();
  const auto add = [&](const char* kind, const std::string& id,
                       const std::vector<std::string>& fields) {
    items.push_back({{"change", kind}, {"control", id}, {"fields", fields}});
  };
  for (const auto& [id, control] : before)
    if (!after.contains(id)) add("removed", id, {});
  for (const auto& [id, control] : after) {
    const auto old = before.find(id);
    if (old == before.end()) {
      add("added", id, {});
    } else if (const auto fields = Differing(old->second, control);
               !fields.empty()) {
      add("changed", id, fields);
    }
  }
  return items;
}

absl::StatusOr<int> Diff(const Session& session,
                         const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(const auto files, ReadBaselineFiles(paths));
  ASSIGN_OR_RETURN(const CompiledBaseline baseline, LoadBaseline(files));
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  v1::BaselineReply reply;
  RETURN_IF_ERROR(FromCall(stub->GetBaseline(&context, {}, &reply)));
  const v1::Baseline given = baseline.ToMessage();
  Item items = Difference(ById(reply.baseline()), ById(given));
  if (const auto lists =
          Differing(WithoutIds(reply.baseline()), WithoutIds(given));
      !lists.empty())
    items.push_back({{"change", "changed"}, {"control", ""}, {"fields", lists}});
  Print(session, "BaselineChange", items,
        {{"change", "CHANGE"}, {"control", "CONTROL"}, {"fields", "FIELDS"}});
  if (ForPeople(session) && items.empty())
    fmt::print("no difference from the baseline in force\n");
  return kCompliant;
}

absl::StatusOr<int> Apply(const Session& session,
                          const std::vector<std::string>& paths) {
  v1::ApplyRequest request;
  ASSIGN_OR_RETURN(const auto files, ReadBaselineFiles(paths));
  request.mutable_files()->Assign(files.begin(), files.end());
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  v1::ApplyReply reply;
  RETURN_IF_ERROR(FromCall(stub->ApplyBaseline(&context, request, &reply)));
  if (ForPeople(session))
    fmt::print("{} controls are in force; version {}\n", reply.controls(),
               reply.version());
  else
    Print(session, "Baseline", Item::array({ToItem(reply)}), {});
  return kCompliant;
}

}  // namespace

void AddBaseline(CommandLine& line, Session& session) {
  CommandLine& baseline =
      line.Command("baseline", "What hosts are held against");
  baseline.RequireCommand();
  const auto paths = std::make_shared<std::vector<std::string>>();
  const auto add = [&](const char* name, const char* help, auto handler) {
    const auto chosen = [&session, paths, handler] {
      session.run = [&session, paths, handler] {
        return handler(session, *paths);
      };
    };
    baseline.Command(name, help, chosen)
        .Word("files", *paths, "Files, or folders with *.yaml files")
        .Required();
  };
  add("check", "Try a baseline on its own examples; needs no controller", Check);
  add("diff", "How a baseline differs from the one in force", Diff);
  add("apply", "Put a baseline in force, if all of it is sound", Apply);
}

}  // namespace metsuke::cli
