#include "controller/store/heard.h"

namespace metsuke {

absl::Status StoreHeard(Database& database, const std::string& host,
                        int64_t now, const SilenceRule& silence) {
  RETURN_IF_ERROR(database.Execute(
      "INSERT OR IGNORE INTO silence(host, since, until) "
      "SELECT id, last_seen, ?2 FROM host WHERE id = ?1 AND removed = 0 "
      "AND (last_seen = 0 OR ?2 - max(last_seen, ?4) > ?3)",
      host, now, silence.after, silence.listening));
  return database.Execute(
      "UPDATE host SET last_seen = max(last_seen, ?2) "
      "WHERE id = ?1 AND removed = 0",
      host, now);
}

}  // namespace metsuke
