#include "controller/delivery/mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string_view>

#include "controller/delivery/recipients.h"
#include "controller/delivery/transfer.h"
#include "proto/base64.h"
#include "proto/encode.h"
#include "proto/run.h"
#include "proto/status.h"
#include "proto/utf8.h"

namespace metsuke {
namespace {

// One that hands mail on by itself waits for a server.
constexpr std::chrono::minutes kProgramTime(1);

// The value of a header as encoded words (RFC 2047): with the header's name no
// line is longer than 76 characters, and no word ends within a character.
std::string EncodedWords(std::string_view text) {
  constexpr size_t kBytes = 39;  // 52 characters of base64
  std::string out;
  do {
    const std::string_view part = Utf8Prefix(text, kBytes);
    out += fmt::format("{}=?UTF-8?B?{}?=", out.empty() ? "" : "\r\n ",
                       ToBase64(part));
    text.remove_prefix(part.size());
  } while (!text.empty());
  return out;
}

std::string Date(int64_t instant) {
  const time_t time = instant;
  tm parts{};
  gmtime_r(&time, &parts);
  char text[64];
  // Names of days and months are English here: nothing in this program sets
  // another locale.
  return {text,
          strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts)};
}

std::string Part(const char* type, std::string_view text) {
  constexpr size_t kLine = 57;  // 76 characters of base64
  std::string part = fmt::format(
      "Content-Type: {}; charset=utf-8\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n",
      type);
  for (; !text.empty(); text.remove_prefix(std::min(kLine, text.size())))
    part += ToBase64(text.substr(0, kLine)) + "\r\n";
  return part;
}

}  // namespace

std::string ComposeMail(const Letter& letter, const std::string& from,
                        const std::string& to) {
  const std::string domain = from.substr(from.find('@') + 1);
  // Base64 has no such line.
  constexpr char kBoundary[] = "=_metsuke";
  std::string mail = fmt::format(
      "From: Metsuke <{}>\r\n"
      "To: {}\r\n"
      "Subject: {}\r\n"
      "Date: {}\r\n"
      "Message-ID: <{}@{}>\r\n"
      // So that nothing answers by itself (RFC 3834).
      "Auto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: multipart/alternative; boundary=\"{}\"\r\n",
      from, to,
      EncodedWords("[metsuke] " +
                   enc::Tty(Headline(letter.report, letter.language))),
      Date(letter.queued), letter.id, domain, kBoundary);
  for (const std::string& part :
       {Part("text/plain", PlainText(letter.report, letter.language)),
        Part("text/html", MailHtml(letter.report, letter.language))})
    mail += fmt::format("\r\n--{}\r\n{}", kBoundary, part);
  return mail + fmt::format("\r\n--{}--\r\n", kBoundary);
}

absl::Status SendMail(const v1::DeliveryConfig& config, const Letter& letter,
                      const std::string& to, const std::stop_token& stop) {
  const v1::MailConfig& how = config.mail();
  SmtpMail mail{.from = how.from(),
                .to = to,
                .user = how.user(),
                .message = ComposeMail(letter, how.from(), to)};
  if (!how.program().empty()) {
    // Such programs take the lines of this system.
    std::erase(mail.message, '\r');
    const RunOptions run{.deadline = kProgramTime,
                         .input = std::move(mail.message)};
    return RunProgram({how.program(), "-i", "-f", how.from(), "--", to}, run)
        .status();
  }
  if (!how.password_file().empty()) {
    ASSIGN_OR_RETURN(mail.password, ReadSecret(how.password_file()));
  }
  return PostSmtp({.url = how.server(),
                   .ca_file = config.ca_file(),
                   .unencrypted = how.unencrypted(),
                   .stop = stop},
                  mail);
}

}  // namespace metsuke
