#include "controller/ca/ledger.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "controller/ca/sqlite.h"
#include "proto/canonical.h"
#include "proto/identity.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using ca::Execute;
using ca::Statement;

// The journal is only ever added to; the triggers are against our own slips.
constexpr char kSchema[] = R"(
CREATE TABLE IF NOT EXISTS tokens (
  id TEXT PRIMARY KEY, secret BLOB NOT NULL, created INTEGER NOT NULL,
  expires INTEGER NOT NULL, uses INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0 CHECK (used <= uses),
  creator TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS issued (
  serial TEXT PRIMARY KEY, at INTEGER NOT NULL, role TEXT NOT NULL,
  name TEXT NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,
  key BLOB NOT NULL, reason TEXT NOT NULL, hostname BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS issued_by_name ON issued (role, name, at);
CREATE TRIGGER IF NOT EXISTS issued_stays BEFORE UPDATE ON issued
  BEGIN SELECT RAISE(ABORT, 'the journal is not changed'); END;
CREATE TRIGGER IF NOT EXISTS issued_is_kept BEFORE DELETE ON issued
  BEGIN SELECT RAISE(ABORT, 'the journal is not shortened'); END;
)";

constexpr int64_t kDay = 86400, kRenewalGap = 60;
// A host's clock may be somewhat behind ours.
constexpr int64_t kBackdate = 300;

absl::StatusOr<std::string> RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()),
                 static_cast<int>(size)) != 1)
    return absl::UnavailableError("the system gives no random bytes");
  return bytes;
}

// 128 random bits that do not begin with a zero byte: then the number has one
// spelling in hexadecimal, here and in IdentityOf.
absl::StatusOr<std::string> MakeSerial() {
  for (;;) {
    ASSIGN_OR_RETURN(const std::string bytes, RandomBytes(16));
    if (bytes[0] != 0) return Hex(bytes);
  }
}

// A random UUID, version 4 of RFC 4122.
absl::StatusOr<std::string> MakeUuid() {
  ASSIGN_OR_RETURN(std::string bytes, RandomBytes(16));
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string text = Hex(bytes);
  for (const size_t at : {8u, 13u, 18u, 23u}) text.insert(at, "-");
  return text;
}

}  // namespace

// The right to use the file: one thread and one process at a time. SQLite up
// to 3.51.2 can damage a WAL that one connection checkpoints while another
// commits, so both happen under one lock. What was not committed at its end is
// rolled back.
class Ledger::Turn {
 public:
  explicit Turn(Ledger& ledger) : ledger_(ledger), guard_(ledger.mutex_) {
    while (flock(ledger_.lock_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Turn() {
    if (open_) Execute(ledger_.db_, "ROLLBACK").IgnoreError();
    flock(ledger_.lock_, LOCK_UN);
  }
  absl::Status Begin() {
    RETURN_IF_ERROR(Execute(ledger_.db_, "BEGIN IMMEDIATE"));
    open_ = true;
    return absl::OkStatus();
  }
  absl::Status Commit() {
    RETURN_IF_ERROR(Execute(ledger_.db_, "COMMIT"));
    open_ = false;
    // That the log stays longer harms nothing.
    sqlite3_wal_checkpoint_v2(ledger_.db_, nullptr, SQLITE_CHECKPOINT_PASSIVE,
                              nullptr, nullptr);
    return absl::OkStatus();
  }

 private:
  Ledger& ledger_;
  std::lock_guard<std::mutex> guard_;
  bool open_ = false;
};

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const std::string& dir) {
  const int lock =
      open((dir + "/ca.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return absl::ErrnoToStatus(errno, dir + "/ca.lock");
  std::unique_ptr<Ledger> ledger(new Ledger(nullptr, lock));
  Turn turn(*ledger);
  const mode_t mask = umask(0077);
  const int opened =
      sqlite3_open_v2((dir + "/ca.db").c_str(), &ledger->db_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                          SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
                      nullptr);
  absl::Status made;
  if (opened == SQLITE_OK)
    made = Execute(ledger->db_,
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                   "PRAGMA wal_autocheckpoint = 0;");
  if (opened != SQLITE_OK)
    made = absl::FailedPreconditionError(
        fmt::format("{}/ca.db: {}", dir, sqlite3_errmsg(ledger->db_)));
  if (made.ok()) made = Execute(ledger->db_, kSchema);
  umask(mask);
  if (!made.ok()) return made;
  return ledger;
}

Ledger::~Ledger() {
  {
    // Closing the last connection checkpoints.
    const Turn turn(*this);
    sqlite3_close(db_);
  }
  close(lock_);
}

absl::StatusOr<JoinToken> Ledger::CreateToken(const v1::TokenRequest& request,
                                              const std::string& pin,
                                              int64_t now) {
  const int64_t ttl = request.ttl_seconds() == 0 ? 600 : request.ttl_seconds();
  const int64_t uses = request.uses() == 0 ? 1 : request.uses();
  if (ttl > kDay)
    return absl::InvalidArgumentError("a join token lives a day at most");
  if (uses > 1000)
    return absl::InvalidArgumentError("a join token has 1000 uses at most");
  if (request.creator().size() > 64)
    return absl::InvalidArgumentError("the creator's name is too long");
  ASSIGN_OR_RETURN(JoinToken token, MakeJoinToken(pin));
  Turn turn(*this);
  RETURN_IF_ERROR(turn.Begin());
  Statement insert(db_,
                   "INSERT INTO tokens (id, secret, created, expires, uses, "
                   "creator) VALUES (?, ?, ?, ?, ?, ?)");
  insert.Text(token.id).Blob(Sha256(token.secret)).Number(now);
  insert.Number(now + ttl).Number(uses).Text(request.creator());
  RETURN_IF_ERROR(insert.Step().status());
  RETURN_IF_ERROR(turn.Commit());
  return token;
}

absl::StatusOr<std::vector<v1::Token>> Ledger::Tokens() {
  const Turn turn(*this);
  Statement select(db_,
                   "SELECT id, creator, created, expires, uses, used FROM "
                   "tokens ORDER BY created DESC, id LIMIT 100");
  std::vector<v1::Token> tokens;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return tokens;
    v1::Token& token = tokens.emplace_back();
    token.set_id(select.Bytes(0));
    token.set_creator(select.Bytes(1));
    token.set_created(select.Integer(2));
    token.set_expires(select.Integer(3));
    token.set_uses(static_cast<uint32_t>(select.Integer(4)));
    token.set_used(static_cast<uint32_t>(select.Integer(5)));
  }
}

// Why a token cannot be used, told apart only for who has its secret.
absl::Status Ledger::CheckToken(const v1::EnrolRequest& request, int64_t now) {
  Statement select(
      db_, "SELECT secret, expires, used < uses FROM tokens WHERE id = ?");
  select.Text(request.token());
  ASSIGN_OR_RETURN(const bool known, select.Step());
  const std::string digest = Sha256(request.secret());
  const std::string kept = known ? select.Bytes(0) : std::string(32, '\0');
  const bool right =
      kept.size() == digest.size() &&
      CRYPTO_memcmp(kept.data(), digest.data(), digest.size()) == 0;
  if (!known) return absl::NotFoundError("there is no such token");
  if (!right) return absl::PermissionDeniedError("the secret is wrong");
  if (select.Integer(1) <= now)
    return absl::DeadlineExceededError(
        "the join token has expired; make a new one with \"metsukectl token "
        "create\"");
  if (select.Integer(2) == 0)
    return absl::AlreadyExistsError(
        "the join token was used before; if it was not by you, tell your "
        "security team; make a new one with \"metsukectl token create\"");
  return absl::OkStatus();
}

absl::StatusOr<Grant> Ledger::GrantHost(const v1::EnrolRequest& request,
                                        const Wish& wish) {
  Turn turn(*this);
  RETURN_IF_ERROR(turn.Begin());
  RETURN_IF_ERROR(CheckToken(request, wish.now));
  {
    Statement use(db_,
                  "UPDATE tokens SET used = used + 1 WHERE id = ? AND secret = "
                  "? AND used < uses AND expires > ? RETURNING used");
    use.Text(request.token()).Blob(Sha256(request.secret())).Number(wish.now);
    ASSIGN_OR_RETURN(const bool consumed, use.Step());
    if (!consumed) return absl::InternalError("the token could not be used");
    // The statement ends, and so takes effect, with its last row.
    RETURN_IF_ERROR(use.Step().status());
  }
  ASSIGN_OR_RETURN(std::string host, MakeUuid());
  ASSIGN_OR_RETURN(const Grant grant,
                   Enter("host", std::move(host), wish,
                         "token " + request.token(), request.hostname()));
  RETURN_IF_ERROR(turn.Commit());
  return grant;
}

absl::StatusOr<Grant> Ledger::GrantRenewal(const std::string& host,
                                           const Wish& wish) {
  Turn turn(*this);
  RETURN_IF_ERROR(turn.Begin());
  {
    Statement last(db_,
                   "SELECT at FROM issued WHERE role = 'host' AND name = ? "
                   "ORDER BY at DESC LIMIT 1");
    last.Text(host);
    ASSIGN_OR_RETURN(const bool known, last.Step());
    if (!known)
      return absl::NotFoundError("this authority never enrolled the host");
    // A clock that was set back must not lock hosts out.
    if (last.Integer(0) <= wish.now && last.Integer(0) + kRenewalGap > wish.now)
      return absl::ResourceExhaustedError(
          "the host got a certificate less than a minute ago; try later");
  }
  ASSIGN_OR_RETURN(const Grant grant, Enter("host", host, wish, "renewal", ""));
  RETURN_IF_ERROR(turn.Commit());
  return grant;
}

absl::StatusOr<Grant> Ledger::GrantLocally(const std::string& role,
                                           const std::string& name,
                                           const Wish& wish) {
  if (role == "host" || !ValidName(role, name))
    return absl::InvalidArgumentError(fmt::format(
        "no certificate for {} \"{}\": a name has lower-case letters, digits, "
        "\".\", \"_\" and \"-\", 63 at most",
        role, name));
  Turn turn(*this);
  RETURN_IF_ERROR(turn.Begin());
  ASSIGN_OR_RETURN(const Grant grant,
                   Enter(role, name, wish, "local administrator", ""));
  RETURN_IF_ERROR(turn.Commit());
  return grant;
}

// The journal's entry, within the transaction of the caller.
absl::StatusOr<Grant> Ledger::Enter(std::string role, std::string name,
                                    const Wish& wish, const std::string& reason,
                                    const std::string& hostname) {
  Grant grant;
  grant.role_ = std::move(role);
  grant.name_ = std::move(name);
  grant.key_ = wish.key;
  grant.not_before_ = wish.now - kBackdate;
  grant.not_after_ = std::min(wish.now + wish.seconds, wish.ceiling);
  if (grant.not_after_ <= wish.now)
    return absl::FailedPreconditionError(
        "the issuing certificate has expired; make a new one with \"metsuke-ca "
        "reissue\" and restart metsuke-ca");
  ASSIGN_OR_RETURN(grant.serial_, MakeSerial());
  Statement insert(db_,
                   "INSERT INTO issued VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.Text(grant.serial_).Number(wish.now).Text(grant.role_);
  insert.Text(grant.name_).Number(grant.not_before_).Number(grant.not_after_);
  insert.Blob(grant.key_).Text(reason).Blob(hostname);
  RETURN_IF_ERROR(insert.Step().status());
  return grant;
}

}  // namespace metsuke
