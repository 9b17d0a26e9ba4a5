// The configuration of sshd: the files it stands in, and what `sshd -T` says
// it comes to. The files are not interpreted here but for what -T does not
// tell: which others they include and whether a Match block moves the keys.

#ifndef METSUKE_COLLECTORS_SSHD_CONFIG_H_
#define METSUKE_COLLECTORS_SSHD_CONFIG_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "collectors/host.h"
#include "collectors/sshd_daemon.h"

namespace metsuke {

// A Match block.
struct SshdBlock {
  // What it asks of a connection, attribute in lower case and argument: its own
  // criteria and those of the blocks that include its file. All of them must
  // hold. Empty for "all".
  std::vector<std::pair<std::string, std::string>> tests;
  // The same as it is written; empty for what stands in no block.
  std::string criteria;
  // Where it begins.
  std::string path = {};
  int number = 0;  // from 1
};

// A line that sets something.
struct SshdLine {
  // The block it stands in, an index of SshdFiles::blocks.
  size_t block = 0;
  // In lower case, and the arguments with a blank between them.
  std::string keyword, value;
  std::string path;
  int number = 0;  // from 1
};

// The files a configuration stands in.
struct SshdFiles {
  // The file itself, those it includes, and the folders in which an Include
  // pattern looked for them: a file added there changes the configuration.
  std::vector<std::string> paths;
  // The first is what stands outside of all blocks.
  std::vector<SshdBlock> blocks = {SshdBlock()};
  // In the order in which sshd reads them: of a keyword the first line counts.
  // A file that is included twice has its lines twice.
  std::vector<SshdLine> lines;
  // There is more than is told here.
  bool cut_off = false;
};
SshdFiles FindSshdFiles(const Host& host, const std::string& config);

// Keyword in lower case and value, in the order in which sshd prints them.
using SshdSettings = std::vector<std::pair<std::string, std::string>>;

// The lines of `sshd -T`.
SshdSettings ParseSshdSettings(std::string_view text);

// What to hand to `sshd -T -C` for a connection that no Match block but "all"
// speaks of; empty when -T needs nothing. Without a port it fails at each
// LocalPort (match_cfg_line in servconf.c of OpenSSH).
std::string NoConnection(const SshdFiles& files);

// What `sshd -T` prints for the daemon's command line; with `connection`, for
// that one (the -C of sshd(8)), else for one that no Match block but "all"
// speaks of. NotFound when sshd is not installed; Unavailable with sshd's own
// message when it fails, as it does without host keys or with an error in a
// file.
absl::StatusOr<SshdSettings> ReadSshdSettings(
    const Host& host, const SshdCommand& command, const SshdFiles& files,
    const std::string& connection = "");

// The first value of `keyword`; empty when it is not among `settings`.
std::string SettingOf(const SshdSettings& settings, std::string_view keyword);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSHD_CONFIG_H_
