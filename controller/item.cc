#include "controller/item.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "proto/encode.h"
#include "proto/instant.h"
#include "proto/options.pb.h"
#include "proto/text.h"

namespace metsuke {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

Item CellItem(const v1::Cell& cell) {
  switch (cell.value_case()) {
    case v1::Cell::kInteger:
      return cell.integer();
    case v1::Cell::kReal:
      return cell.real();
    case v1::Cell::kText:
      return cell.text();
    default:
      return nullptr;
  }
}

// One value of `field`: the i-th when it is repeated.
Item FieldItem(const Message& m, const FieldDescriptor* f, int i) {
  const auto* r = m.GetReflection();
  const bool many = f->is_repeated();
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToItem(many ? r->GetRepeatedMessage(m, f, i)
                         : r->GetMessage(m, f));
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
      return std::round(
                 (many ? r->GetRepeatedDouble(m, f, i) : r->GetDouble(m, f)) *
                 10) /
             10;
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
  if (value.is_string()) return enc::Json(HostText(value.get<std::string>()));
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

std::string ToJson(const Item& item) {
  std::string out;
  WriteJson(item, -1, out);
  return out;
}

std::string ToJsonLines(const Item& item) {
  std::string out;
  WriteJson(item, 0, out);
  return out;
}

}  // namespace metsuke
