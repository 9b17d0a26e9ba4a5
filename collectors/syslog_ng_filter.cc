#include "collectors/syslog_ng_filter.h"

#include <algorithm>
#include <vector>

#include "collectors/words.h"

namespace metsuke {
namespace {

using Nodes = std::span<const SyslogNgNode>;

std::optional<int> CodeOf(const SyslogNgNode& node, bool facility) {
  const int most = facility ? 23 : 7;
  if (const auto number = Number(node.text))
    return *number >= 0 && *number <= most
               ? std::optional(static_cast<int>(*number))
               : std::nullopt;
  return facility ? FacilityCode(node.text) : SeverityCode(node.text);
}

// The codes of "a, b, c..d", one bit each; nothing when one is not known.
std::optional<uint32_t> Codes(Nodes nodes, bool facility) {
  uint32_t bits = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].kind == ',') continue;
    const auto first = CodeOf(nodes[i], facility);
    auto last = first;
    if (i + 2 < nodes.size() && nodes[i + 1].kind == '.') {
      last = CodeOf(nodes[i + 2], facility);
      i += 2;
    }
    if (!first || !last) return {};
    for (int code = std::min(*first, *last); code <= std::max(*first, *last);
         ++code)
      bits |= 1u << code;
  }
  return bits;
}

SyslogMatch ByCodes(Nodes nodes, bool facility) {
  const auto bits = Codes(nodes, facility);
  if (!bits) return UnknownMatch();
  SyslogMask mask{};
  for (size_t i = 0; i < mask.size(); ++i)
    mask[i] = !facility         ? static_cast<uint8_t>(*bits)
              : *bits & 1u << i ? uint8_t{0xff}
                                : uint8_t{0};
  return {mask, mask};
}

// "a or b and not c": what binds least is read first.
class Expression {
 public:
  using Named = std::function<SyslogMatch(const std::string&)>;
  Expression(Nodes nodes, const Named& named) : nodes_(nodes), named_(named) {}

  SyslogMatch Or() {
    SyslogMatch match = And();
    while (Next("or")) match = match | And();
    return match;
  }

 private:
  bool Next(std::string_view word) {
    const bool is = at_ < nodes_.size() && nodes_[at_].Is(word);
    at_ += is ? 1 : 0;
    return is;
  }

  SyslogMatch And() {
    SyslogMatch match = Not();
    while (Next("and")) match = match & Not();
    return match;
  }

  SyslogMatch Not() {
    bool away = false;
    while (Next("not")) away = !away;
    const SyslogMatch match = One();
    return away ? ~match : match;
  }

  SyslogMatch One() {
    if (at_ >= nodes_.size()) return UnknownMatch();
    const SyslogNgNode& node = nodes_[at_];
    if (node.kind == '(') {
      ++at_;
      return Expression(node.inside, named_).Or();
    }
    if (node.kind == 'w' && at_ + 1 < nodes_.size() &&
        nodes_[at_ + 1].kind == '(') {
      at_ += 2;
      return Call(node.text, nodes_[at_ - 1].inside);
    }
    // A comparison, such as "$PROGRAM" eq "sshd".
    while (at_ < nodes_.size() && !nodes_[at_].Is("and") &&
           !nodes_[at_].Is("or"))
      ++at_;
    return UnknownMatch();
  }

  SyslogMatch Call(const std::string& name, Nodes inside) {
    if (name == "facility") return ByCodes(inside, true);
    if (name == "level" || name == "priority" || name == "severity")
      return ByCodes(inside, false);
    if (name == "filter" && inside.size() == 1) return named_(inside[0].text);
    return UnknownMatch();
  }

  const Nodes nodes_;
  const Named& named_;
  size_t at_ = 0;
};

}  // namespace

SyslogMatch operator&(const SyslogMatch& a, const SyslogMatch& b) {
  return {a.sure & b.sure, a.maybe & b.maybe};
}

SyslogMatch operator|(const SyslogMatch& a, const SyslogMatch& b) {
  return {a.sure | b.sure, a.maybe | b.maybe};
}

SyslogMatch operator~(const SyslogMatch& match) {
  return {~match.maybe, ~match.sure};
}

SyslogMatch UnknownMatch() { return {SyslogMask{}, EveryMessage()}; }

SyslogMatch ReadSyslogNgFilter(
    std::span<const SyslogNgNode> expression,
    const std::function<SyslogMatch(const std::string& name)>& named) {
  return Expression(expression, named).Or();
}

}  // namespace metsuke
