#include "controller/export/xml.h"

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "proto/encode.h"

namespace metsuke {

std::string XmlText(const std::string& text) {
  std::string safe;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (begin > 0) safe += '\n';
    safe += enc::Tty(HostText(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return safe;
}

pugi::xml_node AddText(pugi::xml_node& parent, const char* name,
                       const std::string& text) {
  pugi::xml_node node = parent.append_child(name);
  node.text().set(XmlText(text).c_str());
  return node;
}

void SetText(pugi::xml_node& node, const char* name, const std::string& text) {
  node.append_attribute(name).set_value(XmlText(text).c_str());
}

std::string PrintXml(const pugi::xml_document& document, unsigned depth) {
  std::ostringstream out;
  for (const pugi::xml_node& node : document)
    node.print(out, "  ", pugi::format_default, pugi::encoding_utf8, depth);
  return out.str();
}

}  // namespace metsuke
