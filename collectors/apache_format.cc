#include "collectors/apache_format.h"

#include <set>

#include "collectors/web_sites.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

// One item: "%>s", "%{User-Agent}i", "%400,501!r".
struct Item {
  bool conditional = false;  // only for some results
  std::string argument;      // in lower case
  char letter = 0;
};

// The item after the "%" at `at`, and past it; without a letter when it has no
// end.
Item Read(std::string_view format, size_t& at) {
  Item item;
  for (++at; at < format.size(); ++at) {
    const char c = format[at];
    if (c == '!' || c == ',' || (c >= '0' && c <= '9')) {
      item.conditional = true;
    } else if (c == '{') {
      const size_t end = format.find('}', at);
      if (end == format.npos) return at = format.size(), item;
      item.argument = Lower(format.substr(at + 1, end - at - 1));
      at = end;
    } else if (c == '^') {
      return item;  // two letters, of trailers and the like
    } else if (c != '<' && c != '>') {
      item.letter = c;
      ++at;
      return item;
    }
  }
  return item;
}

// What the item records; a request by halves is "method" and "uri".
const char* Part(const Item& item) {
  switch (item.letter) {
    case 'h':
    case 'a':
      return "client";
    case 'i':
      return item.argument == "x-forwarded-for" ? "client" : "";
    case 't':
      return "time";
    case 'r':
      return "request";
    case 'm':
      return "method";
    case 'U':
      return "uri";
    case 's':
      return "status";
    case 'u':
      return "user";
    case 'x':
      return item.argument == "ssl_client_s_dn" ? "user" : "";
    default:
      return "";
  }
}

}  // namespace

std::vector<std::string> ApacheMissing(std::string_view format) {
  std::set<std::string> found;
  for (size_t at = 0; (at = format.find('%', at)) < format.size();) {
    const Item item = Read(format, at);
    if (!item.conditional) found.insert(Part(item));
  }
  if (found.contains("method") && found.contains("uri"))
    found.insert("request");
  return WebMissing(found);
}

}  // namespace metsuke
