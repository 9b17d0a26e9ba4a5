#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cstdio>
#include <fstream>

#include "bench.h"
#include "collectors/cycle.h"
#include "folder.h"
#include "measure.h"
#include "proto/run.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr int kRecords = 1'000'000;
constexpr int64_t kDay = 86400;
constexpr int64_t kNow = 1'795'370'000;
constexpr double kTarget = 2.0;
constexpr char kMachine[] = "506cd7e4af1a4b3fa915e5b9018b068e";

struct Said {
  std::string program, exe, message;
};

// What a busy server writes: for each hundred records ninety of applications,
// five of a guessing attack, two logins and logouts, one sudo, two others.
Said RecordOf(int i) {
  const int kind = i % 100;
  if (kind < 90)
    return {fmt::format("app-{}", i % 7), "/usr/bin/app",
            fmt::format("request {} took {} ms for client {}", i, i % 977,
                        i % 4001)};
  if (kind < 95)
    return {"sshd", "/usr/sbin/sshd",
            fmt::format("Failed password for invalid user u{} from 192.0.2.{} "
                        "port {} ssh2",
                        i % 50, i / 1000 % 250, 1024 + i % 60000)};
  if (kind == 95)
    return {"sshd", "/usr/sbin/sshd",
            fmt::format("Accepted publickey for alice from 192.0.2.1 port {} "
                        "ssh2: ED25519 SHA256:abc",
                        1024 + i % 60000)};
  if (kind == 96)
    return {"sshd", "/usr/sbin/sshd",
            "pam_unix(sshd:session): session closed for user alice"};
  if (kind == 97)
    return {"sudo", "/usr/bin/sudo",
            "alice : PWD=/ ; USER=root ; COMMAND=/usr/bin/id"};
  return {"cron", "/usr/sbin/cron", fmt::format("({}) CMD (true)", i)};
}

// The journal of a day below `root`, by systemd's own program; its folder.
absl::StatusOr<std::string> MakeJournal(const std::string& root) {
  const std::string folder =
      fmt::format("{}/var/log/journal/{}", root, kMachine);
  boost::filesystem::create_directories(folder);
  boost::filesystem::create_directories(root + "/etc");
  std::ofstream(root + "/etc/machine-id") << kMachine << "\n";
  const std::string records = root + "/records";
  {
    std::ofstream out(records);
    for (int i = 0; i < kRecords; ++i) {
      const Said said = RecordOf(i);
      const int64_t since = kDay * 1'000'000 * i / kRecords;
      out << fmt::format(
          "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={:032}\n"
          "_TRANSPORT=syslog\n_UID=0\n_PID={}\n_EXE={}\n_COMM={}\n"
          "_SYSTEMD_UNIT={}.service\nPRIORITY=6\nSYSLOG_FACILITY=10\n"
          "SYSLOG_IDENTIFIER={}\nMESSAGE={}\n\n",
          (kNow - kDay) * 1'000'000 + since, since + 1, 7, 100 + i % 30000,
          said.exe, said.program, said.program, said.program, said.message);
    }
  }
  RunOptions options;
  options.deadline = std::chrono::minutes(10);
  RETURN_IF_ERROR(RunProgram({"/lib/systemd/systemd-journal-remote", "-o",
                              folder + "/system.journal", records},
                             options)
                      .status());
  boost::filesystem::remove(records);
  return folder;
}

// Reads all files of `folder` and does nothing with them.
Cost ReadWhole(const std::string& folder, double& bytes) {
  static char buffer[256 << 10];
  const Stopwatch watch;
  for (const auto& file : boost::filesystem::directory_iterator(folder)) {
    const int fd = open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
      bytes += static_cast<double>(got);
    close(fd);
  }
  return watch.Read();
}

}  // namespace

absl::Status BenchEvents(const BenchOptions& options, Report& report) {
  const Folder folder;
  report.Section(
      "Events",
      fmt::format("The events of a journal of a day with {} records, of which "
                  "nine in a hundred are of programs that events come from; "
                  "read in parts, each in a process of its own, as the agent "
                  "asks for them.",
                  ShowCount(kRecords)));
  const std::string root = folder.Make("root");
  ASSIGN_OR_RETURN(const std::string journal, MakeJournal(root));
  const Host host(root);
  Cycle cycle(host, AllCollectors());
  std::vector<double> cpu, idle;
  size_t events = 0, parts = 0;
  for (int round = 0; round < options.rounds; ++round) {
    std::string position;
    events = parts = 0;
    const Stopwatch watch;
    bool more = true;
    while (more) {
      v1::Collected collected;
      cycle.Hear(EventPosition::FromBytes(position), kNow, collected);
      const v1::Heard& heard = collected.heard();
      if (!heard.unread().empty())
        return absl::InternalError(heard.unread());
      events += static_cast<size_t>(heard.events_size());
      position = PositionAfter(collected, position);
      more = heard.more();
      ++parts;
    }
    cpu.push_back(watch.Read().cpu);
    const Stopwatch again;
    for (int i = 0; i < options.cycles; ++i) {
      v1::Collected nothing;
      cycle.Hear(EventPosition::FromBytes(position), kNow, nothing);
    }
    idle.push_back(again.Read().cpu / options.cycles);
  }
  double bytes = 0;
  const Cost floor = ReadWhole(journal, bytes);
  const double all = Median(cpu);
  report.Add({"a day of 1,000,000 records, CPU", ShowSeconds(all),
              fmt::format("{} events in {} parts; floor, which only reads the "
                          "{:.0f} MB: CPU {}; {:.1f} times the floor",
                          ShowCount(events), parts, bytes / 1e6,
                          ShowSeconds(floor.cpu), all / floor.cpu),
              "at most 2 s", all <= kTarget});
  report.Add({"nothing new, CPU", ShowSeconds(Median(idle)),
              "with the process it runs in"});
  return absl::OkStatus();
}

}  // namespace metsuke
