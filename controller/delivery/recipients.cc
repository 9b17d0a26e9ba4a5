#include "controller/delivery/recipients.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "controller/delivery/transfer.h"
#include "controller/store/labels.h"
#include "proto/file.h"
#include "proto/status.h"
#include "proto/text.h"

namespace metsuke {
namespace {

constexpr size_t kMaxName = 63, kMaxAddress = 254;  // RFC 5321, 4.5.3.1.3

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name[0] != '-' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
         });
}

// Tells what is wrong with each part, and goes on.
class Checker {
 public:
  Checker(const std::string& name, const YamlPlaces& places)
      : name_(name), places_(places) {}

  // What is wrong with what is checked is added to `problems`.
  void CheckMail(const v1::DeliveryConfig& config);
  void CheckRecipient(const v1::DeliveryConfig& config, int index);

  std::vector<std::string> problems;

 private:
  void Refuse(const std::string& place, const std::string& why) {
    const auto found = places_.find(place);
    problems.push_back(found == places_.end()
                           ? fmt::format("{}: {}", name_, why)
                           : fmt::format("{}:{}:{}: {}", name_,
                                         found->second.line,
                                         found->second.column, why));
  }
  void CheckDirectory(const v1::Recipient& recipient, const std::string& place,
                      const std::string& who);
  void CheckWebhook(const v1::Recipient& recipient, const std::string& place,
                    const std::string& who);

  const std::string& name_;
  const YamlPlaces& places_;
  std::set<std::string> folders_;
};

void Checker::CheckMail(const v1::DeliveryConfig& config) {
  if (!config.has_mail()) return;
  const v1::MailConfig& mail = config.mail();
  if (!IsMailAddress(mail.from()))
    Refuse("mail.from", fmt::format("mail: from is an address such as "
                                    "metsuke@example.jp, not \"{}\"",
                                    mail.from()));
  if (mail.server().empty() == mail.program().empty())
    Refuse("mail",
           "mail: give either server, such as "
           "smtp://mail.example.jp:587, or program, such as "
           "/usr/sbin/sendmail");
  if (!mail.server().empty())
    if (const absl::Status fit = CheckMailServer(mail.server()); !fit.ok())
      Refuse("mail.server", "mail: server " + Message(fit));
  if (!mail.program().empty() && !mail.program().starts_with('/'))
    Refuse("mail.program", "mail: program is a path that begins with /");
  if (mail.user().empty() != mail.password_file().empty())
    Refuse("mail", "mail: user and password_file belong together");
  if (!mail.program().empty() && !mail.user().empty())
    Refuse("mail.user",
           "mail: a program knows its user itself; leave out user "
           "and password_file");
}

void Checker::CheckWebhook(const v1::Recipient& recipient,
                           const std::string& place, const std::string& who) {
  if (!recipient.webhook().empty())
    if (const absl::Status fit =
            CheckWebhookUrl(recipient.webhook(), recipient.unencrypted());
        !fit.ok())
      Refuse(place, who + ": webhook " + Message(fit));
  if (recipient.form() == "chatwork" && recipient.token_file().empty())
    Refuse(place, who + ": chatwork needs a token_file");
}

void Checker::CheckDirectory(const v1::Recipient& recipient,
                             const std::string& place, const std::string& who) {
  if (!recipient.directory().starts_with('/'))
    return Refuse(place, who + ": directory is a path that begins with /");
  const std::string path =
      (std::filesystem::path(recipient.directory()) / "").lexically_normal();
  if (!folders_.insert(path).second)
    Refuse(place, fmt::format("{}: {} is another recipient's directory, and "
                              "their reports have the same names",
                              who, recipient.directory()));
}

void Checker::CheckRecipient(const v1::DeliveryConfig& config, int index) {
  const v1::Recipient& recipient = config.recipients(index);
  const std::string place = fmt::format("recipients[{}]", index);
  if (!IsName(recipient.name()))
    return Refuse(place, fmt::format("a recipient's name is made of letters, "
                                     "digits, \".\", \"_\" and \"-\", not "
                                     "\"{}\"",
                                     recipient.name()));
  const std::string who = "recipient " + recipient.name();
  if (FindRecipient(config, recipient.name()) != &recipient)
    Refuse(place, who + " was already given");
  const bool hook =
      !recipient.webhook().empty() || !recipient.webhook_file().empty();
  if (!recipient.webhook().empty() && !recipient.webhook_file().empty())
    Refuse(place, who + ": give webhook or webhook_file, not both");
  if (!recipient.mail().empty() + hook + !recipient.directory().empty() != 1)
    Refuse(place, who +
                      " needs one of mail, webhook (or webhook_file) and "
                      "directory; a second way is a second recipient");
  std::set<std::string> addresses;
  for (const std::string& address : recipient.mail()) {
    if (!IsMailAddress(address))
      Refuse(place, fmt::format("{}: \"{}\" is no mail address", who, address));
    if (!addresses.insert(address).second)
      Refuse(place, fmt::format("{}: {} stands there twice", who, address));
  }
  if (!recipient.mail().empty() && !config.has_mail())
    Refuse(place, who +
                      " gets mail, and nothing says how mail is sent: add "
                      "mail with from and server");
  if (!recipient.directory().empty()) CheckDirectory(recipient, place, who);
  if (hook)
    CheckWebhook(recipient, place, who);
  else if (!(recipient.form() + recipient.token_file() +
             recipient.secret_file())
                .empty())
    Refuse(place, who + ": form, token_file and secret_file are for webhooks");
  if (const auto selector = Selector::Parse(recipient.hosts()); !selector.ok())
    Refuse(place,
           fmt::format("{}: hosts: {}", who, Message(selector.status())));
}

// Whether a file can be made in the folder: a file without a name is, and is
// gone again. Who may do everything may not write where no file can be. Some
// file systems make none without a name; those that keep nothing say that they
// have no room.
bool TakesFiles(const std::string& folder) {
  const int file = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) return close(file) == 0;
  if (errno != EOPNOTSUPP) return false;
  struct statvfs room;
  if (statvfs(folder.c_str(), &room) != 0 || room.f_blocks > 0) return true;
  errno = EOPNOTSUPP;
  return false;
}

// Whether the folder can be written to, or made, by this process.
absl::Status CheckFolder(const std::string& path) {
  struct stat entry;
  std::string folder = path;
  if (stat(folder.c_str(), &entry) != 0 && errno == ENOENT) {
    folder = std::filesystem::path(path).parent_path();
    errno = 0;
  }
  if (stat(folder.c_str(), &entry) != 0)
    return absl::NotFoundError(
        fmt::format("{}: {}", folder, std::strerror(errno)));
  if (!S_ISDIR(entry.st_mode))
    return absl::FailedPreconditionError(folder + ": is no folder");
  if (access(folder.c_str(), W_OK | X_OK) != 0 || !TakesFiles(folder))
    return absl::PermissionDeniedError(
        fmt::format("{}: {}; metsuke-controller writes there as its own user, "
                    "and its unit must name the folder in ReadWritePaths=",
                    folder, std::strerror(errno)));
  return absl::OkStatus();
}

}  // namespace

bool IsMailAddress(std::string_view address) {
  const size_t at = address.find('@');
  if (address.size() > kMaxAddress || at == std::string_view::npos || at == 0 ||
      at + 1 == address.size() || address[0] == '-')
    return false;
  constexpr std::string_view kOther = "@.!#$%&'*+-/=?^_`{|}~";
  return std::ranges::count(address, '@') == 1 &&
         std::ranges::all_of(address, [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') ||
                  kOther.find(c) != std::string_view::npos;
         });
}

absl::StatusOr<DeliveryRules> ReadDelivery(const std::string& name,
                                           const std::string& yaml) {
  v1::DeliveryConfig config;
  YamlPlaces places;
  RETURN_IF_ERROR(ReadYaml(name, yaml, config, &places));
  DeliveryRules rules;
  Checker checker(name, places);
  checker.CheckMail(config);
  const std::string no_mail =
      checker.problems.empty() ? "" : checker.problems[0];
  rules.config = config;
  // Without a way to send it, mail is as good as not set up.
  if (!no_mail.empty()) rules.config.clear_mail();
  rules.config.clear_recipients();
  for (int i = 0; i < config.recipients_size(); ++i) {
    const v1::Recipient& recipient = config.recipients(i);
    const size_t before = checker.problems.size();
    const bool named = IsName(recipient.name()) &&
                       FindRecipient(config, recipient.name()) == &recipient;
    checker.CheckRecipient(config, i);
    if (!named) continue;
    *rules.config.add_recipients() = recipient;
    if (checker.problems.size() > before)
      rules.refused[recipient.name()] = checker.problems[before];
    else if (!no_mail.empty() && !recipient.mail().empty())
      rules.refused[recipient.name()] = no_mail;
  }
  rules.problems = std::move(checker.problems);
  return rules;
}

std::vector<std::string> Unready(const v1::DeliveryConfig& config) {
  std::vector<std::string> lines;
  const auto add = [&](const std::string& who, const absl::Status& status) {
    if (!status.ok()) lines.push_back(who + ": " + Message(status));
  };
  if (!config.mail().password_file().empty())
    add("mail", ReadSecret(config.mail().password_file()).status());
  if (!config.mail().program().empty() &&
      access(config.mail().program().c_str(), X_OK) != 0)
    add("mail", absl::NotFoundError(fmt::format(
                    "{}: {}", config.mail().program(), std::strerror(errno))));
  if (!config.ca_file().empty())
    add("ca_file", ReadFile(config.ca_file()).status());
  for (const v1::Recipient& recipient : config.recipients()) {
    const std::string who = "recipient " + recipient.name();
    if (!recipient.webhook_file().empty())
      add(who, WebhookOf(recipient).status());
    for (const std::string& file :
         {recipient.token_file(), recipient.secret_file()})
      if (!file.empty()) add(who, ReadSecret(file).status());
    // Of another it was said what is wrong with it.
    if (recipient.directory().starts_with('/'))
      add(who, CheckFolder(recipient.directory()));
  }
  return lines;
}

const v1::Recipient* FindRecipient(const v1::DeliveryConfig& config,
                                   std::string_view name) {
  const auto found =
      std::ranges::find(config.recipients(), name, &v1::Recipient::name);
  return found == config.recipients().end() ? nullptr : &*found;
}

std::vector<v1::Delivery> DeliveriesTo(const v1::Recipient& recipient,
                                       const std::string& day, int64_t now) {
  v1::Delivery delivery;
  delivery.set_day(day);
  delivery.set_recipient(recipient.name());
  delivery.set_state("waiting");
  delivery.set_queued(now);
  delivery.set_next(now);
  if (recipient.mail().empty()) return {delivery};
  std::vector<v1::Delivery> deliveries;
  for (const std::string& address : recipient.mail()) {
    delivery.set_address(address);
    deliveries.push_back(delivery);
  }
  return deliveries;
}

absl::StatusOr<std::string> ReadSecret(const std::string& path) {
  struct stat entry;
  if (stat(path.c_str(), &entry) == 0 && (entry.st_mode & S_IRWXO) != 0)
    return absl::FailedPreconditionError(fmt::format(
        "{}: everybody may read it; chown root:metsuke-controller and chmod "
        "0640 it",
        path));
  ASSIGN_OR_RETURN(std::string secret, ReadFile(path));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r'))
    secret.pop_back();
  if (secret.empty() || std::ranges::any_of(secret, [](unsigned char c) {
        return c < 0x20 || c == 0x7f;
      }))
    return absl::FailedPreconditionError(
        path + ": must hold one line, and nothing else");
  return secret;
}

absl::StatusOr<std::string> WebhookOf(const v1::Recipient& recipient) {
  if (recipient.webhook_file().empty()) return recipient.webhook();
  ASSIGN_OR_RETURN(const std::string url, ReadSecret(recipient.webhook_file()));
  if (const absl::Status fit = CheckWebhookUrl(url, recipient.unencrypted());
      !fit.ok())
    return absl::FailedPreconditionError(recipient.webhook_file() + ": " +
                                         Message(fit));
  return url;
}

Language LanguageOf(const v1::Recipient& recipient) {
  return recipient.language() == "ja" ? Language::kJapanese
                                      : Language::kEnglish;
}

}  // namespace metsuke
