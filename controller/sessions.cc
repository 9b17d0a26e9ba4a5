#include "controller/sessions.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace metsuke {
namespace {

v1::HostSession Begun(const v1::Event& login) {
  v1::HostSession session;
  session.set_service(login.service());
  session.set_account(login.account());
  session.set_actor(login.actor());
  session.set_login_account(login.login_account());
  session.set_from(login.from());
  session.set_method(login.method());
  session.set_began(login.time());
  session.set_end("open");
  session.set_root(login.account() == "root" || login.account().empty());
  session.set_detail(login.detail());
  session.set_source(login.source());
  return session;
}

// The boot in which a session began.
std::string BootOf(const std::string& session) {
  return session.substr(0, session.find('-'));
}

void End(const v1::Event& logout, v1::HostSession& session) {
  session.set_ended(logout.time());
  session.set_end("ended");
}

// Two recorders tell the same of su and sudo, each with its clock.
constexpr int64_t kSameMoment = 5;  // seconds

// Whether audit has told of the session, and this is another's word: while its
// process lives the number is no other's, whatever a user writes.
bool Yields(const v1::Event& event, const v1::HostSession& session) {
  return session.source() == "audit" && event.source() != "audit";
}

// Whether audit tells what the user's word told a moment ago.
bool Replaces(const v1::Event& login, const v1::HostSession& session) {
  return login.source() == "audit" && session.source() != "audit" &&
         login.service() == session.service() &&
         std::abs(login.time() - session.began()) <= kSameMoment;
}

}  // namespace

void SessionJoin::Add(const v1::Event& event) {
  if (event.kind() == "login") {
    const auto [open, added] =
        open_.try_emplace(event.session(), sessions_.size());
    if (!added && Yields(event, sessions_[open->second])) return;
    if (!added && Replaces(event, sessions_[open->second])) {
      sessions_[open->second] = Begun(event);
      return;
    }
    // A process number that is used again begins another session.
    if (!added) sessions_[open->second].set_end("unknown");
    open->second = sessions_.size();
    sessions_.push_back(Begun(event));
    boot_ = BootOf(event.session());
  } else if (event.kind() == "logout") {
    const auto open = open_.find(event.session());
    if (open != open_.end()) {
      if (Yields(event, sessions_[open->second])) return;
      End(event, sessions_[open->second]);
      closed_[event.session()] = open->second;
      open_.erase(open);
      return;
    }
    const auto closed = closed_.find(event.session());
    if (closed != closed_.end() &&
        std::abs(event.time() - sessions_[closed->second].ended()) <= kSameMoment)
      return;
    closed_[event.session()] = sessions_.size();
    v1::HostSession session = Begun(event);
    session.set_began(0);
    End(event, session);
    sessions_.push_back(std::move(session));
  }
}

std::vector<v1::HostSession> SessionJoin::Take(int64_t booted) {
  for (const auto& [key, index] : open_)
    if (sessions_[index].began() < booted || BootOf(key) != boot_)
      sessions_[index].set_end("boot");
  open_.clear();
  closed_.clear();
  std::ranges::stable_sort(sessions_, {}, [](const v1::HostSession& session) {
    return session.began() != 0 ? session.began() : session.ended();
  });
  return std::exchange(sessions_, {});
}

}  // namespace metsuke
