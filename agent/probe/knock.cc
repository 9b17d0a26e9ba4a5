#include "agent/probe/knock.h"

#include <fmt/format.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "collectors/authorized_key_line.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

constexpr size_t kLongestBanner = 1024;

struct FreeSession {
  void operator()(ssh_session session) const { ssh_free(session); }
};
using Session = std::unique_ptr<ssh_session_struct, FreeSession>;
struct FreeKey {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;
struct FreeText {
  void operator()(char* text) const { ssh_string_free_char(text); }
};
using Text = std::unique_ptr<char, FreeText>;

// What the library can do and does not offer by itself: a server that knows
// nothing better is to be heard all the same. Names it does not know it leaves
// out.
constexpr char kKex[] =
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,"
    "ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group18-sha512,"
    "diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,"
    "diffie-hellman-group14-sha256,diffie-hellman-group14-sha1,"
    "diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1";
constexpr char kHostKeys[] =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
    "rsa-sha2-512,rsa-sha2-256,ssh-rsa";
constexpr char kCiphers[] =
    "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"
    "aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr,aes256-cbc,"
    "aes192-cbc,aes128-cbc,3des-cbc";
constexpr char kMacs[] =
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
    "hmac-sha2-256,hmac-sha2-512,hmac-sha1-etm@openssh.com,hmac-sha1";

bool Set(ssh_session session, ssh_options_e option, const void* value) {
  return ssh_options_set(session, option, value) == SSH_OK;
}

// Whether the session is ready to connect over `socket`, which is then its own.
// It reads no configuration and no file of known keys.
bool Prepare(ssh_session session, const Question& question, int socket) {
  const bool no = false;
  const char* nowhere = "/nonexistent";
  const std::string keys =
      question.host_keys.empty() ? kHostKeys : question.host_keys;
  return Set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) &&
         Set(session, SSH_OPTIONS_SSH_DIR, nowhere) &&
         Set(session, SSH_OPTIONS_KNOWNHOSTS, nowhere) &&
         Set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, nowhere) &&
         Set(session, SSH_OPTIONS_HOST, "probed.invalid") &&
         Set(session, SSH_OPTIONS_USER, question.account.c_str()) &&
         Set(session, SSH_OPTIONS_KEY_EXCHANGE, kKex) &&
         Set(session, SSH_OPTIONS_HOSTKEYS, keys.c_str()) &&
         Set(session, SSH_OPTIONS_CIPHERS_C_S, kCiphers) &&
         Set(session, SSH_OPTIONS_CIPHERS_S_C, kCiphers) &&
         Set(session, SSH_OPTIONS_HMAC_C_S, kMacs) &&
         Set(session, SSH_OPTIONS_HMAC_S_C, kMacs) &&
         Set(session, SSH_OPTIONS_FD, &socket);
}

// The methods of a server, sorted and joined by ",".
std::string Methods(int list) {
  std::set<std::string> names;
  for (const auto& [bit, name] :
       {std::pair(SSH_AUTH_METHOD_PASSWORD, "password"),
        std::pair(SSH_AUTH_METHOD_PUBLICKEY, "publickey"),
        std::pair(SSH_AUTH_METHOD_HOSTBASED, "hostbased"),
        std::pair(SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive"),
        std::pair(SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic")})
    if ((static_cast<unsigned>(list) & bit) != 0) names.insert(name);
  return absl::StrJoin(names, ",");
}

std::optional<v1::SshHostKey> ServerKey(ssh_session session) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK) return std::nullopt;
  const Key key(raw);
  const char* type = ssh_key_type_to_char(ssh_key_type(raw));
  char* base64 = nullptr;
  if (type == nullptr || ssh_pki_export_pubkey_base64(raw, &base64) != SSH_OK)
    return std::nullopt;
  const Text owned(base64);
  const auto line = ParseKeyLine(fmt::format("{} {}", type, base64));
  if (!line) return std::nullopt;
  v1::SshHostKey row;
  row.set_type(line->type);
  row.set_fingerprint(line->fingerprint);
  row.set_bits(line->bits);
  return row;
}

std::string Banner(ssh_session session) {
  const Text banner(ssh_get_issue_banner(session));
  if (banner == nullptr) return "";
  return ToUtf8(std::string_view(banner.get()).substr(0, kLongestBanner));
}

void SetEnding(const Ending& ending, v1::SshEndpoint& endpoint) {
  endpoint.set_outcome(ending.outcome);
  endpoint.set_message(ending.message);
}

bool IsOver(ssh_session session) {
  return (ssh_get_status(session) & (SSH_CLOSED | SSH_CLOSED_ERROR)) != 0;
}

// Calls `step` until it is done or the session is over, which the library by
// itself does not notice while it waits for an answer.
template <typename Step>
int Finish(ssh_session session, int again, ProbeClock::time_point until,
           const Step& step) {
  int code = step();
  while (code == again && ProbeClock::now() < until && !IsOver(session)) {
    pollfd file{ssh_get_fd(session), POLLIN, 0};
    poll(&file, 1, 20);
    code = step();
  }
  return code;
}

// Talks until the methods are known; how it failed otherwise.
Ending Talk(ssh_session session, ProbeClock::time_point until, Answer& answer) {
  ssh_set_blocking(session, 0);
  if (Finish(session, SSH_AGAIN, until, [&] { return ssh_connect(session); }) !=
      SSH_OK)
    return {"no_agreement", ToUtf8(ssh_get_error(session))};
  answer.key = ServerKey(session);
  const int none = Finish(session, SSH_AUTH_AGAIN, until,
                          [&] { return ssh_userauth_none(session, nullptr); });
  const int methods = none == SSH_AUTH_DENIED || none == SSH_AUTH_PARTIAL
                          ? ssh_userauth_list(session, nullptr)
                          : 0;
  // libssh 0.11 says "denied" of a server that hung up, too.
  const bool denied = (none == SSH_AUTH_DENIED && !IsOver(session)) ||
                      none == SSH_AUTH_PARTIAL || methods != 0;
  if (none == SSH_AUTH_SUCCESS)
    answer.endpoint.set_methods("none");
  else if (denied)
    answer.endpoint.set_methods(Methods(methods));
  else
    return {"closed", ToUtf8(ssh_get_error(session))};
  answer.endpoint.set_banner(Banner(session));
  return {"answered", ""};
}

// Why there is no answer. The library's words for it say less than the server's
// own first bytes and the relay do.
Ending Reason(const Ending& talked, const Ending& relayed,
              const ServerHello& hello, bool heard_a_line) {
  if (relayed.outcome == "too_much") return relayed;
  if (hello.software.empty() && (heard_a_line || !hello.wrong.empty()))
    return {"not_ssh", hello.wrong.empty() ? "what it says has no name of SSH"
                                           : hello.wrong};
  if (!hello.wrong.empty()) return {"no_agreement", hello.wrong};
  const bool told = talked.outcome == "closed" && !talked.message.empty() &&
                    relayed.outcome != "timeout";
  return relayed.outcome.empty() || told ? talked : relayed;
}

}  // namespace

void StartSshLibrary() {
  ssh_init();
  ssh_set_log_level(SSH_LOG_NOLOG);
}

Answer Knock(const Question& question, RelayLimits limits) {
  Answer answer;
  answer.endpoint.set_account(question.account);
  answer.endpoint.set_address(question.address);
  answer.endpoint.set_port(question.port);
  Relay relay(limits);
  const Ending reached = relay.Connect(question.address, question.port);
  answer.endpoint.set_source(relay.source());
  if (!reached.outcome.empty()) {
    SetEnding(reached, answer.endpoint);
    return answer;
  }
  Ending talked{"failed", "the SSH library refused its settings"};
  {
    const Session session(ssh_new());
    const int socket = relay.ReleaseEnd();
    if (session != nullptr && Prepare(session.get(), question, socket)) {
      talked = Talk(session.get(), relay.until(), answer);
      ssh_disconnect(session.get());
    } else {
      close(socket);
    }
  }
  const std::string heard = relay.Stop();
  ServerHello hello = ParseHello(heard);
  if (talked.outcome != "answered")
    talked = Reason(talked, relay.ending(), hello,
                    heard.find('\n') != std::string::npos);
  SetEnding(talked, answer.endpoint);
  answer.endpoint.set_software(ToUtf8(hello.software));
  if (hello.complete) answer.hello = std::move(hello);
  return answer;
}

}  // namespace metsuke
