// From where people have logged in to a host lately, put together from events.

#ifndef METSUKE_CONTROLLER_LOGIN_SOURCES_H_
#define METSUKE_CONTROLLER_LOGIN_SOURCES_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "proto/event.pb.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// Whether the event is a login over SSH.
bool IsLogin(const v1::Event& event);

class LoginSources {
 public:
  // `now` is in seconds since 1970-01-01 UTC.
  explicit LoginSources(int64_t now) : now_(now) {}

  // The earliest time that counts.
  int64_t since() const;

  // Takes an event, if it is a login over SSH.
  void Add(const v1::Event& event);
  // Takes the rows of login_sources, as Table made them.
  void Add(const v1::Snapshot& rows);

  // The table login_sources. Of too many those that were used last; that there
  // are others is said by a row with "*" as account and address.
  v1::Snapshot Table() const;

 private:
  // Account, address and method.
  using Way = std::tuple<std::string, std::string, std::string>;

  void Add(Way way, int64_t day);

  const int64_t now_;
  std::map<Way, int64_t> last_;  // days, in seconds
  int64_t others_ = 0;           // the last of those that were left out
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_LOGIN_SOURCES_H_
