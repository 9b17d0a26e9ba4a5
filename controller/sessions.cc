#include "controller/sessions.h"

#include <algorithm>
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
  session.set_root(login.account() == "root");
  session.set_detail(login.detail());
  return session;
}

void End(const v1::Event& logout, v1::HostSession& session) {
  session.set_ended(logout.time());
  session.set_end("ended");
}

}  // namespace

void SessionJoin::Add(const v1::Event& event) {
  if (event.kind() == "login") {
    // A process number that is used again begins another session.
    open_[event.session()] = sessions_.size();
    sessions_.push_back(Begun(event));
  } else if (event.kind() == "logout") {
    const auto open = open_.find(event.session());
    if (open != open_.end()) {
      End(event, sessions_[open->second]);
      open_.erase(open);
      return;
    }
    v1::HostSession session = Begun(event);
    session.set_began(0);
    End(event, session);
    sessions_.push_back(std::move(session));
  }
}

std::vector<v1::HostSession> SessionJoin::Take(int64_t booted) {
  for (const auto& [key, index] : open_)
    if (sessions_[index].began() < booted) sessions_[index].set_end("boot");
  open_.clear();
  std::ranges::stable_sort(sessions_, {}, [](const v1::HostSession& session) {
    return session.began() != 0 ? session.began() : session.ended();
  });
  return std::exchange(sessions_, {});
}

}  // namespace metsuke
