#include "controller/login_sources.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace metsuke {
namespace {

constexpr int64_t kDay = 86400, kDays = 30;
constexpr size_t kMostWays = 1000;
constexpr char kOthers[] = "*";

void AddRow(const std::string& account, const std::string& from,
            const std::string& method, int64_t last, v1::Snapshot& snapshot) {
  v1::LoginSource& row = *snapshot.add_login_sources();
  row.set_account(account);
  row.set_from(from);
  row.set_method(method);
  row.set_last(last);
}

}  // namespace

int64_t LoginSources::since() const { return (now_ / kDay - kDays) * kDay; }

void LoginSources::Add(Way way, int64_t day) {
  if (day < since()) return;
  int64_t& last = last_[std::move(way)];
  // The host's clock may be ahead.
  last = std::max(last, std::min(day, now_ / kDay * kDay));
}

void LoginSources::Add(const v1::Event& event) {
  if (IsLogin(event))
    Add({event.account(), event.from().substr(0, event.from().find('%')),
         event.method()},
        event.time() / kDay * kDay);
}

void LoginSources::Add(const v1::Snapshot& rows) {
  for (const v1::LoginSource& row : rows.login_sources()) {
    if (row.account() == kOthers && row.from() == kOthers)
      others_ = row.last() >= since() ? row.last() : 0;
    else
      Add({row.account(), row.from(), row.method()}, row.last());
  }
}

v1::Snapshot LoginSources::Table() const {
  std::vector<std::pair<int64_t, Way>> order;
  for (const auto& [way, last] : last_) order.emplace_back(-last, way);
  std::ranges::sort(order);
  v1::Snapshot snapshot;
  int64_t others = others_;
  for (const auto& [last, way] : order) {
    if (snapshot.login_sources_size() == int{kMostWays}) {
      others = std::max(others, -last);
      break;
    }
    AddRow(std::get<0>(way), std::get<1>(way), std::get<2>(way), -last, snapshot);
  }
  if (others > 0) AddRow(kOthers, kOthers, "", others, snapshot);
  return snapshot;
}

bool IsLogin(const v1::Event& event) {
  return event.kind() == "login" && event.service() == "ssh";
}

}  // namespace metsuke
