#include "agent/probe/survey.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string_view>

#include "proto/utf8.h"

namespace metsuke {
namespace {

// Rows of one server are bounded, whatever it says.
constexpr int kMostNames = 256;
constexpr size_t kLongestName = 128;  // RFC 4251, 6 allows 64

// A type of host key and the algorithms that make a server show it.
struct KeyKind {
  std::string type;
  std::string algorithms;
};

// The kinds among what a server offers. What else it could prove itself with,
// such as a certificate, is left to a client that knows whom to trust.
std::deque<KeyKind> KeyKinds(const NameList& offered) {
  std::deque<KeyKind> kinds;
  std::string rsa;  // of all kinds the one that may be weak
  for (const char* name :
       {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"}) {
    if (std::ranges::find(offered, name) == offered.end()) continue;
    if (std::string_view(name).find("rsa") == std::string_view::npos)
      kinds.push_back({name, name});
    else
      rsa += (rsa.empty() ? "" : ",") + std::string(name);
  }
  if (!rsa.empty()) kinds.push_front({"ssh-rsa", rsa});
  return kinds;
}

// Marks that are sent in the list of key exchanges (RFC 8308, 2.1; the
// extensions of OpenSSH in its PROTOCOL file).
bool IsMark(std::string_view name) {
  return name == "ext-info-s" || name == "ext-info-c" ||
         name.starts_with("kex-strict-");
}

// Rows of ssh_algorithms while they are put together.
class Algorithms {
 public:
  void Add(const char* kind, const NameList& names, const char* direction) {
    for (const std::string& name : names) {
      if (std::ssize(rows_) >= kMostNames) return;
      const std::string text =
          ToUtf8(std::string_view(name).substr(0, kLongestName));
      const char* what = IsMark(name) ? "extension" : kind;
      const auto [row, added] = rows_.try_emplace({what, text}, direction);
      if (!added && row->second != direction) row->second = "both";
    }
  }
  void AddBothWays(const char* kind, const std::array<NameList, 2>& names) {
    Add(kind, names[0], "to_server");
    Add(kind, names[1], "to_client");
  }
  void AddTo(const std::string& listener, v1::Snapshot& out) const {
    for (const auto& [key, direction] : rows_) {
      v1::SshAlgorithm& row = *out.add_ssh_algorithms();
      row.set_listener(listener);
      row.set_kind(key.first);
      row.set_name(key.second);
      row.set_direction(direction);
    }
  }

 private:
  std::map<std::pair<std::string, std::string>, std::string> rows_;
};

void AddAlgorithms(const std::string& listener, const ServerHello& hello,
                   v1::Snapshot& out) {
  Algorithms rows;
  rows.Add("kex", hello.kex, "both");
  rows.Add("host_key", hello.host_keys, "both");
  rows.AddBothWays("cipher", hello.ciphers);
  rows.AddBothWays("mac", hello.macs);
  rows.AddBothWays("compression", hello.compressions);
  rows.AddTo(listener, out);
}

// One server being asked again and again.
class Surveyor {
 public:
  Surveyor(const ProbeTarget& target,
           const std::function<Answer(const Question&)>& knock)
      : target_(target), knock_(knock) {}

  v1::Snapshot Run() {
    for (const std::string& account : target_.accounts) {
      // What ended one conversation would end the next.
      if (knocks_ == 0 ||
          (last_.outcome() == "answered" && knocks_ < kMostKnocks))
        Ask(account);
      v1::SshEndpoint& row = *out_.add_ssh_endpoints();
      row = last_;
      row.set_account(account);
    }
    while (target_.keys && !kinds_.empty() && last_.outcome() == "answered" &&
           knocks_ < kMostKnocks)
      Ask(target_.accounts.front());
    SayWhatIsMissing();
    return std::move(out_);
  }

 private:
  void Miss(const char* table, const std::string& reason) {
    v1::Gap& gap = *out_.add_gaps();
    gap.set_table(table);
    gap.set_subject(target_.listener);
    gap.set_reason(reason);
  }

  // What the rows lack: no answer is not the answer that nothing is offered.
  void SayWhatIsMissing() {
    const std::string ended = last_.outcome() + ": " + last_.message();
    if (last_.outcome() != "answered") Miss("ssh_endpoints", ended);
    if (out_.ssh_algorithms().empty()) Miss("ssh_algorithms", ended);
    if (out_.ssh_algorithms_size() == kMostNames)
      Miss("ssh_algorithms", "the server offers more than is kept");
    if (out_.ssh_host_keys().empty()) Miss("ssh_host_keys", ended);
    if (!target_.keys) return;
    for (const KeyKind& kind : kinds_)
      Miss("ssh_host_keys", kind.type + " was not asked for");
    for (const std::string& type : unanswered_)
      Miss("ssh_host_keys", type + " was not shown when asked for");
  }

  void Ask(const std::string& account) {
    Question question{target_.address, static_cast<uint16_t>(target_.port),
                      account, ""};
    if (!kinds_.empty()) {
      question.host_keys = kinds_.front().algorithms;
      unanswered_.insert(kinds_.front().type);
      kinds_.pop_front();
    }
    Answer answer = knock_(question);
    if (++knocks_ == 1 && answer.hello) {
      AddAlgorithms(target_.listener, *answer.hello, out_);
      kinds_ = KeyKinds(answer.hello->host_keys);
    }
    if (answer.key) {
      answer.endpoint.set_host_key(answer.key->fingerprint());
      Keep(*std::move(answer.key));
    }
    last_ = std::move(answer.endpoint);
    last_.set_listener(target_.listener);
  }

  void Keep(v1::SshHostKey key) {
    std::erase_if(kinds_,
                  [&](const KeyKind& kind) { return kind.type == key.type(); });
    unanswered_.erase(key.type());
    key.set_listener(target_.listener);
    if (fingerprints_.insert(key.fingerprint()).second)
      *out_.add_ssh_host_keys() = std::move(key);
  }

  const ProbeTarget& target_;
  const std::function<Answer(const Question&)>& knock_;
  v1::Snapshot out_;
  v1::SshEndpoint last_;
  std::deque<KeyKind> kinds_;  // that no conversation was about yet
  std::set<std::string> unanswered_;
  std::set<std::string> fingerprints_;
  int knocks_ = 0;
};

}  // namespace

v1::Snapshot Survey(const ProbeTarget& target,
                    const std::function<Answer(const Question&)>& knock) {
  return Surveyor(target, knock).Run();
}

}  // namespace metsuke
