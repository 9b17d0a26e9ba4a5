// metsuke-enrol: the door for new hosts.

#include <fmt/format.h>

#include <string>
#include <utility>

#include "controller/ca/workers.h"
#include "controller/enrol/door.h"
#include "proto/address.h"
#include "proto/command_line.h"
#include "proto/config.pb.h"
#include "proto/file.h"
#include "proto/log.h"
#include "proto/status.h"
#include "proto/text.h"
#include "proto/tls.h"

namespace metsuke {
namespace {

// Connections that are served at once.
constexpr int kConnections = 64;

absl::StatusOr<v1::EnrolConfig> ReadConfig(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(path));
  v1::EnrolConfig config;
  RETURN_IF_ERROR(ReadYaml(path, yaml, config));
  for (const auto& [name, value] :
       {std::pair("listen", config.listen()),
        std::pair("certificate", config.certificate()),
        std::pair("key", config.key()),
        std::pair("authority", config.authority())})
    if (value.empty())
      return absl::InvalidArgumentError(
          fmt::format("{}: {} must be given", path, name));
  RETURN_IF_ERROR(
      Annotate(Resolve(config.listen(), true).status(), path + ": listen"));
  return config;
}

absl::Status Run(const DaemonFlags& flags) {
  ASSIGN_OR_RETURN(const v1::EnrolConfig config, ReadConfig(flags.config));
  if (flags.print) fmt::print("{}", WriteYaml(config));
  if (flags.print) return absl::OkStatus();
  ASSIGN_OR_RETURN(TlsContextPtr tls,
                   EnrolTls(config.certificate(), config.key()));
  if (flags.test) return absl::OkStatus();
  HoldSignals();
  ASSIGN_OR_RETURN(const int listener, ListenTcp(config.listen()));
  EnrolDoor door(std::move(tls), AuthorityClient(config.authority()), {});
  const Workers workers(listener, kConnections,
                        [&door](int fd) { door.Serve(fd); });
  Log(Priority::kNotice, "listens on " + config.listen());
  AwaitSignal();
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  SetLogName("metsuke-enrol");
  DaemonFlags flags{.config = "/etc/metsuke/enrol.yaml"};
  CommandLine line("metsuke-enrol", "The door for new hosts.");
  AddDaemonFlags(line, flags);
  if (const auto code = line.Parse(argc, argv)) return *code;
  absl::Status status = HardenTls();
  if (status.ok()) status = Run(flags);
  if (status.ok()) return 0;
  Log(Priority::kError, Message(status));
  return absl::IsInvalidArgument(status) ? 78 : 1;
}

}  // namespace
}  // namespace metsuke

int main(int argc, char** argv) { return metsuke::Main(argc, argv); }
