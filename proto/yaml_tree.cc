#include "proto/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "proto/encode.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr size_t kMaxBytes = 4 << 20;
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxValues = 200'000;

// Builds the tree from the parser's events. It throws what yaml-cpp throws;
// yaml-cpp recurses once per level and stops with the first throw, so the
// depth it reaches is bounded here.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0)
      throw YAML::Exception(mark, "a second document; one file holds one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(mark, anchor, YamlNode::Kind::kNull);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::Exception(mark, "aliases (*) are not allowed");
  }
  // yaml-cpp gives "?" for a plain value and "!" for a quoted one.
  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& value) override {
    RefuseTag(mark, tag);
    YamlNode& node = Add(mark, anchor, YamlNode::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { open_.pop_back(); }

  YamlNode Take() { return std::move(root_); }

 private:
  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      throw YAML::Exception(mark, "tags (!) are not allowed");
  }

  void Open(const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor, YamlNode::Kind kind) {
    RefuseTag(mark, tag);
    if (open_.size() == kMaxDepth)
      throw YAML::Exception(mark,
                            fmt::format("more than {} levels", kMaxDepth));
    open_.push_back(&Add(mark, anchor, kind));
  }

  // Only the innermost open node grows, so pointers to those around it stay.
  YamlNode& Add(const YAML::Mark& mark, YAML::anchor_t anchor,
                YamlNode::Kind kind) {
    if (anchor != 0) throw YAML::Exception(mark, "anchors (&) are not allowed");
    if (++values_ > kMaxValues)
      throw YAML::Exception(mark,
                            fmt::format("more than {} values", kMaxValues));
    YamlNode& node =
        open_.empty() ? root_ : open_.back()->children.emplace_back();
    node.kind = kind;
    node.place = {mark.line + 1, mark.column + 1};
    return node;
  }

  YamlNode root_;
  std::vector<YamlNode*> open_;
  size_t values_ = 0;
  int documents_ = 0;
};

absl::Status At(const std::string& name, int line, int column,
                const std::string& why) {
  return absl::InvalidArgumentError(
      fmt::format("{}:{}:{}: {}", name, line, column, why));
}

// What YAML 1.2 does not let stand in a file; yaml-cpp would take U+0004 for
// the end of it and a NUL for another encoding.
absl::Status CheckBytes(const std::string& name, std::string_view yaml) {
  if (yaml.size() > kMaxBytes)
    return absl::InvalidArgumentError(
        fmt::format("{}:1:1: the file has {} bytes; {} are allowed", name,
                    yaml.size(), kMaxBytes));
  if (absl::Status sound = CheckUtf8(name, yaml); !sound.ok()) return sound;
  int line = 1, column = 1;
  while (!yaml.empty()) {
    const size_t length = Utf8Length(yaml);
    const auto c = static_cast<unsigned char>(yaml[0]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
      return At(name, line, column,
                fmt::format("the control character U+{:04X}", c));
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n';
    yaml.remove_prefix(length);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckUtf8(const std::string& name, std::string_view text) {
  int line = 1, column = 1;
  size_t byte = 0;
  while (byte < text.size()) {
    const size_t length = Utf8Length(text.substr(byte));
    if (length == 0)
      return At(name, line, column,
                fmt::format("not UTF-8 (byte {} of the file is {:02x}); a "
                            "Shift_JIS file becomes it by iconv -f CP932 -t "
                            "UTF-8",
                            byte + 1, static_cast<unsigned char>(text[byte])));
    column = text[byte] == '\n' ? 1 : column + 1;
    line += text[byte] == '\n';
    byte += length;
  }
  return absl::OkStatus();
}

absl::StatusOr<YamlNode> ParseYaml(const std::string& name,
                                   const std::string& yaml) try {
  if (absl::Status status = CheckBytes(name, yaml); !status.ok()) return status;
  std::istringstream stream(yaml);
  YAML::Parser parser(stream);
  TreeBuilder builder;
  while (parser.HandleNextDocument(builder)) {
  }
  return builder.Take();
} catch (const YAML::Exception& e) {
  return At(name, std::max(e.mark.line, 0) + 1, std::max(e.mark.column, 0) + 1,
            enc::Tty(HostText(e.msg)));
} catch (const std::exception& e) {
  return At(name, 1, 1, e.what());
}

}  // namespace metsuke
