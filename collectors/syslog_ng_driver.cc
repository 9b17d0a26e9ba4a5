#include "collectors/syslog_ng_driver.h"

#include <algorithm>
#include <string_view>

namespace metsuke {
namespace {

// The value of an option, "port(514)"; empty when it is not there.
std::string Option(const std::vector<SyslogNgNode>& options,
                   std::string_view name) {
  for (size_t i = 0; i + 1 < options.size(); ++i)
    if (options[i].Is(name) && options[i + 1].kind == '(' &&
        !options[i + 1].inside.empty())
      return options[i + 1].inside[0].text;
  return "";
}

bool IsOneOf(std::string_view word,
             std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

// The ports are those of transport-mapper-inet.c.
SyslogAction Forward(const std::string& driver, std::string host,
                     const std::vector<SyslogNgNode>& options) {
  std::string transport = Option(options, "transport");
  if (driver.starts_with("udp")) transport = "udp";
  const bool udp = transport == "udp";
  std::string port = Option(options, "port");
  if (port.empty()) port = Option(options, "destport");
  if (port.empty())
    port = driver != "syslog" || udp ? "514"
           : transport == "tls"      ? "6514"
                                     : "601";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return {"forward", (udp ? "@" : "@@") + host + ":" + port};
}

}  // namespace

SyslogMatch ReadSyslogNgSource(std::string driver,
                               const std::vector<SyslogNgNode>& options) {
  constexpr int kKern = 0, kSyslog = 5;
  // To syslog-ng they are the same.
  std::ranges::replace(driver, '_', '-');
  const std::string first = options.empty() ? "" : options[0].text;
  SyslogMask mask{};
  if (IsOneOf(driver, {"system", "systemd-journal", "systemd-syslog"}) ||
      (IsOneOf(driver, {"unix-stream", "unix-dgram"}) &&
       IsOneOf(first, {"/dev/log", "/run/systemd/journal/syslog"}))) {
    mask = EveryMessage();
  } else if (driver == "internal") {
    mask[kSyslog] = 0xff;
  } else if (driver == "file" && IsOneOf(first, {"/proc/kmsg", "/dev/kmsg"})) {
    mask[kKern] = 0xff;
  } else if (!IsOneOf(driver,
                      {"network", "syslog", "tcp", "tcp6", "udp", "udp6",
                       "default-network-drivers", "file", "wildcard-file",
                       "snmptrap", "mqtt", "kafka", "pacct"})) {
    return {{}, EveryMessage()};
  }
  return {mask, mask};
}

SyslogAction ReadSyslogNgDestination(const std::string& driver,
                                     const std::vector<SyslogNgNode>& options) {
  const std::string first =
      !options.empty() && (options[0].kind == '"' || options[0].kind == 'w')
          ? options[0].text
          : "";
  // A name with a macro in it is made for each message, as rsyslog's "?".
  if (driver == "file")
    return {"file", (first.find('$') == std::string::npos ? "" : "?") + first};
  if (IsOneOf(driver, {"network", "syslog", "tcp", "tcp6", "udp", "udp6"}))
    return Forward(driver, first, options);
  if (driver == "syslog-ng")
    return Forward(driver, Option(options, "server"), options);
  if (driver == "program") return {"program", first};
  if (driver == "pipe") return {"pipe", first};
  if (driver == "usertty") return {"user", first};
  // Their options hold passwords.
  if (IsOneOf(driver, {"sql", "mongodb", "redis", "elasticsearch-http"}))
    return {"database", driver};
  return {"other", driver};
}

}  // namespace metsuke
