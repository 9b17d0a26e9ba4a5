// How far back a log will reach, from what is configured and how fast it grows.
// Pure.

#ifndef METSUKE_COLLECTORS_LOG_RETENTION_H_
#define METSUKE_COLLECTORS_LOG_RETENTION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/snapshot.pb.h"

namespace metsuke {

// Columns keep_days, keep_bytes and kept_by of v1::LogSource.
struct LogLimits {
  int64_t days = -1;
  int64_t bytes = 0;
  std::string by;
};

// Of the log at `path`: what the first rule whose pattern matches it keeps.
LogLimits LimitsOfLogrotate(const std::vector<v1::LogrotateRule>& rules,
                            const std::string& path);

// How many old files the same rule keeps, -1 all; nothing where no rule matches.
std::optional<int> RotationsOf(const std::vector<v1::LogrotateRule>& rules,
                               const std::string& path);

// The folder that the same rule moves old files of that log to; empty when they
// stay beside it.
std::string OldFolderOf(const std::vector<v1::LogrotateRule>& rules,
                        const std::string& path);

// Of a journal in a file system of `disk` bytes. `runtime` is that below /run.
LogLimits LimitsOfJournal(const std::vector<v1::JournalOption>& options,
                          bool runtime, int64_t disk);

// How far journald goes before it removes files, and how full the file system is;
// 0 where nothing is set.
struct JournalRoom {
  int64_t most_bytes = 0, most_files = 0, seconds = 0;
  int64_t keep_free = 0, free = 0;  // bytes of the file system
};

// The same of a journal in a file system of `disk` bytes, of which `free` are not
// used.
JournalRoom RoomOfJournal(const std::vector<v1::JournalOption>& options,
                          bool runtime, int64_t disk, int64_t free);

// What auditd(8) does with its log.
struct AuditLog {
  std::string path = "/var/log/audit/audit.log";
  LogLimits limits;
};

// What auditd.conf(5), the file's content, says.
AuditLog ReadAuditdConf(std::string_view text);

// Column reach_days, for a log that grows by so many bytes a day.
int64_t ReachDays(const LogLimits& limits, int64_t bytes_per_day);

// Bytes of "512M" as systemd's options have it, with fractions and a base of
// 1024; 0 for what is no size.
int64_t SizeBytes(std::string_view text);

}  // namespace metsuke

#endif  // METSUKE_COLLECTORS_LOG_RETENTION_H_
