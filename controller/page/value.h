// What a template of a page is filled with: texts, yes or no, lists, and fields
// by name. A text is encoded for HTML the moment it gets in, ours like those of
// hosts, so no template can let one out bare, however it is written.

#ifndef METSUKE_CONTROLLER_PAGE_VALUE_H_
#define METSUKE_CONTROLLER_PAGE_VALUE_H_

#include <concepts>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/encode.h"
#include "proto/host_text.h"

namespace metsuke {

class Value {
 public:
  using List = std::vector<Value>;
  using Fields = std::map<std::string, Value>;

  Value(const HostText& text) : value_(enc::Html(text)) {}
  Value(std::string text) : Value(HostText(std::move(text))) {}
  Value(const char* text) : Value(HostText(std::string(text))) {}
  template <std::same_as<bool> Truth>
  Value(Truth truth) : value_(truth) {}
  template <std::integral Number>
  requires(!std::same_as<Number, bool>) Value(Number number)
      : Value(std::to_string(number)) {}
  Value(List list) : value_(std::move(list)) {}
  Value(Fields fields) : value_(std::move(fields)) {}

  // At most one of them is there. Texts are encoded.
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  const bool* truth() const { return std::get_if<bool>(&value_); }
  const List* list() const { return std::get_if<List>(&value_); }
  const Fields* fields() const { return std::get_if<Fields>(&value_); }

 private:
  std::variant<bool, std::string, List, Fields> value_;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PAGE_VALUE_H_
