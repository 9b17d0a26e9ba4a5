// metsukectl register: what people keep on the controller.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/cli/baseline_files.h"
#include "controller/drift/change_line.h"
#include "controller/cli/items.h"
#include "controller/cli/selectors.h"
#include "controller/cli/session.h"
#include "controller/known_tables.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::string name, at;
  bool dry_run = false;
};

std::string Upper(std::string text) {
  for (char& c : text) c = c == '_' ? ' ' : c >= 'a' && c <= 'z' ? c - 32 : c;
  return text;
}

// The file that `register apply` takes back: other registers must not be named.
std::string AsFile(const v1::Registers& rows, const std::string& name) {
  std::string file = WriteYaml(rows);
  const auto* type = v1::Registers::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const std::string line = type->field(i)->name() + ": []\n";
    if (type->field(i)->name() == name) continue;
    if (file.starts_with(line))
      file.erase(0, line.size());
    else if (const size_t at = file.find("\n" + line); at != file.npos)
      file.erase(at + 1, line.size());
  }
  return file;
}

absl::StatusOr<int> ShowAll(const Session& session,
                            const std::vector<v1::RegisterEntry>& entries) {
  Item items = Item::array();
  for (const v1::RegisterEntry& entry : entries) items.push_back(ToItem(entry));
  Print(session, "Register", items,
        {{"register", "REGISTER"},
         {"kept", "KEPT"},
         {"rows", "ROWS", true},
         {"since", "SINCE"},
         {"by", "BY"}});
  return kCompliant;
}

absl::StatusOr<int> ShowRows(const Session& session, const std::string& name,
                             const v1::Registers& rows) {
  if (session.output == "yaml") {
    fmt::print("{}", AsFile(rows, name));
    return kCompliant;
  }
  const auto* type = RegisterField(name)->message_type();
  std::vector<Column> columns;
  for (int i = 0; i < type->field_count(); ++i)
    columns.push_back({type->field(i)->name(), Upper(type->field(i)->name())});
  Print(session, "RegisterRow", ToItem(rows)[name], columns);
  return kCompliant;
}

absl::StatusOr<int> Show(const Session& session, const Options& options) {
  v1::RegistersRequest request;
  request.set_name(options.name);
  ASSIGN_OR_RETURN(const int64_t at, ParseInstantOrNone(options.at));
  request.set_at(at);
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->ShowRegisters(&context, request);
  v1::Registers rows;
  std::vector<v1::RegisterEntry> entries;
  v1::RegistersReply reply;
  while (stream->Read(&reply)) {
    rows.MergeFrom(reply.rows());
    entries.insert(entries.end(), reply.registers().begin(),
                   reply.registers().end());
  }
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  if (options.name.empty()) return ShowAll(session, entries);
  if (!entries.empty() && entries[0].kept())
    return ShowRows(session, options.name, rows);
  std::fprintf(stderr,
               "metsukectl: nobody has kept %s%s: what reads it is unknown\n",
               options.name.c_str(), options.at.empty() ? "" : " by then");
  return CodeFor(session, v1::SEVERITY_UNSPECIFIED, true);
}

std::string RowsText(int count) {
  return fmt::format("{} row{}", count, count == 1 ? "" : "s");
}

// The changes below the name of their register.
void PrintChanges(const google::protobuf::RepeatedPtrField<v1::Change>& changes,
                  const char* indent, std::string& table) {
  for (const v1::Change& change : changes) {
    if (change.table() != table) fmt::print("{}\n", change.table());
    table = change.table();
    fmt::print("{}{}\n", indent, enc::Tty(ChangeLine(change)));
  }
}

absl::StatusOr<int> History(const Session& session, const Options& options) {
  v1::RegisterHistoryRequest request;
  request.set_name(options.name);
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->RegisterHistory(&context, request);
  Item items = Item::array();
  v1::RegisterHistoryReply reply;
  while (stream->Read(&reply))
    for (const v1::RegisterSpan& span : reply.spans()) {
      items.push_back(ToItem(span));
      if (!ForPeople(session)) continue;
      fmt::print("{}  {}\n", InstantText(span.since()),
                 enc::Tty(HostText(span.by())));
      std::string table = options.name;
      PrintChanges(span.changes(), "  ", table);
    }
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  if (!ForPeople(session))
    Print(session, "RegisterSpan", items, {});
  else if (items.empty())
    std::fprintf(stderr, "metsukectl: nobody has kept %s\n",
                 options.name.c_str());
  return kCompliant;
}

// Where holds what rows say from now on.
std::set<std::string> NewSelectors(const v1::ApplyRegistersReply& reply) {
  constexpr std::string_view kKey = "selector=";
  std::set<std::string> selectors;
  for (const v1::Change& change : reply.changes()) {
    for (const v1::ColumnChange& column : change.columns())
      if (column.column() == "selector") selectors.insert(column.after());
    for (const std::string& key : change.key())
      if (change.kind() == "added" && key.starts_with(kKey))
        selectors.insert(key.substr(kKey.size()));
  }
  selectors.erase("");  // every host
  return selectors;
}

absl::StatusOr<int> Apply(const Session& session, const Options& options) {
  v1::ApplyRegistersRequest request;
  ASSIGN_OR_RETURN(const auto files, ReadBaselineFiles(options.paths));
  request.mutable_files()->Assign(files.begin(), files.end());
  request.set_dry_run(options.dry_run);
  // What the controller takes in one message, less what gRPC adds.
  constexpr size_t kMostBytes = 1000 << 10;
  if (request.ByteSizeLong() > kMostBytes)
    return absl::InvalidArgumentError(fmt::format(
        "the files have {} KiB, and the controller takes {} at once; apply one "
        "register at a time, and in it labels or networks in place of many "
        "rows", request.ByteSizeLong() >> 10, kMostBytes >> 10));
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->ApplyRegisters(&context, request);
  v1::ApplyRegistersReply all, reply;
  while (stream->Read(&reply)) all.MergeFrom(reply);
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  if (ForPeople(session)) {
    std::string table;
    PrintChanges(all.changes(), "  ", table);
    if (all.changes().empty())
      fmt::print("nothing changes\n");
    else if (options.dry_run)
      fmt::print("{} would change; nothing was changed\n",
                 RowsText(all.changes_size()));
    else
      fmt::print("{} changed, in force now\n", RowsText(all.changes_size()));
  } else {
    Print(session, "RegisterChange", ToItem(all)["changes"], {});
  }
  WarnOfNoHost(*stub, NewSelectors(all));
  return kCompliant;
}

}  // namespace

void AddRegister(CommandLine& line, Session& session) {
  CommandLine& parent =
      line.Command("register", "What people keep on the controller");
  parent.RequireCommand();
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* help,
                       auto handler) -> CommandLine& {
    return parent.Command(name, help, [&session, options, handler] {
      session.run = [&session, options, handler] {
        return handler(session, *options);
      };
    });
  };
  CommandLine& show =
      add("show",
          "The registers, or the rows of one; with -o yaml as apply takes them",
          Show);
  show.Word("register", options->name, "Name of the register");
  show.Option(
      "--at", options->at,
      "The instant to look at: RFC 3339, a day, or a time ago such as 24h");
  add("history", "When a register changed, by whom and how", History)
      .Word("register", options->name, "Name of the register")
      .Required();
  CommandLine& apply =
      add("apply", "Replace the registers that files name, if all are sound",
          Apply);
  apply.Word("files", options->paths, "Files, or folders with *.yaml files")
      .Required();
  apply.Flag("--dry-run", options->dry_run,
             "Tell what would change, and change nothing");
}

}  // namespace metsuke::cli
