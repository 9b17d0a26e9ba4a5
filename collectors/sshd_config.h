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

// A line in a Match block: the keyword in lower case, its arguments with a
// blank between them, and the criteria of the block as they are written.
struct SshdMatchLine {
  std::string criteria, keyword, value;

  auto operator<=>(const SshdMatchLine&) const = default;
};

// The files a configuration stands in.
struct SshdFiles {
  // The file itself, those it includes, and the folders in which an Include
  // pattern looked for them: a file added there changes the configuration.
  std::vector<std::string> paths;
  // The lines in Match blocks.
  std::vector<SshdMatchLine> matched;
};
SshdFiles FindSshdFiles(const Host& host, const std::string& config);

// Keyword in lower case and value, in the order in which sshd prints them.
using SshdSettings = std::vector<std::pair<std::string, std::string>>;

// The lines of `sshd -T`.
SshdSettings ParseSshdSettings(std::string_view text);

// What `sshd -T` prints for the daemon's command line. NotFound when sshd is
// not installed; Unavailable with sshd's own message when it fails, as it does
// without host keys or with an error in a file.
absl::StatusOr<SshdSettings> ReadSshdSettings(const Host& host,
                                              const SshdCommand& command,
                                              const SshdFiles& files);

// The first value of `keyword`; empty when it is not among `settings`.
std::string SettingOf(const SshdSettings& settings, std::string_view keyword);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SSHD_CONFIG_H_
