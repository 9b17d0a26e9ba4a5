// metsukectl control: the controls of the baseline in force.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/cli/items.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke::cli {
namespace {

absl::StatusOr<v1::BaselineReply> InForce(const Session& session) {
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  v1::BaselineReply reply;
  RETURN_IF_ERROR(FromCall(stub->GetBaseline(&context, {}, &reply)));
  if (reply.version().empty())
    return absl::NotFoundError(
        "no baseline is in force; metsukectl baseline apply FILES puts one");
  return reply;
}

absl::StatusOr<int> List(const Session& session) {
  ASSIGN_OR_RETURN(const v1::BaselineReply reply, InForce(session));
  Item items = Item::array();
  for (const v1::Control& control : reply.baseline().controls()) {
    Item item = Item::object();
    item["control"] = control.id();
    item["severity"] = EnumText(
        v1::Severity_descriptor()->FindValueByNumber(control.severity()));
    item["statements"] = std::vector<std::string>(control.statements().begin(),
                                                  control.statements().end());
    item["title"] = InLanguage(session, control.title());
    items.push_back(std::move(item));
  }
  Print(session, "Control", items,
        {{"control", "CONTROL"},
         {"severity", "SEVERITY"},
         {"statements", "STATEMENTS"},
         {"title", "TITLE"}});
  return kCompliant;
}

void Explain(const Session& session, const v1::Control& control) {
  const auto section = [](const char* heading, const std::string& text) {
    if (!text.empty()) fmt::print("\n{}\n  {}\n", heading, text);
  };
  const bool japanese = &InLanguage(session, control.title()) ==
                        &control.title().ja();
  fmt::print("{}  {}\n", control.id(), InLanguage(session, control.title()));
  fmt::print("{}  {}\n",
             EnumText(v1::Severity_descriptor()->FindValueByNumber(
                 control.severity())),
             fmt::join(control.statements(), " "));
  section(japanese ? "理由" : "Why", InLanguage(session, control.why()));
  section(japanese ? "対処" : "What to do", InLanguage(session, control.fix()));
  section(japanese ? "対象" : "Applies when this returns a row",
          control.applies());
  section(japanese ? "違反" : "Each row of this is a violation",
          control.violations());
}

absl::StatusOr<int> ExplainOne(const Session& session, const std::string& id) {
  ASSIGN_OR_RETURN(const v1::BaselineReply reply, InForce(session));
  std::vector<std::string> ids;
  for (const v1::Control& control : reply.baseline().controls()) {
    ids.push_back(control.id());
    if (control.id() != id) continue;
    if (ForPeople(session))
      Explain(session, control);
    else
      Print(session, "Control", Item::array({ToItem(control)}), {});
    return kCompliant;
  }
  const std::string near = Nearest(id, ids);
  return absl::NotFoundError(
      "no control is called " + id +
      (near.empty() ? "; metsukectl control list shows them"
                    : "; did you mean " + near + "?"));
}

}  // namespace

void AddControl(CommandLine& line, Session& session) {
  CommandLine& control =
      line.Command("control", "The controls of the baseline in force");
  control.RequireCommand();
  control.Command("list", "All controls", [&session] {
    session.run = [&session] { return List(session); };
  });
  const auto id = std::make_shared<std::string>();
  control
      .Command("explain",
               "Why a control is there, how it is measured, what to do",
               [&session, id] {
                 session.run = [&session, id] {
                   return ExplainOne(session, *id);
                 };
               })
      .Word("control", *id, "Id of the control")
      .Required();
}

}  // namespace metsuke::cli
