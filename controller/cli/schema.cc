// metsukectl schema: the tables, their columns and what each means. The text
// is that of proto/snapshot.proto and proto/register.proto, whose descriptor
// set, comments included, is part of the program.

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "controller/cli/items.h"
#include "controller/cli/session.h"
#include "controller/known_tables.h"
#include "proto/command_line.h"
#include "proto/options.pb.h"
#include "proto/status.h"
#include "proto/text.h"

// schema_data.S
extern "C" const char metsuke_schema_begin[], metsuke_schema_end[];

namespace metsuke::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::string Comment(const FieldDescriptor* field) {
  google::protobuf::SourceLocation where;
  if (!field->GetSourceLocation(&where)) return "";
  // Lines of a comment become one paragraph.
  std::istringstream words(where.leading_comments);
  std::string text;
  for (std::string word; words >> word;) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::string TypeText(const FieldDescriptor* field) {
  if (field->is_repeated()) return "text[]";
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: return "text";
    case FieldDescriptor::CPPTYPE_BOOL: return "bool";
    default: return "integer";
  }
}

// A column's options are unknown to the pool that holds the comments, so they
// are asked of the compiled schema.
Item ColumnItem(const FieldDescriptor* column) {
  const auto* compiled =
      google::protobuf::DescriptorPool::generated_pool()->FindFieldByName(
          column->full_name());
  const auto& options = compiled->options();
  Item item = Item::object();
  item["column"] = column->name();
  item["type"] =
      options.GetExtension(v1::instant) ? "instant" : TypeText(column);
  item["key"] = options.GetExtension(v1::key);
  item["values"] = options.GetExtension(v1::values);
  item["meaning"] = Comment(column);
  return item;
}

// The tables that queries know, with their comments.
absl::StatusOr<std::vector<const FieldDescriptor*>> CommentedTables(
    google::protobuf::DescriptorPool& pool) {
  google::protobuf::FileDescriptorSet files;
  if (!files.ParseFromArray(metsuke_schema_begin,
                            metsuke_schema_end - metsuke_schema_begin))
    return absl::InternalError("the schema in this program is damaged");
  for (const auto& file : files.file()) pool.BuildFile(file);
  std::vector<const FieldDescriptor*> tables;
  for (const FieldDescriptor* table : KnownTables())
    tables.push_back(pool.FindFieldByName(table->full_name()));
  return tables;
}

absl::StatusOr<int> ShowAll(const Session& session,
                            const std::vector<const FieldDescriptor*>& tables) {
  Item items = Item::array();
  for (const FieldDescriptor* table : tables)
    items.push_back({{"table", table->name()}, {"meaning", Comment(table)}});
  Print(session, "Table", items, {{"table", "TABLE"}, {"meaning", "MEANING"}});
  return kCompliant;
}

absl::StatusOr<int> Show(const Session& session, const std::string& table) {
  google::protobuf::DescriptorPool pool;
  ASSIGN_OR_RETURN(const auto tables, CommentedTables(pool));
  if (table.empty()) return ShowAll(session, tables);
  const FieldDescriptor* field = nullptr;
  std::vector<std::string> names;
  for (const FieldDescriptor* known : tables) {
    names.push_back(known->name());
    if (known->name() == table) field = known;
  }
  if (field == nullptr)
    return absl::NotFoundError("no table is called " + table +
                               DidYouMean(table, names));
  Item items = Item::array();
  const Descriptor* row = field->message_type();
  for (int i = 0; i < row->field_count(); ++i)
    items.push_back(ColumnItem(row->field(i)));
  if (!ForPeople(session)) {
    Print(session, "Column", items, {});
    return kCompliant;
  }
  fmt::print("{}: {}\n\n", table, Comment(field));
  for (const Item& item : items) {
    const std::string values = item["values"].get<std::string>();
    fmt::print("  {:<22} {}{}{}\n      {}\n", item["column"].get<std::string>(),
               item["type"].get<std::string>(),
               item["key"].get<bool>() ? ", key" : "",
               values.empty() ? "" : ", one of " + values,
               item["meaning"].get<std::string>());
  }
  return kCompliant;
}

}  // namespace

void AddSchema(CommandLine& line, Session& session) {
  const auto table = std::make_shared<std::string>();
  line.Command("schema",
               "The tables that queries and controls read, and their columns",
               [&session, table] {
                 session.run = [&session, table] {
                   return Show(session, *table);
                 };
               })
      .Word("table", *table, "Name of a table");
}

}  // namespace metsuke::cli
