// The ways out of what a command answers: a table for people or JSON, JSON
// lines, YAML and CSV for programs. Text of hosts passes an encoder on every one
// of them.

#ifndef METSUKE_CONTROLLER_CLI_ITEMS_H_
#define METSUKE_CONTROLLER_CLI_ITEMS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "controller/cli/session.h"
#include "controller/item.h"

namespace metsuke::cli {

// Beside which commands have overloads of their own.
using metsuke::ToItem;

// A column of the table for people.
struct Column {
  // Key in the item.
  std::string key;
  // Its heading.
  std::string title;
  bool right = false;
  // Only with -o wide.
  bool wide = false;
};

// Prints `items`, a list of objects, to standard output in the form of
// --output; `kind` names it in JSON and YAML. The table has `columns`; CSV has
// every key of the first item.
void Print(const Session& session, const std::string& kind, const Item& items,
           const std::vector<Column>& columns);

// Prints the same document as -o json does, on one line.
void PrintLine(const std::string& kind, const Item& items);

// Whether what goes to standard output may have colours.
bool Colored(const Session& session);

// Whether --output is a form for people.
bool ForPeople(const Session& session);

// One value as it stands in a table.
std::string CellText(const Item& value);

}  // namespace metsuke::cli

#endif  // METSUKE_CONTROLLER_CLI_ITEMS_H_
