#include "proto/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "proto/journal_record.h"

namespace metsuke {
namespace {

const char* program_name = "metsuke";

}  // namespace

void SetLogName(const char* program) { program_name = program; }

void Log(Priority priority, std::string_view text) {
  std::string line =
      fmt::format("<{}>{}: {}", static_cast<int>(priority), program_name, text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  line += '\n';
  // Nobody is left to tell when stderr is gone.
  [[maybe_unused]] const auto written =
      write(STDERR_FILENO, line.data(), line.size());
}

void LogNotice(const Notice& notice, Priority priority, std::string_view text) {
  if (!SendToJournal({{"MESSAGE", text},
                      {"PRIORITY", std::to_string(static_cast<int>(priority))},
                      {"SYSLOG_IDENTIFIER", program_name},
                      {"MESSAGE_ID", notice.id},
                      {"METSUKE_HOST", notice.host}}))
    Log(priority, text);
}

}  // namespace metsuke
