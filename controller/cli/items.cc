#include "controller/cli/items.h"

#include <fmt/format.h>
#include <libsmartcols/libsmartcols.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "proto/encode.h"
#include "proto/instant.h"
#include "proto/options.pb.h"
#include "proto/text.h"

namespace metsuke::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

Item CellItem(const v1::Cell& cell) {
  switch (cell.value_case()) {
    case v1::Cell::kInteger: return cell.integer();
    case v1::Cell::kReal: return cell.real();
    case v1::Cell::kText: return cell.text();
    default: return nullptr;
  }
}

// One value of `field`: the i-th when it is repeated.
Item FieldItem(const Message& m, const FieldDescriptor* f, int i) {
  const auto* r = m.GetReflection();
  const bool many = f->is_repeated();
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToItem(many ? r->GetRepeatedMessage(m, f, i) : r->GetMessage(m, f));
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* value = many ? r->GetRepeatedEnum(m, f, i) : r->GetEnum(m, f);
      return value->number() == 0 ? "" : EnumText(value);
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return many ? r->GetRepeatedString(m, f, i) : r->GetString(m, f);
    case FieldDescriptor::CPPTYPE_BOOL:
      return many ? r->GetRepeatedBool(m, f, i) : r->GetBool(m, f);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      // A tenth is all a score can mean.
      return std::round((many ? r->GetRepeatedDouble(m, f, i)
                              : r->GetDouble(m, f)) * 10) / 10;
    case FieldDescriptor::CPPTYPE_UINT32:
      return many ? r->GetRepeatedUInt32(m, f, i) : r->GetUInt32(m, f);
    case FieldDescriptor::CPPTYPE_INT32:
      return many ? r->GetRepeatedInt32(m, f, i) : r->GetInt32(m, f);
    case FieldDescriptor::CPPTYPE_UINT64:
      return many ? r->GetRepeatedUInt64(m, f, i) : r->GetUInt64(m, f);
    default: {
      const int64_t value =
          many ? r->GetRepeatedInt64(m, f, i) : r->GetInt64(m, f);
      if (!f->options().GetExtension(v1::instant)) return value;
      return value == 0 ? "" : Rfc3339(value);
    }
  }
}

std::string Leaf(const Item& value) {
  if (value.is_string())
    return enc::Json(HostText(value.get<std::string>()));
  return value.dump();
}

void WriteJson(const Item& value, int indent, std::string& out) {
  if (!value.is_structured()) {
    out += Leaf(value);
    return;
  }
  const bool object = value.is_object();
  out += object ? '{' : '[';
  const std::string newline =
      indent < 0 ? "" : "\n" + std::string(indent + 2, ' ');
  bool first = true;
  for (const auto& [key, child] : value.items()) {
    if (!first) out += ',';
    first = false;
    out += newline;
    if (object) out += enc::Json(HostText(key)) + (indent < 0 ? ":" : ": ");
    WriteJson(child, indent < 0 ? -1 : indent + 2, out);
  }
  if (!first && indent >= 0) out += "\n" + std::string(indent, ' ');
  out += object ? '}' : ']';
}

void WriteYaml(const Item& value, int indent, std::string& out) {
  if (!value.is_structured() || value.empty()) {
    out += ' ' + (value.is_structured() ? value.dump() : Leaf(value)) + '\n';
    return;
  }
  out += '\n';
  for (const auto& [key, child] : value.items()) {
    out += std::string(indent, ' ');
    out += value.is_object() ? enc::Yaml(HostText(key)) + ":" : "-";
    WriteYaml(child, indent + 2, out);
  }
}

std::string CsvField(const Item& value) {
  return enc::Csv(HostText(value.is_string()  ? value.get<std::string>()
                           : value.is_null()  ? std::string()
                                              : value.dump()));
}

// Without an item there are only the columns to name.
void PrintCsv(const Session& session, const Item& items,
              const std::vector<Column>& columns) {
  const auto line = [](const std::vector<std::string>& fields) {
    fmt::print("{}\r\n", fmt::join(fields, ","));
  };
  std::vector<std::string> fields;
  if (items.empty()) {
    for (const Column& column : columns)
      fields.push_back(enc::Csv(HostText(column.key)));
    if (!session.no_headers) line(fields);
    return;
  }
  for (const auto& [key, value] : items[0].items())
    fields.push_back(enc::Csv(HostText(key)));
  if (!session.no_headers) line(fields);
  for (const Item& item : items) {
    fields.clear();
    for (const auto& [key, value] : items[0].items())
      fields.push_back(CsvField(item.contains(key) ? item[key] : Item()));
    line(fields);
  }
}

const char* ColorOf(const std::string& text) {
  if (text == "fail" || text == "critical") return "red";
  if (text == "unknown" || text == "high") return "yellow";
  if (text == "pass") return "green";
  return nullptr;
}

void PrintTable(const Session& session, const Item& items,
                const std::vector<Column>& columns) {
  libscols_table* table = scols_new_table();
  scols_table_enable_noheadings(table, session.no_headers);
  scols_table_enable_colors(table, Colored(session));
  // Only a person's terminal has a width that text must be cut to.
  const bool cut = isatty(STDOUT_FILENO) && session.output != "wide";
  if (!cut) scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
  std::vector<const Column*> shown;
  for (const Column& column : columns) {
    if (column.wide && session.output != "wide") continue;
    shown.push_back(&column);
    const bool last = &column == &columns.back();
    scols_table_new_column(table, column.title.c_str(), 0,
                           (column.right ? SCOLS_FL_RIGHT : 0) |
                               (cut && last ? SCOLS_FL_TRUNC : 0));
  }
  for (const Item& item : items) {
    libscols_line* line = scols_table_new_line(table, nullptr);
    for (size_t i = 0; i < shown.size(); ++i) {
      const auto value = item.find(shown[i]->key);
      const std::string text = value == item.end() ? "" : CellText(*value);
      scols_line_set_data(line, i, text.c_str());
      if (const char* color = ColorOf(text))
        scols_cell_set_color(scols_line_get_cell(line, i), color);
    }
  }
  scols_print_table(table);
  scols_unref_table(table);
}

}  // namespace

Item ToItems(const v1::RowSet& rows) {
  Item items = Item::array();
  for (const v1::Row& row : rows.rows()) {
    Item item = Item::object();
    for (int i = 0; i < row.cells_size() && i < rows.columns_size(); ++i)
      item[rows.columns(i)] = CellItem(row.cells(i));
    items.push_back(std::move(item));
  }
  return items;
}

Item ToItem(const Message& message) {
  if (const auto* rows = dynamic_cast<const v1::RowSet*>(&message))
    return ToItems(*rows);
  Item item = Item::object();
  const auto* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->options().GetExtension(v1::inlined)) {
      item.update(FieldItem(message, field, 0));
      continue;
    }
    if (!field->is_repeated()) {
      item[field->name()] = FieldItem(message, field, 0);
      continue;
    }
    Item list = Item::array();
    for (int n = 0; n < message.GetReflection()->FieldSize(message, field); ++n)
      list.push_back(FieldItem(message, field, n));
    item[field->name()] = std::move(list);
  }
  return item;
}

std::string CellText(const Item& value) {
  if (value.is_string()) return enc::Tty(HostText(value.get<std::string>()));
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_null()) return "";
  if (value.is_number_float()) return fmt::format("{:.1f}", value.get<double>());
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, child] : value.items()) {
    if (!text.empty()) text += value.is_object() ? " " : ", ";
    if (value.is_object()) text += enc::Tty(HostText(key)) + "=";
    text += CellText(child);
  }
  return text;
}

void PrintLine(const std::string& kind, const Item& items) {
  std::string out;
  WriteJson({{"kind", kind}, {"items", items}}, -1, out);
  out += '\n';
  std::fwrite(out.data(), 1, out.size(), stdout);
}

bool Colored(const Session& session) {
  if (session.color != "auto") return session.color == "always";
  const char* force = std::getenv("CLICOLOR_FORCE");
  if (force && *force && std::string_view(force) != "0") return true;
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return !(off && *off) && isatty(STDOUT_FILENO) &&
         std::string_view(terminal ? terminal : "dumb") != "dumb";
}

bool ForPeople(const Session& session) {
  return session.output == "table" || session.output == "wide";
}

void Print(const Session& session, const std::string& kind, const Item& items,
           const std::vector<Column>& columns) {
  std::string out;
  if (ForPeople(session)) {
    PrintTable(session, items, columns);
  } else if (session.output == "csv") {
    PrintCsv(session, items, columns);
  } else if (session.output == "jsonl") {
    for (const Item& item : items) {
      WriteJson(item, -1, out);
      out += '\n';
    }
  } else {
    Item whole = {{"kind", kind}, {"items", items}};
    if (session.output == "json") {
      WriteJson(whole, 0, out);
      out += '\n';
    } else {
      WriteYaml(whole, 0, out);
      out.erase(0, 1);  // the newline before the first key
    }
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
}

}  // namespace metsuke::cli
