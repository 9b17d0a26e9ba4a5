// Which logs the system logger writes, and what of them it sends as well.

#ifndef METSUKE_COLLECTORS_SYSLOG_WRITER_H_
#define METSUKE_COLLECTORS_SYSLOG_WRITER_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "collectors/host.h"
#include "collectors/syslog_config.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

class SyslogWriter {
 public:
  // Reads the logger's configuration. `trouble` is told what of it cannot be
  // read or told, and why.
  using Trouble =
      std::function<void(const std::string& subject, const std::string& why)>;
  SyslogWriter(const Host& host, const Trouble& trouble);

  // The rules by facility, for each file and each place that is sent to.
  using Rules = std::map<std::string, v1::SyslogRoute>;
  const std::map<std::string, Rules>& files() const { return files_; }
  const std::map<std::string, Rules>& sent() const { return sent_; }

  // Where all that `rules` write is sent as well; empty when nowhere.
  std::string CopyOf(const Rules& rules) const;

  // Where the lines of the log at `path`, which another program writes and the
  // logger reads, are sent; empty when nowhere.
  std::string CopyOfInput(const std::string& path) const;

  // Fills the columns source, writer and facilities; `rules` are not empty.
  static void Describe(const Rules& rules, v1::LogSource& row);

 private:
  std::map<std::string, Rules> files_, sent_;
  std::vector<SyslogInput> inputs_;
};

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_SYSLOG_WRITER_H_
