#include "controller/register_check.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "controller/judge/network.h"
#include "controller/judge/tables.h"
#include "controller/persons.h"
#include "controller/store/labels.h"
#include "controller/waiver_check.h"
#include "proto/options.pb.h"
#include "proto/plain_text.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;
using Proto = google::protobuf::Message;

// Characters of one text.
constexpr size_t kLongest = 500;
// Rows of one register.
constexpr int kMostRows = 20'000;

// Texts can be read by everybody, and the key is there.
void CheckTexts(const Proto& row, int number, const RefuseRow& refuse) {
  const auto* type = row.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* column = type->field(i);
    if (column->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    const auto* reflection = row.GetReflection();
    const int count =
        column->is_repeated() ? reflection->FieldSize(row, column) : 1;
    for (int n = 0; n < count; ++n) {
      const std::string text =
          column->is_repeated() ? reflection->GetRepeatedString(row, column, n)
                                : reflection->GetString(row, column);
      if (const auto sound = CheckPlainText(text, kLongest); !sound.ok())
        refuse(number, column->name(), Message(sound));
      // The first column names the row; a key beside it may say "all".
      if (text.empty() && i == 0)
        refuse(number, column->name(), "is missing");
    }
  }
}

// The key columns of a row, so that no two rows have the same.
std::string KeyOf(const Proto& row) {
  std::string key;
  const auto* type = row.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i)
    if (type->field(i)->options().GetExtension(v1::key))
      key += ColumnText(row, type->field(i)) + '\0';
  return key;
}

void CheckHosts(const RegisterContext& context, const RefuseRow& refuse,
                v1::Registers& rows) {
  std::map<std::string, std::string> names;  // by id
  for (int i = 0; i < rows.hosts_size(); ++i) {
    const v1::RegisteredHost& row = rows.hosts(i);
    if (row.host().empty()) continue;
    const auto host = context.host(row.host());
    if (!host.ok()) {
      refuse(i, "host", Message(host.status()));
      continue;
    }
    if (const auto [first, fresh] = names.emplace(host->id(), row.host());
        !fresh && first->second != row.host())
      refuse(i, "host", "it is the same host as " + first->second);
    for (const auto& [key, value] : {std::pair("owner", row.owner()),
                                     {"role", row.role()},
                                     {"zone", row.zone()}})
      if (const auto sound = CheckLabelValue(value); !sound.ok())
        refuse(i, key, Message(sound));
  }
}

// Whether the address is the network's first.
bool BeginsThere(const Network& network) {
  for (int bit = network.bits; bit < 128; ++bit)
    if ((network.bytes[bit / 8] & (0x80 >> bit % 8)) != 0) return false;
  return true;
}

void CheckAdminSources(const RegisterContext&, const RefuseRow& refuse,
                       v1::Registers& rows) {
  for (int i = 0; i < rows.admin_sources_size(); ++i) {
    const std::string& network = rows.admin_sources(i).network();
    if (network.empty()) continue;
    const auto read = ParseNetwork(network);
    if (read && !BeginsThere(*read))
      refuse(i, "network",
             "has bits behind its length; write the network so that it begins "
             "with its first address, or the address without a length");
    else if (!read)
      refuse(i, "network",
             "is no address and no network; write 192.0.2.7, 192.0.2.0/24 or "
             "2001:db8::/48");
  }
}

// What useradd(8) and directories make; no more than a typing error is caught.
bool IsAccountName(std::string_view text) {
  return !text.starts_with('-') &&
         text.find_first_of(" \t:/,") == text.npos;
}

void CheckPersons(const RegisterContext&, const RefuseRow& refuse,
                  v1::Registers& rows) {
  for (int i = 0; i < rows.persons_size(); ++i) {
    const v1::Person& row = rows.persons(i);
    if (!IsFingerprint(row.identity()) && !IsAccountName(row.identity()))
      refuse(i, "identity",
             "is neither the name of an account nor the fingerprint of a key; "
             "write alice, or SHA256: and the 43 characters that ssh-keygen -lf "
             "FILE tells");
    if (const auto selector = Selector::Parse(row.selector()); !selector.ok())
      refuse(i, "selector", Message(selector.status()));
    if (row.person().empty()) refuse(i, "person", "is missing: who is it?");
  }
}

// Each register, and what its rows must be beyond what all rows must.
struct OwnCheck {
  const char* name;
  void (*check)(const RegisterContext& context, const RefuseRow& refuse,
                v1::Registers& rows);
};
constexpr OwnCheck kChecks[] = {
    {"hosts", CheckHosts},
    {"admin_sources", CheckAdminSources},
    {"waivers", CheckWaivers},
    {"persons", CheckPersons},
};

}  // namespace

bool HasCheck(const std::string& name) {
  for (const OwnCheck& own : kChecks)
    if (own.name == name) return true;
  return false;
}

void CheckRegister(const FieldDescriptor* field, const RegisterContext& context,
                   const RefuseRow& refuse, v1::Registers& rows) {
  const auto* reflection = rows.GetReflection();
  const int size = reflection->FieldSize(rows, field);
  if (size > kMostRows)
    return refuse(-1, "", fmt::format("more than {} rows", kMostRows));
  std::set<std::string> keys;
  for (int i = 0; i < size; ++i) {
    const Proto& row = reflection->GetRepeatedMessage(rows, field, i);
    CheckTexts(row, i, refuse);
    if (!keys.insert(KeyOf(row)).second)
      refuse(i, "", "there is another row of this name");
  }
  for (const OwnCheck& own : kChecks)
    if (own.name == field->name()) own.check(context, refuse, rows);
}

}  // namespace metsuke
