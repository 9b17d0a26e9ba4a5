// A record of the journal with fields of its own, by its native protocol
// (systemd.io/JOURNAL_NATIVE_PROTOCOL), which takes a few lines where
// libsystemd may be missing.

#ifndef METSUKE_PROTO_JOURNAL_RECORD_H_
#define METSUKE_PROTO_JOURNAL_RECORD_H_

#include <initializer_list>
#include <string_view>
#include <utility>

namespace metsuke {

// Sends name and value of each field to journald when standard error goes there
// (JOURNAL_STREAM of systemd.exec(5)); false when it does not, or nobody took
// it. Fields without a value are left out; newlines in values become blanks.
bool SendToJournal(
    std::initializer_list<std::pair<std::string_view, std::string_view>>
        fields);

}  // namespace metsuke

#endif  // METSUKE_PROTO_JOURNAL_RECORD_H_
