#include "collectors/sshd_daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <tuple>

#include "collectors/passwd.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr size_t kProcCap = 65536;

// Words of a command line: cut at NULs, or at blanks when it is a title.
struct Words {
  std::vector<std::string> words;
  bool title;
};

std::optional<Words> CutWords(std::string_view cmdline) {
  if (!cmdline.starts_with("sshd: ")) {
    while (cmdline.ends_with('\0')) cmdline.remove_suffix(1);
    return Words{SplitFields(cmdline, '\0'), false};
  }
  // The rest of the space of the arguments is filled with NULs.
  cmdline = cmdline.substr(6, cmdline.find('\0') - 6);
  const size_t end = cmdline.rfind(" [listener]");
  if (end == std::string_view::npos) return std::nullopt;
  return Words{SplitFields(cmdline.substr(0, end), ' '), true};
}

// The keyword of "Keyword=value" or "Keyword value", in lower case.
std::string KeywordOf(std::string_view option) {
  std::string keyword(option.substr(0, option.find_first_of(" \t=")));
  for (char& c : keyword)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return keyword;
}

// Options of sshd(8) with a value, and without.
constexpr std::string_view kWithValue = "CEbcfghkopu";
constexpr std::string_view kPlain = "46DGQRTdeiqrtV";

// Takes one option; false when what it changes cannot be told.
bool TakeOption(char letter, const std::string& value, SshdCommand& command) {
  const auto keep = [&](std::initializer_list<std::string> keywords) {
    command.options.push_back(fmt::format("-{}", letter));
    if (!value.empty()) command.options.push_back(value);
    command.keywords.insert(keywords);
  };
  switch (letter) {
    case 'f':
      command.config = value;
      return value.starts_with('/');
    case 'o':
      keep({KeywordOf(value)});
      return !value.empty();
    case 'p':
      // Addresses without a port of their own take this one.
      keep({"port", "listenaddress"});
      return !value.empty();
    case 'h':
      keep({"hostkey"});
      return !value.empty();
    case 'c':
      keep({"hostcertificate"});
      return !value.empty();
    case 'g':
      keep({"logingracetime"});
      return !value.empty();
    case '4':
    case '6':
      keep({"addressfamily"});
      return true;
    default:
      return true;  // changes nothing that is configured
  }
}

// The value of an option whose word ends here: the next word; of a title all
// words up to the next option, for -o may have had blanks.
std::string ValueAfter(const Words& line, char letter, size_t& next) {
  std::string value;
  while (next < line.words.size()) {
    if (!value.empty() &&
        (!line.title || letter != 'o' || line.words[next].starts_with('-')))
      break;
    value += (value.empty() ? "" : " ") + line.words[next++];
  }
  return value;
}

std::optional<std::string> ReadProc(const Host& host, int pid,
                                    std::string_view name) {
  absl::StatusOr<std::string> text =
      host.Read(fmt::format("/proc/{}/{}", pid, name), kProcCap);
  return text.ok() ? std::optional(*std::move(text)) : std::nullopt;
}

// The value of a line "Key:\tvalue" of /proc/PID/status.
std::string StatusLine(const std::string& status, const std::string& key) {
  const size_t start = ("\n" + status).find("\n" + key + ":\t");
  if (start == std::string::npos) return "";
  const size_t from = start + key.size() + 2;
  return status.substr(from, status.find('\n', from) - from);
}

int Number(const std::string& text) {
  uint32_t number = 0;
  return ParseId(text, &number) && number <= INT32_MAX
             ? static_cast<int>(number)
             : 0;
}

// Whether the process is root's and no container's: "Uid" has the real, the
// effective and two more ids, "NSpid" one number for each pid namespace.
bool BelongsToHost(const std::string& status) {
  return StatusLine(status, "Uid") == "0\t0\t0\t0" &&
         StatusLine(status, "NSpid").find('\t') == std::string::npos;
}

// When the process started, from proc(5): field 22 of its stat, in ticks since
// boot, counted behind the last ")" because a name may hold anything.
int64_t StartTime(const Host& host, const std::string& stat) {
  const absl::StatusOr<std::string> system = host.Read("/proc/stat", 4 << 20);
  const size_t name = stat.rfind(')');
  if (!system.ok() || name == std::string::npos) return 0;
  const size_t line = system->find("\nbtime ");
  const std::vector<std::string> fields =
      SplitFields(std::string_view(stat).substr(name), ' ');
  if (line == std::string::npos || fields.size() < 21) return 0;
  return std::strtoll(system->c_str() + line + 7, nullptr, 10) +
         std::strtoll(fields[20].c_str(), nullptr, 10) / sysconf(_SC_CLK_TCK);
}

// One process that may be an SSH server.
struct Candidate {
  std::string program;
  SshdDaemon daemon;
};

// The server that process `pid` is; nothing when it is no server of this host
// but a session, another's process or gone.
std::optional<Candidate> LookAt(const Host& host, int pid) {
  const std::optional<std::string> status = ReadProc(host, pid, "status");
  if (!status || !BelongsToHost(*status)) return std::nullopt;
  // A session is the child of the listener.
  const int parent = Number(StatusLine(*status, "PPid"));
  if (ReadProc(host, parent, "comm") == "sshd\n") return std::nullopt;
  const std::optional<std::string> stat = ReadProc(host, pid, "stat");
  const absl::StatusOr<std::string> exe =
      host.ReadLink(fmt::format("/proc/{}/exe", pid));
  if (!stat || absl::IsNotFound(exe.status())) return std::nullopt;

  Candidate found{exe.ok() ? *exe : kSshd, {}};
  found.daemon.state = SshdDaemon::State::kUnknown;
  found.daemon.pid = pid;
  found.daemon.started = StartTime(host, *stat);
  // An exe of another name is not sshd; of a program that was replaced since
  // (" (deleted)") nobody can ask what its defaults were.
  if (!exe.ok() || exe->ends_with("/sshd (deleted)")) return found;
  if (!exe->ends_with("/sshd")) return std::nullopt;

  const std::optional<std::string> cmdline = ReadProc(host, pid, "cmdline");
  if (!cmdline) return found;
  // "sshd: alice [priv]" is a session that outlived its listener.
  if (cmdline->starts_with("sshd: ") && !cmdline->starts_with("sshd: /"))
    return std::nullopt;
  if (std::optional<SshdCommand> command = ParseSshdCommand(*cmdline)) {
    found.daemon.command = *std::move(command);
    found.daemon.state = SshdDaemon::State::kRunning;
  }
  return found;
}

std::string Describe(const Candidate& candidate) {
  return fmt::format("{} -f {}", candidate.program,
                     candidate.daemon.command.config);
}

}  // namespace

std::optional<SshdCommand> ParseSshdCommand(std::string_view cmdline) {
  const std::optional<Words> line = CutWords(cmdline);
  if (!line) return std::nullopt;
  SshdCommand command;
  for (size_t next = 1; next < line->words.size();) {
    const std::string& word = line->words[next++];
    if (word.size() < 2 || word[0] != '-') return std::nullopt;
    for (size_t i = 1; i < word.size(); ++i) {
      const char letter = word[i];
      if (kPlain.find(letter) != std::string_view::npos) {
        TakeOption(letter, "", command);
        continue;
      }
      if (kWithValue.find(letter) == std::string_view::npos)
        return std::nullopt;
      // "-p22" holds its value, "-p 22" has it in the next word. In a title
      // the value of "-oAllowUsers a b" goes on in the next words.
      std::string value = word.substr(i + 1);
      if (value.empty()) {
        value = ValueAfter(*line, letter, next);
      } else if (line->title && letter == 'o') {
        while (next < line->words.size() && !line->words[next].starts_with('-'))
          value += " " + line->words[next++];
      }
      if (!TakeOption(letter, value, command)) return std::nullopt;
      break;
    }
  }
  return command;
}

absl::StatusOr<SshdDaemon> FindSshd(const Host& host) {
  host.ReadLive();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, host.List("/proc"));
  std::vector<Candidate> servers;
  for (const std::string& name : names) {
    const int pid = Number(name);
    if (pid == 0 || ReadProc(host, pid, "comm") != "sshd\n") continue;
    if (std::optional<Candidate> server = LookAt(host, pid))
      servers.push_back(*std::move(server));
  }
  if (servers.empty()) return SshdDaemon();
  // The server of the package, and of two of them the one with the usual file,
  // is the one the table speaks of.
  const auto rank = [](const Candidate& server) {
    return std::make_tuple(!server.program.starts_with(kSshd),
                           server.daemon.command.config != SshdCommand().config,
                           server.daemon.started, server.daemon.pid);
  };
  std::sort(servers.begin(), servers.end(),
            [&](const Candidate& a, const Candidate& b) {
              return rank(a) < rank(b);
            });
  SshdDaemon daemon = servers[0].daemon;
  for (size_t i = 1; i < servers.size(); ++i)
    daemon.others.push_back(Describe(servers[i]));
  if (!servers[0].program.starts_with(kSshd)) {
    daemon = SshdDaemon();
    for (const Candidate& server : servers)
      daemon.others.push_back(Describe(server));
  }
  return daemon;
}

}  // namespace metsuke
