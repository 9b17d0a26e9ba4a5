#include "controller/cli/items.h"

#include <fmt/format.h>
#include <libsmartcols/libsmartcols.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "proto/encode.h"

namespace metsuke::cli {
namespace {

void WriteYaml(const Item& value, int indent, std::string& out) {
  if (!value.is_structured() || value.empty()) {
    out += ' ' + (value.is_structured() ? value.dump() : ToJson(value)) + '\n';
    return;
  }
  out += '\n';
  for (const auto& [key, child] : value.items()) {
    out += std::string(indent, ' ');
    out += value.is_object() ? enc::Yaml(HostText(key)) + ":" : "-";
    WriteYaml(child, indent + 2, out);
  }
}

// What CSV holds is data, and CSV has no escapes: only a terminal, which would
// obey it, gets it as a table has it.
std::string CsvField(const std::string& text, bool terminal) {
  const HostText field(text);
  return enc::Csv(terminal ? HostText(enc::Tty(field)) : field);
}

std::string CsvField(const Item& value, bool terminal) {
  if (value.is_string()) return CsvField(value.get<std::string>(), terminal);
  return CsvField(value.is_null() ? std::string() : ToJson(value), terminal);
}

// Without an item there are only the columns to name.
void PrintCsv(const Session& session, const Item& items,
              const std::vector<Column>& columns) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const auto line = [](const std::vector<std::string>& fields) {
    fmt::print("{}\r\n", fmt::join(fields, ","));
  };
  std::vector<std::string> fields;
  if (items.empty()) {
    for (const Column& column : columns)
      fields.push_back(CsvField(column.key, terminal));
    if (!session.no_headers) line(fields);
    return;
  }
  for (const auto& [key, value] : items[0].items())
    fields.push_back(CsvField(key, terminal));
  if (!session.no_headers) line(fields);
  for (const Item& item : items) {
    fields.clear();
    for (const auto& [key, value] : items[0].items())
      fields.push_back(CsvField(item.contains(key) ? item[key] : Item(), terminal));
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
  const std::string out = ToJson({{"kind", kind}, {"items", items}}) + '\n';
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
    for (const Item& item : items) out += ToJson(item) + '\n';
  } else {
    Item whole = {{"kind", kind}, {"items", items}};
    if (session.output == "json") {
      out = ToJsonLines(whole) + '\n';
    } else {
      WriteYaml(whole, 0, out);
      out.erase(0, 1);  // the newline before the first key
    }
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
}

}  // namespace metsuke::cli
