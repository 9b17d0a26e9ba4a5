// The configuration of the systemd journal, journald.conf(5), without a host.

#ifndef METSUKE_COLLECTORS_JOURNAL_CONFIG_H_
#define METSUKE_COLLECTORS_JOURNAL_CONFIG_H_

#include <string>
#include <string_view>
#include <vector>

#include "proto/snapshot.pb.h"

namespace metsuke {

// A configuration file and where it stands.
struct JournalConf {
  std::string path;
  std::string text;
};

// One row for each option when journald reads `files` in their order. `patched`
// says whether the compiled defaults are those of Debian's build up to Debian
// 12, which differ in two options.
std::vector<v1::JournalOption> JournalOptions(
    const std::vector<JournalConf>& files, bool patched);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_JOURNAL_CONFIG_H_
