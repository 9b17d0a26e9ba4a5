// The configuration language of logrotate(8), without a host.

#ifndef METSUKE_COLLECTORS_LOGROTATE_RULES_H_
#define METSUKE_COLLECTORS_LOGROTATE_RULES_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/snapshot.pb.h"

namespace metsuke {

// A configuration file and where it stands.
struct LogrotateFile {
  std::string path;
  std::string text;
};

// Reads configuration files in the order logrotate does and collects what they
// say. What logrotate would refuse is left out, as far as it leaves it out (a
// block, or the rest of a file), and is told in gaps.
class LogrotateReader {
 public:
  // The files that `include PATH` stands for, in their order, without those
  // whose names match one of the taboo patterns (glob(7)).
  using Include = std::function<std::vector<LogrotateFile>(
      const std::string& path, const std::vector<std::string>& taboo)>;

  explicit LogrotateReader(Include include);

  // Reads a file and what it includes. Global directives stay in force for
  // the files that are read after it.
  void Read(const LogrotateFile& file);

  // One row per path; of a path that stands in two blocks the first counts.
  const std::vector<v1::LogrotateRule>& rules() const { return rules_; }

  // File and line of what was left out, and why.
  struct Trouble {
    std::string where;
    std::string why;
  };
  const std::vector<Trouble>& troubles() const { return troubles_; }

 private:
  class File;

  // What directives set; the values are logrotate's defaults.
  struct Settings {
    int rotate = 0;
    std::string frequency = "size";
    int64_t threshold = 1 << 20;
    int64_t max_size = 0;
    int max_age = 0;
    bool compress = false;
    std::string old_folder;
  };

  static v1::LogrotateRule Rule(const std::string& path,
                                const Settings& settings,
                                const std::string& source);
  void AddRule(v1::LogrotateRule rule);
  void SetTaboo(std::string_view list, std::string_view prefix);

  const Include include_;
  Settings defaults_;
  std::vector<std::string> taboo_;
  int depth_ = 0;
  std::vector<v1::LogrotateRule> rules_;
  std::vector<Trouble> troubles_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOGROTATE_RULES_H_
