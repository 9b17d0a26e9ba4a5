// Fills the sshd_options table with what `sshd -T` says for the command line
// of the running daemon, and whether that daemon can be trusted to apply it.

#include <algorithm>
#include <array>
#include <set>

#include "collectors/collector.h"
#include "collectors/sshd_state.h"
#include "proto/status.h"

namespace metsuke {
namespace {

constexpr char kTable[] = "sshd_options";

// The authorized_keys table takes the files at their word; say so when the
// daemon was told otherwise.
void CheckKeyOptions(const SshdCommand& command, v1::Snapshot& snapshot) {
  bool other = command.config != SshdCommand().config;
  for (const std::string& keyword : command.keywords)
    other = other || keyword.starts_with("authorizedkeys") ||
            keyword == "trustedusercakeys" || keyword == "strictmodes";
  if (other)
    AddGap(snapshot, "authorized_keys", "command line of sshd",
           "the running daemon may take keys from elsewhere than " +
               SshdCommand().config + " says");
}

// Criteria, keyword and value of the lines in Match blocks. What stands in
// "Match all" is among what sshd -T says.
std::set<std::array<std::string, 3>> Matched(const SshdFiles& files) {
  std::set<std::array<std::string, 3>> matched;
  for (const SshdLine& line : files.lines)
    if (const SshdBlock& block = files.blocks[line.block]; !block.tests.empty())
      matched.insert({block.criteria, line.keyword, line.value});
  return matched;
}

}  // namespace

absl::Status CollectSshdOptions(const Host& host, v1::Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const RunningSshd sshd, LookAtSshd(host));
  SshdSettings settings = sshd.settings;
  std::sort(settings.begin(), settings.end());
  settings.erase(std::unique(settings.begin(), settings.end()), settings.end());
  const SshdCommand& command = sshd.daemon.command;
  for (const auto& [keyword, value] : settings) {
    v1::SshdOption& row = *snapshot.add_sshd_options();
    row.set_keyword(keyword);
    row.set_value(value);
    row.set_daemon(command.keywords.contains(keyword) ? "command_line"
                                                      : sshd.state);
  }
  for (const auto& [criteria, keyword, value] : Matched(sshd.files)) {
    v1::SshdOption& row = *snapshot.add_sshd_options();
    row.set_keyword(keyword);
    row.set_value(value);
    row.set_daemon(sshd.state);
    row.set_criteria(criteria);
  }
  AddSshdGaps(sshd, kTable, snapshot);
  CheckKeyOptions(command, snapshot);
  return absl::OkStatus();
}

}  // namespace metsuke
