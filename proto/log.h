// What a daemon says about itself: one line per event on stderr with the
// priority prefix of sd-daemon(3), which the journal understands; what somebody
// should act upon goes there with its id, if there is a journal. Text of a host
// must have passed enc::Log.

#ifndef METSUKE_PROTO_LOG_H_
#define METSUKE_PROTO_LOG_H_

#include <string_view>

namespace metsuke {

// Priorities of syslog(3).
enum class Priority { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6 };

// For whom a message is.
struct Notice {
  const char* id;         // of proto/message_ids.h
  std::string_view host;  // METSUKE_HOST: the id of the host it is about
};

// Tells TEXT as Log does, and in the journal with its id and host.
void LogNotice(const Notice& notice, Priority priority, std::string_view text);

// Writes "<6>PROGRAM: TEXT" in one write(2). Newlines in `text` become blanks.
void Log(Priority priority, std::string_view text);

// Sets PROGRAM, once, at the start of main; must outlive the process.
void SetLogName(const char* program);

}  // namespace metsuke

#endif  // METSUKE_PROTO_LOG_H_
