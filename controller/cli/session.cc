#include "controller/cli/session.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <boost/filesystem.hpp>
#include <clocale>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "controller/cli/items.h"
#include "controller/cli/waiting.h"
#include "proto/config.pb.h"
#include "proto/grpc_tls.h"
#include "proto/instant.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke::cli {
namespace {

namespace fs = boost::filesystem;

constexpr char kSystemConfig[] = "/etc/metsuke/ctl.yaml";

std::string DefaultConfig() {
  const char* home = std::getenv("HOME");
  const fs::path own = fs::path(home ? home : "/") / ".config/metsuke/ctl.yaml";
  boost::system::error_code error;
  return fs::exists(own, error) ? own.string() : kSystemConfig;
}

std::string ConfigPath(const Session& session) {
  return session.config.empty() ? DefaultConfig() : session.config;
}

absl::StatusOr<v1::CtlConfig> ReadConfig(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file)
    return absl::FailedPreconditionError(fmt::format(
        "{}: cannot be read; name the configuration with --config or "
        "METSUKE_CONFIG (keys: controller, certificate, key, root)",
        path));
  v1::CtlConfig config;
  if (absl::Status status = ReadYaml(path, text.str(), config); !status.ok())
    return absl::FailedPreconditionError(Message(status));
  if (config.controller().empty() || config.certificate().empty() ||
      config.key().empty() || config.root().empty())
    return absl::FailedPreconditionError(
        path + ": controller, certificate, key and root must all be set");
  return config;
}

}  // namespace

absl::StatusOr<std::unique_ptr<v1::Operator::Stub>> Connect(
    const Session& session) {
  const std::string path = ConfigPath(session);
  ASSIGN_OR_RETURN(const v1::CtlConfig config, ReadConfig(path));
  auto credentials =
      ClientTls(config.certificate(), config.key(), config.root());
  if (!credentials.ok())
    return absl::FailedPreconditionError(path + ": " +
                                         Message(credentials.status()));
  std::vector<
      std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>>
      interceptors;
  if (SomebodyLooks())
    interceptors.push_back(ShowWaiting(IsJapanese(session)));
  return v1::Operator::NewStub(
      grpc::experimental::CreateCustomChannelWithInterceptors(
          config.controller(), *credentials, ControllerArguments(),
          std::move(interceptors)));
}

absl::StatusOr<std::string> ControllerAddress(const Session& session) {
  ASSIGN_OR_RETURN(const v1::CtlConfig config, ReadConfig(ConfigPath(session)));
  return config.controller();
}

absl::Status FromCall(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string message = status.error_message();
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE)
    message =
        "the controller cannot be reached (" + message +
        "); is metsuke-controller running, and is its address right in the "
        "configuration?";
  auto code = static_cast<absl::StatusCode>(status.error_code());
  // On this side that code means the operator's own configuration.
  if (code == absl::StatusCode::kFailedPrecondition)
    code = absl::StatusCode::kAborted;
  return absl::Status(code, message);
}

bool IsJapanese(const Session& session) {
  std::string language = session.language;
  if (language.empty() && ForPeople(session)) {
    const char* locale = std::setlocale(LC_MESSAGES, nullptr);
    language = std::string(locale ? locale : "").substr(0, 2);
  }
  return language == "ja";
}

const std::string& InLanguage(const Session& session, const v1::Text& text) {
  return IsJapanese(session) && !text.ja().empty() ? text.ja() : text.en();
}

int CodeFor(const Session& session, v1::Severity worst, bool incomplete) {
  if (session.exit_zero) return kCompliant;
  v1::Severity fail_on = v1::SEVERITY_HIGH;
  for (int i = v1::SEVERITY_LOW; i <= v1::SEVERITY_CRITICAL; ++i)
    if (EnumText(v1::Severity_descriptor()->FindValueByNumber(i)) ==
        session.fail_on)
      fail_on = static_cast<v1::Severity>(i);
  if (worst >= fail_on) return kFindings;
  return incomplete ? kIncomplete : kCompliant;
}

absl::StatusOr<int64_t> ParseInstant(const std::string& text) {
  if (text.find('T') != std::string::npos)
    if (const auto instant = metsuke::ParseInstant(text)) return *instant;
  int64_t count;
  char unit, after;
  if (std::sscanf(text.c_str(), "%7ld%c%c", &count, &unit, &after) == 2) {
    const int64_t seconds = unit == 'd'   ? 86400
                            : unit == 'h' ? 3600
                            : unit == 'm' ? 60
                                          : 0;
    if (seconds && count >= 0) return std::time(nullptr) - count * seconds;
  }
  std::tm day{};
  day.tm_isdst = -1;
  const char* end = strptime(text.c_str(), "%Y-%m-%d", &day);
  if (end && *end == '\0') return static_cast<int64_t>(std::mktime(&day));
  return absl::InvalidArgumentError(
      text + ": write 2026-11-21T09:00:00+09:00, 2026-11-21, or a time ago "
             "such as 24h or 7d");
}

absl::StatusOr<int64_t> ParseInstantOrNone(const std::string& text) {
  if (text.empty()) return 0;
  return ParseInstant(text);
}

std::string InstantText(int64_t seconds) {
  if (seconds == 0) return "never";
  const time_t time = seconds;
  std::tm local{};
  localtime_r(&time, &local);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &local);
  // strftime writes the zone as +0900, RFC 3339 as +09:00.
  std::string result = text;
  return result.insert(result.size() - 2, ":");
}

}  // namespace metsuke::cli
