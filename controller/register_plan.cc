#include "controller/register_plan.h"

#include <fmt/format.h>

#include <utility>

#include "controller/drift/diff_table.h"
#include "controller/judge/tables.h"
#include "controller/known_tables.h"
#include "controller/store/body.h"
#include "proto/canonical.h"
#include "proto/encode.h"
#include "proto/options.pb.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;

constexpr size_t kMaxErrors = 200;

// The columns of `hosts` that are labels of the same name.
constexpr const char* kLabelKeys[] = {"owner", "role", "zone"};

std::string& LabelColumn(v1::RegisteredHost& row, std::string_view key) {
  if (key == "owner") return *row.mutable_owner();
  return key == "role" ? *row.mutable_role() : *row.mutable_zone();
}

// What people call a row: its first column.
std::string RowName(const v1::Registers& rows, const FieldDescriptor* field,
                    int row) {
  if (row < 0 || row >= rows.GetReflection()->FieldSize(rows, field)) return "";
  const auto& message =
      rows.GetReflection()->GetRepeatedMessage(rows, field, row);
  const std::string name =
      ColumnText(message, message.GetDescriptor()->field(0));
  return name.empty() ? fmt::format(" number {}", row + 1)
                      : " " + enc::Tty(HostText(name));
}

std::string Joined(std::vector<std::string> errors) {
  const size_t all = errors.size();
  if (all > kMaxErrors) {
    errors.resize(kMaxErrors);
    errors.push_back(fmt::format("and {} more", all - kMaxErrors));
  }
  return fmt::format("{}", fmt::join(errors, "\n"));
}

// Adds what becomes different in one register.
absl::Status AddChanges(const FieldDescriptor* field,
                        const v1::Registers& before, const v1::Registers& after,
                        RegisterPlan& plan) {
  ASSIGN_OR_RETURN(auto changes,
                   DiffTable(field->name(), CanonicalTable(before, field),
                             CanonicalTable(after, field)));
  for (v1::Change& change : changes) plan.changes.push_back(std::move(change));
  return absl::OkStatus();
}

absl::Status PlanHosts(const FieldDescriptor* field,
                       const RegisterContext& context,
                       const v1::Registers& rows, RegisterPlan& plan) {
  v1::Registers before, after;
  for (const v1::RegisteredHost& row : rows.hosts()) {
    ASSIGN_OR_RETURN(const v1::HostEntry host, context.host(row.host()));
    v1::RegisteredHost is =
        HostRow(row.host(), {host.labels().begin(), host.labels().end()});
    v1::RegisteredHost wanted = row;
    *before.add_hosts() = is;
    *after.add_hosts() = wanted;
    LabelChange change{.host = host.id(), .set = {}, .remove = {}};
    for (const char* key : kLabelKeys) {
      const std::string& value = LabelColumn(wanted, key);
      if (value == LabelColumn(is, key)) continue;
      if (value.empty())
        change.remove.emplace_back(key);
      else
        change.set.push_back(std::string(key) + "=" + value);
    }
    if (!change.set.empty() || !change.remove.empty())
      plan.update.labels.push_back(std::move(change));
  }
  return AddChanges(field, before, after, plan);
}

absl::Status PlanKept(const FieldDescriptor* field,
                      const RegisterContext& context, const v1::Registers& rows,
                      bool is_kept, RegisterPlan& plan) {
  const std::string canonical = CanonicalTable(rows, field);
  plan.update.bodies.push_back(MakeBody(field->name(), canonical));
  if (!is_kept && canonical.empty()) {
    v1::Change& change = plan.changes.emplace_back();
    change.set_table(field->name());
    change.set_kind("kept");
  }
  return AddChanges(field, context.before, rows, plan);
}

}  // namespace

v1::RegisteredHost HostRow(const std::string& host,
                           const std::vector<std::string>& labels) {
  v1::RegisteredHost row;
  row.set_host(host);
  for (const std::string& label : labels)
    for (const std::string key : kLabelKeys)
      if (label.starts_with(key + "="))
        LabelColumn(row, key) = label.substr(key.size() + 1);
  return row;
}

absl::StatusOr<RegisterPlan> PlanRegisters(const GivenRegisters& given,
                                           const RegisterContext& context,
                                           const TableDigests& kept) {
  RegisterPlan plan;
  plan.rows = given.rows;
  plan.update.by = context.by;
  plan.update.now = context.now;
  std::vector<std::string> errors;
  for (const std::string& name : given.named) {
    const FieldDescriptor* field = RegisterField(name);
    const RefuseRow refuse = [&](int row, const std::string& key,
                                 const std::string& why) {
      errors.push_back(fmt::format("{}{}{}: {}{}", given.Place(name, row, key),
                                   name, RowName(given.rows, field, row),
                                   key.empty() ? "" : key + ": ", why));
    };
    CheckRegister(field, context, refuse, plan.rows);
  }
  if (!errors.empty()) return absl::InvalidArgumentError(Joined(errors));
  for (const std::string& name : given.named) {
    const FieldDescriptor* field = RegisterField(name);
    if (field->options().GetExtension(v1::kept_as).empty())
      RETURN_IF_ERROR(
          PlanKept(field, context, plan.rows, kept.contains(name), plan));
    else
      RETURN_IF_ERROR(PlanHosts(field, context, plan.rows, plan));
  }
  return plan;
}

}  // namespace metsuke
