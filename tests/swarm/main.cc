// metsuke-swarm: simulated hosts beside a real one. Each enrols with the token,
// gets a certificate of its own and reports over mutual TLS as an agent does;
// what it reports is what a real host looks like, with some of it changed. They
// report once and fall silent.

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <boost/filesystem.hpp>
#include <ctime>
#include <iostream>
#include <thread>

#include "agent/courier.h"
#include "agent/enrol.h"
#include "agent/identity_files.h"
#include "agent/look.h"
#include "agent/spool.h"
#include "proto/canonical.h"
#include "proto/collect.pb.h"
#include "proto/command_line.h"
#include "proto/config.pb.h"
#include "proto/file.h"
#include "proto/grpc_tls.h"
#include "proto/status.h"
#include "proto/sync.grpc.pb.h"
#include "proto/text.h"
#include "proto/version.h"

namespace metsuke {
namespace {

struct Flags {
  std::string config, tables, state, token_file;
  int hosts = 0;
};

// The i-th host: one of ten kinds of the real one, under a name of its own.
v1::Snapshot Host(v1::Snapshot snapshot, int i) {
  for (v1::HostFact& fact : *snapshot.mutable_host()) {
    fact.set_hostname(fmt::format("sim-{:04}", i));
    fact.set_machine(Hex(Sha256(fact.hostname())).substr(0, 32));
  }
  const int kind = i % 10;
  if (kind < 6) snapshot.clear_package_updates();
  for (v1::SshdOption& option : *snapshot.mutable_sshd_options())
    if (option.keyword() == "passwordauthentication")
      option.set_value(kind < 8 ? "no" : "yes");
  if (kind == 7) {
    v1::Port& port = *snapshot.add_ports();
    port.set_protocol("tcp");
    port.set_address("0.0.0.0");
    port.set_port(3306);
    port.set_program("mariadbd");
    port.set_path("/usr/sbin/mariadbd");
    port.set_package("mariadb-server");
    port.set_user("mysql");
  }
  if (kind == 9) {
    v1::Account& account = *snapshot.add_accounts();
    account.set_name("test");
    account.set_uid(1999);
    account.set_shell("/bin/bash");
    account.set_shell_usable(true);
    account.set_password("set");
    account.set_hash("sha512");
    account.set_hash_strong(true);
  }
  return snapshot;
}

// But for what the controller sees itself, of which no agent has a word.
v1::Collected Canonical(const v1::Snapshot& snapshot) {
  v1::Collected collected;
  const auto* type = v1::Snapshot::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    if (FilledBy(type->field(i)) == "metsuke-controller") continue;
    v1::CollectedTable& table = *collected.add_tables();
    table.set_table(type->field(i)->name());
    table.set_canonical(CanonicalTable(snapshot, type->field(i)));
  }
  return collected;
}

// Reports what the spool holds; returns when all of it is acknowledged.
absl::Status Report(const v1::AgentConfig& config, const Credential& own,
                    Spool& spool) {
  const auto stub = v1::Sync::NewStub(grpc::CreateCustomChannel(
      config.controller(), ClientTls(own), ControllerArguments()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(60));
  const auto stream = stub->Sync(&context);
  Courier courier(spool, kVersion);
  courier.Connected(std::time(nullptr));
  bool closed = false;
  while (!closed) {
    while (auto message = courier.NextMessage(std::time(nullptr)))
      if (!stream->Write(*message)) closed = true;
    if (courier.open() && spool.empty()) break;
    v1::ControllerMessage message;
    if (closed || !stream->Read(&message)) break;
    if (message.has_refusal())
      return absl::InternalError("refused: " + message.refusal().reason());
    courier.Received(message, std::time(nullptr));
    closed = courier.TakeOrders().close.has_value();
  }
  stream->WritesDone();
  context.TryCancel();
  const grpc::Status status = stream->Finish();
  if (spool.empty()) return absl::OkStatus();
  return absl::UnavailableError("the controller did not take it: " +
                                status.error_message());
}

absl::Status Simulate(const v1::AgentConfig& config, const v1::Snapshot& real,
                      const boost::filesystem::path& state,
                      const std::string& token, int i) {
  boost::filesystem::create_directories(state);
  boost::filesystem::permissions(state, boost::filesystem::owner_all);
  if (!HasIdentity(state))
    RETURN_IF_ERROR(Enrol(config.enrol(), token, state).status());
  ASSIGN_OR_RETURN(const Credential own, LoadIdentity(state));
  const int64_t now = std::time(nullptr);
  ASSIGN_OR_RETURN(const auto spool,
                   Spool::Open(state / "spool", kDefaultSpoolBytes, now));
  const Looked looked =
      MakeState(Canonical(Host(real, i)), spool->current(), now);
  if (!spool->current() ||
      StateDigest(*spool->current()) != StateDigest(looked.state))
    RETURN_IF_ERROR(spool->Append(looked.state, looked.tables, now).status());
  return Report(config, own, *spool);
}

absl::Status Run(const Flags& flags) {
  RETURN_IF_ERROR(HardenTls());
  v1::AgentConfig config;
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(flags.config));
  RETURN_IF_ERROR(ReadYaml(flags.config, yaml, config));
  v1::Collected collected;
  ASSIGN_OR_RETURN(const std::string tables, ReadFile(flags.tables));
  if (!collected.ParseFromString(tables))
    return absl::DataLossError(flags.tables +
                               ": not what metsuke-collect --once -o binary "
                               "prints");
  v1::Snapshot real;
  for (const v1::CollectedTable& table : collected.tables())
    real.MergeFromString(table.canonical());
  std::string token;
  std::getline(std::cin, token);
  for (int i = 1; i <= flags.hosts; ++i) {
    const auto state =
        boost::filesystem::path(flags.state) / fmt::format("{:04}", i);
    if (absl::Status status = Simulate(config, real, state, token, i);
        !status.ok())
      return Annotate(status, fmt::format("simulated host {}", i));
  }
  fmt::print("{} simulated hosts have reported\n", flags.hosts);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Flags flags;
  CommandLine line("metsuke-swarm",
                   "Simulates hosts; reads a token from standard input.");
  line.Option("--config", flags.config, "An agent's configuration").Required();
  line.Option("--tables", flags.tables,
              "What metsuke-collect --once -o binary printed")
      .Required();
  line.Option("--state", flags.state, "Folder for the hosts' states")
      .Required();
  line.Option("--hosts", flags.hosts, "How many").Required().Between(1, 10000);
  if (const auto code = line.Parse(argc, argv)) return *code;
  const absl::Status status = Run(flags);
  if (status.ok()) return 0;
  std::fprintf(stderr, "metsuke-swarm: %s\n", Message(status).c_str());
  return 1;
}

}  // namespace
}  // namespace metsuke

int main(int argc, char** argv) { return metsuke::Main(argc, argv); }
