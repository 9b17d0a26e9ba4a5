// Selectors and actions of rsyslog: which messages, and what happens to them.

#include <algorithm>

#include "collectors/syslog_config.h"
#include "collectors/words.h"

namespace metsuke {
namespace {

constexpr uint8_t kEverything = 0xff;

// What ".severity" does to the severities that a facility has so far:
// "=" takes one severity in place of it and all above, "!" takes away.
std::optional<uint8_t> Change(uint8_t before, std::string_view severity) {
  const bool away = severity.starts_with('!');
  if (away) severity.remove_prefix(1);
  const bool single = severity.starts_with('=');
  if (single) severity.remove_prefix(1);
  if (severity == "none") return away ? kEverything : uint8_t{0};
  if (severity == "*") return away ? uint8_t{0} : kEverything;
  const auto code = SeverityCode(severity);
  if (!code) return {};
  const uint8_t bits = single ? 1 << *code : (2 << *code) - 1;
  return away ? before & ~bits : before | bits;
}

// `text` up to its first blank or ";", after which a template is named.
std::string FirstPart(std::string_view text) {
  text = Strip(text);
  return std::string(text.substr(0, text.find_first_of("; \t")));
}

// "@(z5)[::1]:514" without options, and with the default port of syslog where
// none is named.
std::string ForwardTarget(std::string_view text) {
  const std::string_view at = text.starts_with("@@") ? "@@" : "@";
  text.remove_prefix(at.size());
  if (text.starts_with('('))
    text = text.substr(std::min(text.find(')'), text.size() - 1) + 1);
  std::string target = FirstPart(text);
  const size_t bracket = target.find(']');
  if (target.find(':', bracket == std::string::npos ? 0 : bracket) ==
      std::string::npos)
    target += ":514";
  return std::string(at) + target;
}

// Server and database of "server,database,user,password": the rest is secret.
std::string DatabaseTarget(std::string_view text) {
  const std::string first = FirstPart(text);
  const auto parts = Pieces(first, ',');
  std::string target(parts[0]);
  if (parts.size() > 1) target += "," + std::string(parts[1]);
  return target;
}

// ":module:parameters".
SyslogAction ModuleAction(std::string_view text) {
  const size_t colon = text.find(':', 1);
  const std::string_view module = text.substr(1, colon - 1);
  const std::string_view rest =
      colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (module == "omusrmsg") return {"user", FirstPart(rest)};
  if (module == "omfile") return {"file", FirstPart(rest)};
  if (module == "omrelp") return {"forward", "relp:" + FirstPart(rest)};
  if (module == "ommysql" || module == "ompgsql" || module == "omlibdbi")
    return {"database", DatabaseTarget(rest)};
  return {"other", std::string(module)};
}

SyslogAction Forward(std::string_view text) {
  const std::string host = ScriptParameter(text, "target");
  const std::string port = ScriptParameter(text, "port");
  const bool tcp = Lower(ScriptParameter(text, "protocol")) == "tcp";
  const bool v6 = host.find(':') != std::string::npos && host[0] != '[';
  return {"forward", std::string(tcp ? "@@" : "@") +
                         (v6 ? "[" + host + "]" : host) + ":" +
                         (port.empty() ? "514" : port)};
}

SyslogAction File(std::string_view text) {
  const std::string dynamic = ScriptParameter(text, "dynafile");
  return {"file",
          dynamic.empty() ? ScriptParameter(text, "file") : "?" + dynamic};
}

}  // namespace

std::optional<SyslogMask> ReadSelector(std::string_view selector) {
  SyslogMask mask{};
  for (const std::string_view part : Pieces(selector, ';')) {
    if (Strip(part).empty()) continue;
    const size_t dot = part.rfind('.');
    if (dot == std::string_view::npos) return {};
    for (const std::string_view word : Pieces(part.substr(0, dot), ',')) {
      const std::string_view name = Strip(word);
      const auto code = FacilityCode(name);
      // Marks are rsyslog's own messages and no facility of syslog(3).
      if (Lower(name) == "mark") continue;
      if (name != "*" && !code) return {};
      for (size_t i = 0; i < mask.size(); ++i) {
        if (code && i != static_cast<size_t>(*code)) continue;
        const auto bits = Change(mask[i], Strip(part.substr(dot + 1)));
        if (!bits) return {};
        mask[i] = *bits;
      }
    }
  }
  return mask;
}

SyslogAction ReadLegacyAction(std::string_view text) {
  text = Strip(text);
  if (text.starts_with('-')) text = Strip(text.substr(1));
  const char first = text.empty() ? '\0' : text[0];
  switch (first) {
    case '/':
    case '?':
      return {"file", FirstPart(text)};
    case '@':
      return {"forward", ForwardTarget(text)};
    case '|':
      return {"pipe", FirstPart(text.substr(1))};
    case '^':
      return {"program", FirstPart(text.substr(1))};
    case '>':
      return {"database", DatabaseTarget(text.substr(1))};
    case '~':
      return {"discard", ""};
    case ':':
      return ModuleAction(text);
    case '$':
      return {"other", FirstPart(text)};
    default:
      if (FirstPart(text) == "stop") return {"discard", ""};
      return {"user", FirstPart(text)};
  }
}

SyslogAction ReadScriptAction(std::string_view text) {
  const std::string type = Lower(ScriptParameter(text, "type"));
  const auto with = [&](const char* name) { return ScriptParameter(text, name); };
  if (type == "omfile") return File(text);
  if (type == "omfwd") return Forward(text);
  if (type == "ompipe") return {"pipe", with("pipe")};
  if (type == "omusrmsg") return {"user", with("users")};
  if (type == "omprog") return {"program", with("binary")};
  if (type == "omrelp")
    return {"forward", "relp:" + with("target") + ":" + with("port")};
  if (type == "ommysql" || type == "ompgsql")
    return {"database", with("server") + "," + with("db")};
  if (type == "omdiscard") return {"discard", ""};
  return {"other", type};
}

std::string ScriptParameter(std::string_view text, std::string_view name) {
  size_t at = 0;
  const auto skip = [&](std::string_view chars) {
    at = std::min(text.find_first_not_of(chars, at), text.size());
  };
  const auto value = [&] {
    std::string read;
    const char quote = text[at++];
    for (; at < text.size() && text[at] != quote; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      read += text[at];
    }
    if (at < text.size()) ++at;
    return read;
  };
  while (skip(" \t\r\n,"), at < text.size()) {
    const size_t end = std::min(text.find_first_of("= \t\r\n", at), text.size());
    const std::string key = Lower(text.substr(at, end - at));
    at = end;
    skip("= \t\r\n");
    std::string read;
    if (at < text.size() && text[at] == '[') {
      ++at;
      while (skip(" \t\r\n,"), at < text.size() && text[at] != ']') {
        if (text[at] != '"' && text[at] != '\'') return {};
        read += (read.empty() ? "" : ",") + value();
      }
      at = std::min(at + 1, text.size());
    } else if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
      read = value();
    } else {
      const size_t stop = std::min(text.find_first_of(" \t\r\n", at), text.size());
      read = text.substr(at, stop - at);
      at = stop;
    }
    if (key == name) return read;
  }
  return {};
}

}  // namespace metsuke
