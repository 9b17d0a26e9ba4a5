// metsuke-probe: what one SSH server answers to somebody who knocks. It has no
// privilege, opens no file, and knows one server.

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/probe/confine.h"
#include "agent/probe/survey.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/log.h"
#include "proto/ssh_probe.h"
#include "proto/status.h"

namespace metsuke {
namespace {

enum ExitCode { kDone = 0, kError = 1, kUsage = 64 };

struct Flags {
  ProbeTarget target;
  bool one_key = false;
  std::string format = "json";
};

int Complain(ExitCode code, const std::string& why) {
  fmt::print(stderr, "metsuke-probe: {}\n", enc::Log(HostText(why)));
  return code;
}

absl::StatusOr<std::string> Write(const v1::Snapshot& seen,
                                  const std::string& format) {
  if (format == "binary") return seen.SerializeAsString();
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status =
      google::protobuf::util::MessageToJsonString(seen, &text, options);
  if (!status.ok()) return absl::InternalError(status.ToString());
  return text;
}

int Main(Flags flags) {
  for (const std::string& account : flags.target.accounts)
    if (!IsPlainAccount(account))
      return Complain(kUsage, fmt::format("--account '{}': letters, digits, "
                                          "'.', '_' and '-' only",
                                          account));
  if (flags.target.listener.empty())
    flags.target.listener =
        ListenerText(flags.target.address, flags.target.port);
  flags.target.keys = !flags.one_key;
  StartSshLibrary();
  if (const auto status = ConfineProbe(); !status.ok())
    return Complain(kError, Message(status));
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::seconds(flags.target.seconds);
  const v1::Snapshot seen =
      Survey(flags.target, [until](const Question& question) {
        RelayLimits limits;
        limits.time = std::clamp(std::chrono::floor<std::chrono::milliseconds>(
                                     until - std::chrono::steady_clock::now()),
                                 std::chrono::milliseconds(1), limits.time);
        return Knock(question, limits);
      });
  const auto out = Write(seen, flags.format);
  if (!out.ok()) return Complain(kError, Message(out.status()));
  if (fwrite(out->data(), 1, out->size(), stdout) != out->size() ||
      fflush(stdout) != 0)
    return Complain(kError, "standard output is closed");
  return kDone;
}

void AddFlags(CommandLine& line, Flags& flags) {
  line.Word("ADDRESS", flags.target.address, "IPv4 or IPv6 address").Required();
  line.Option("-p,--port", flags.target.port, "Port of the server")
      .Between(1, 65535)
      .ShowDefault();
  line.Option("-a,--account", flags.target.accounts,
              "Account to ask for; may be given again")
      .Required();
  line.Option("--listener", flags.target.listener,
              "What the rows call the server, if not ADDRESS:PORT");
  line.Flag("--one-key", flags.one_key,
            "Ask for no key but the one the server likes best");
  line.Option("--seconds", flags.target.seconds, "Time for all of it")
      .Between(1, 60)
      .ShowDefault();
  line.Option("-o,--output", flags.format, "How to print the tables")
      .OneOf({"json", "binary"})
      .ShowDefault();
}

}  // namespace
}  // namespace metsuke

#ifdef __SANITIZE_ADDRESS__
// It looks for leaks by tracing this process, which nobody may any more.
extern "C" const char* __lsan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  // A program that was started with a standard stream closed would give its
  // number to a socket.
  while (fcntl(2, F_GETFD) < 0)
    if (open("/dev/null", O_RDWR) < 0) return metsuke::kError;
  metsuke::SetLogName("metsuke-probe");
  metsuke::CommandLine line(
      "metsuke-probe",
      "Asks an SSH server which methods it offers, logging in nowhere.");
  metsuke::Flags flags;
  metsuke::AddFlags(line, flags);
  if (const auto code = line.Parse(argc, argv)) return *code;
  return metsuke::Main(std::move(flags));
}
