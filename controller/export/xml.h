// What documents in XML have in common. Text goes into them by XmlText alone.

#ifndef METSUKE_CONTROLLER_EXPORT_XML_H_
#define METSUKE_CONTROLLER_EXPORT_XML_H_

#include <string>

namespace pugi {
class xml_document;
class xml_node;
}  // namespace pugi

namespace metsuke {

// Any text as XML 1.0 may hold it: each line as for a terminal, for XML has no
// way to write most control characters, not even escaped. Markup is escaped
// when the document is printed.
std::string XmlText(const std::string& text);

// Adds an element with this text.
pugi::xml_node AddText(pugi::xml_node& parent, const char* name,
                       const std::string& text);

// Sets an attribute.
void SetText(pugi::xml_node& node, const char* name, const std::string& text);

// What is in `document`, indented as what stands `depth` elements deep.
std::string PrintXml(const pugi::xml_document& document, unsigned depth);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_EXPORT_XML_H_
