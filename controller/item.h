// What is answered, as a tree of keys and values, and that tree as JSON. Text
// of hosts passes the encoder.

#ifndef METSUKE_CONTROLLER_ITEM_H_
#define METSUKE_CONTROLLER_ITEM_H_

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "proto/verdict.pb.h"

namespace metsuke {

using Item = nlohmann::ordered_json;

// `message` with the names of its fields as keys, those of a field that is
// `inlined` among them, defaults included: enums by their text, instants as RFC
// 3339 in UTC ("" for 0), row sets as a list of objects.
Item ToItem(const google::protobuf::Message& message);

// The rows as objects.
Item ToItems(const v1::RowSet& rows);

// In one line, or in lines that are indented by their depth; without a newline
// at the end.
std::string ToJson(const Item& item);
std::string ToJsonLines(const Item& item);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_ITEM_H_
