// Reports as recipients get them: by mail and by webhook servers of another
// make, and in a folder.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "controller/delivery/folder.h"
#include "controller/delivery/mail.h"
#include "controller/delivery/outbox.h"
#include "controller/delivery/recipients.h"
#include "controller/delivery/webhook.h"
#include "controller/report/report.h"
#include "controller/store/sql.h"
#include "controller/store/sqlite.h"
#include "proto/base64.h"
#include "proto/file.h"
#include "tests/unit/full_disk.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Json = nlohmann::json;

constexpr char kDay[] = "2026-11-23";
// A line of a host that means something to everything it may end up in.
constexpr char kHostile[] =
    "\x1b[2J <script>alert(1)</script> ``` @channel <!channel> [/code][toall] "
    "\r\nBcc: eve@example.jp\xe2\x80\xae =1+1 日本";

v1::Report SomeReport() {
  v1::Report report;
  report.set_day(kDay);
  report.set_from(1795348800);
  report.set_to(1795435200);
  report.set_baseline("b");
  report.mutable_before()->set_hosts(3);
  report.mutable_before()->set_score(90);
  report.mutable_after()->set_hosts(3);
  report.mutable_after()->set_score(84.5);
  v1::ReportTurn& turn = *report.add_turns();
  turn.set_control("no-telnet");
  turn.mutable_title()->set_en("No telnet");
  turn.mutable_title()->set_ja("telnet がない");
  turn.set_severity(v1::SEVERITY_CRITICAL);
  turn.set_before(v1::VERDICT_PASS);
  turn.set_after(v1::VERDICT_FAIL);
  turn.mutable_hosts()->set_count(1);
  turn.mutable_hosts()->add_names("web01");
  turn.add_columns("program");
  v1::ReportRow& row = *turn.add_rows();
  row.add_cells()->set_text(kHostile);
  row.mutable_hosts()->set_count(1);
  row.mutable_hosts()->add_names("web01");
  return report;
}

v1::DeliveryConfig Read(const std::string& yaml) {
  const auto rules = ReadDelivery("delivery.yaml", yaml);
  EXPECT_TRUE(rules.ok()) << rules.status();
  if (!rules.ok()) return {};
  EXPECT_THAT(rules->problems, IsEmpty());
  return rules->config;
}

std::vector<std::string> Refused(const std::string& yaml) {
  const auto rules = ReadDelivery("delivery.yaml", yaml);
  EXPECT_TRUE(rules.ok()) << rules.status();
  return rules.ok() ? rules->problems : std::vector<std::string>();
}

constexpr char kMailOf[] =
    "mail: {from: metsuke@example.jp, server: smtp://h}\n";

TEST(Recipients, OneThatCannotBeServedIsNamedAndTheOthersStay) {
  const auto rules = ReadDelivery("delivery.yaml", std::string(kMailOf) + R"(
recipients:
- {name: good, mail: [a@example.jp]}
- {name: none}
- {name: two, mail: [a@example.jp], directory: /y}
- {name: selector, directory: /x, hosts: "a==b"}
- {name: good, directory: /z}
- {name: address, mail: ["a@b, c@d"]}
- {name: chat, webhook: "https://c", form: chatwork}
- {name: plain, webhook: "http://127.example.jp/x"}
- {name: also-good, directory: /s}
- {name: here, webhook: "http://127.0.0.1:80/x"}
- {name: allowed, webhook: "http://192.0.2.1/x", unencrypted: true}
)");
  ASSERT_TRUE(rules.ok()) << rules.status();
  EXPECT_THAT(rules->problems,
              ElementsAre(AllOf(HasSubstr("delivery.yaml:5:"),
                                HasSubstr("none needs one of mail")),
                          AllOf(HasSubstr(":6:"), HasSubstr("two needs one")),
                          AllOf(HasSubstr(":7:"), HasSubstr("selector")),
                          AllOf(HasSubstr(":8:"), HasSubstr("already")),
                          AllOf(HasSubstr(":9:"), HasSubstr("no mail address")),
                          AllOf(HasSubstr(":10:"), HasSubstr("token_file")),
                          AllOf(HasSubstr(":11:"), HasSubstr("https://"))));
  std::vector<std::string> served, waiting;
  for (const v1::Recipient& recipient : rules->config.recipients())
    (rules->refused.contains(recipient.name()) ? waiting : served)
        .push_back(recipient.name());
  EXPECT_THAT(served, ElementsAre("good", "also-good", "here", "allowed"));
  // What goes to them waits until they are mended.
  EXPECT_THAT(waiting, ElementsAre("none", "two", "selector", "address", "chat",
                                   "plain"));
  EXPECT_THAT(rules->refused.at("selector"), HasSubstr("hosts:"));
}

TEST(Recipients, OfABrokenWayToSendMailNothingElseIsSaid) {
  const auto rules = ReadDelivery("delivery.yaml", R"(
mail: {from: nobody, server: smtp://h}
recipients:
- {name: a, mail: [a@example.jp]}
- {name: b, directory: reports}
)");
  ASSERT_TRUE(rules.ok()) << rules.status();
  EXPECT_THAT(rules->problems,
              ElementsAre(HasSubstr("from is an address"),
                          HasSubstr("begins with /")));
  EXPECT_THAT(rules->refused.at("a"), HasSubstr("from is an address"));
  EXPECT_THAT(Unready(rules->config), IsEmpty());
}

TEST(Recipients, MailWithoutAWayToSendItIsRefused) {
  constexpr char kRecipient[] = "recipients: [{name: a, mail: [a@b]}]\n";
  EXPECT_THAT(Refused(kRecipient), ElementsAre(HasSubstr("how mail is sent")));
  for (const char* mail :
       {"{from: \"a b@c\", server: smtp://h}", "{from: a@b}",
        "{from: a@b, server: smtp://h, program: /s}",
        "{from: a@b, server: \"https://h\"}", "{from: a@b, program: sendmail}",
        "{from: a@b, server: \"smtp://u:p@h\"}",
        "{from: a@b, server: \"smtp://h/path\"}",
        "{from: a@b, server: smtp://h, user: u}",
        "{from: a@b, program: /s, user: u, password_file: /p}"})
    EXPECT_THAT(Refused(fmt::format("mail: {}\n{}", mail, kRecipient)),
                ElementsAre(HasSubstr("delivery.yaml:1:")))
        << mail;
}

TEST(Recipients, AFileThatIsNoConfigurationIsRefusedWhole) {
  const auto status = [](const std::string& yaml) {
    return Message(ReadDelivery("delivery.yaml", yaml).status());
  };
  EXPECT_THAT(status("recipients: [{nam: a}]"),
              HasSubstr("did you mean name?"));
  EXPECT_THAT(status("recipients: [{name: a, form: slak}]"),
              HasSubstr("did you mean slack?"));
  EXPECT_THAT(status("recipients: [{name: a, language: fr}]"),
              HasSubstr("en, ja"));
}

TEST(Recipients, NoTwoHaveTheSameDirectory) {
  EXPECT_THAT(Refused("recipients:\n"
                      "- {name: en, directory: /r/reports}\n"
                      "- {name: ja, directory: /r/./reports/, language: ja}\n"
                      "- {name: more, directory: /r/reports/more}\n"),
              ElementsAre(AllOf(HasSubstr("delivery.yaml:3:"),
                                HasSubstr("another recipient's directory"))));
}

TEST(Recipients, AnAddressIsNothingElse) {
  for (const char* good : {"a@b", "ops+night@example.jp", "o'hara@x.y"})
    EXPECT_TRUE(IsMailAddress(good)) << good;
  for (const char* bad :
       {"", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: x@y", "<a@b>",
        "-oQ/tmp@b", "\"a\"@b", "a@b,c", "あ@b"})
    EXPECT_FALSE(IsMailAddress(bad)) << bad;
}

TEST(Recipients, ASecretMustBeSecretAndOneLine) {
  const TemporaryFolder folder;
  const std::string path = folder / "secret";
  EXPECT_TRUE(absl::IsNotFound(ReadSecret(path).status()));
  ASSERT_TRUE(WriteFile(path, "word\n", 0640).ok());
  EXPECT_EQ(*ReadSecret(path), "word");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_THAT(Message(ReadSecret(path).status()),
              AllOf(HasSubstr(path), HasSubstr("everybody may read it")));
  for (const char* bad : {"", "\n", "a\nb", "a\r\nX: y"}) {
    ASSERT_TRUE(WriteFile(path, bad, 0600).ok());
    EXPECT_THAT(Message(ReadSecret(path).status()), HasSubstr("one line"));
  }
}

TEST(Recipients, WhatIsNotReadyIsNamed) {
  const TemporaryFolder folder;
  const v1::DeliveryConfig config = Read(fmt::format(
      "recipients:\n"
      "- {{name: gone, directory: {0}/none/gone}}\n"
      "- {{name: file, directory: /etc/passwd}}\n"
      "- {{name: fine, directory: {0}}}\n"
      "- {{name: made, directory: {0}/reports}}\n"
      "- {{name: room, directory: /proc/nowhere}}\n"
      "- {{name: hook, webhook_file: {0}/url, secret_file: {0}/key}}\n",
      folder.path()));
  EXPECT_THAT(Unready(config),
              ElementsAre(HasSubstr("gone: " + folder / "none"),
                          HasSubstr("file: /etc/passwd: is no folder"),
                          HasSubstr("room: /proc: "),
                          HasSubstr("hook: " + folder / "url"),
                          HasSubstr("hook: " + folder / "key")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Letter, TheHeadlineIsOneLineInBothLanguages) {
  v1::Report report = SomeReport();
  EXPECT_EQ(Headline(report, Language::kEnglish).raw(),
            "2026-11-23: 3 hosts, score 84.5 (-5.5), 1 worse");
  report.set_selector("zone=tokyo");
  EXPECT_EQ(Headline(report, Language::kJapanese).raw(),
            "2026-11-23: 3 台 (zone=tokyo)、スコア 84.5 (-5.5)、悪化 1");
}

TEST(Letter, HostsCannotWriteAnythingButText) {
  const v1::Report report = SomeReport();
  for (const Language language : {Language::kEnglish, Language::kJapanese}) {
    const std::string html = MailHtml(report, language);
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
    for (const char* raw : {"<script", "\x1b", "\xe2\x80\xae", "\r"})
      EXPECT_THAT(html, Not(HasSubstr(raw)));
    const std::string text = PlainText(report, language);
    for (const char* raw : {"\x1b", "\xe2\x80\xae", "\nBcc"})
      EXPECT_THAT(text, Not(HasSubstr(raw)));
    const std::string mail =
        ComposeMail({.report = report, .language = language, .id = "i"},
                    "metsuke@example.jp", "ops@example.jp");
    EXPECT_THAT(mail, Not(HasSubstr("\nBcc")));
  }
}

TEST(Letter, AChatGetsNoMentionNoMarkupAndAnEnd) {
  v1::Report report = SomeReport();
  const Json slack =
      Json::parse(ComposePosting({.report = report}, "slack", "").body);
  const std::string text = slack["text"];
  EXPECT_THAT(text, HasSubstr("&lt;!channel&gt;"));
  EXPECT_THAT(text, Not(HasSubstr("<")));
  // The block of code that holds the lines ends where the message does.
  const size_t begin = text.find("```"), end = text.find("```", begin + 3);
  EXPECT_EQ(end, text.size() - 3);
  EXPECT_GT(text.find("@channel"), begin);

  const std::string chatwork =
      ComposePosting({.report = report}, "chatwork", "t").body;
  EXPECT_THAT(chatwork, HasSubstr("%5B%2Fcode%5D%5B%2Finfo%5D"));
  EXPECT_THAT(chatwork, Not(HasSubstr("%5Btoall%5D")));
  EXPECT_EQ(chatwork.find("%5B%2Fcode%5D"), chatwork.rfind("%5B%2Fcode%5D"));

  for (int i = 0; i < 5000; ++i) *report.add_turns() = report.turns(0);
  const std::string many =
      Json::parse(ComposePosting({.report = report}, "slack", "").body)["text"];
  EXPECT_LT(many.size(), 13000u);
  EXPECT_THAT(many, HasSubstr("more lines: metsukectl report drift --day "
                              "2026-11-23"));
}

// The example of the specification, https://www.standardwebhooks.com.
TEST(Webhook, IsSignedAsTheStandardHasIt) {
  const auto headers = Signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                 "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                 "{\"test\": 2432232314}");
  ASSERT_TRUE(headers.ok()) << headers.status();
  EXPECT_THAT(*headers,
              ElementsAre("webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
                          "webhook-timestamp: 1614265330",
                          "webhook-signature: "
                          "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
  for (const char* bad : {"", "whsec_", "whsec_c2hvcnQ=", "word"})
    EXPECT_THAT(Message(Signature(bad, "i", 1, "b").status()),
                HasSubstr("openssl rand -base64 32"));
}

TEST(Base64, RoundsAndRefuses) {
  for (const char* text : {"a", "ab", "abc", "abcd"})
    EXPECT_EQ(*FromBase64(ToBase64(text)), text);
  for (const char* bad : {"", "YQ", "YQ=", "!!!!"})
    EXPECT_FALSE(FromBase64(bad)) << bad;
}

TEST(Tries, WaitLongerEachTimeAndEndAfterAWeek) {
  v1::Delivery delivery;
  delivery.set_queued(1000);
  delivery.set_next(1000);
  const SendResult failed{.status = absl::UnavailableError("down")};
  std::vector<int64_t> waits;
  int64_t now = 1000;
  for (int i = 0; i < 8; ++i) {
    delivery = EndTry(BeginTry(delivery, now), failed, now);
    waits.push_back(delivery.next() - now);
    now = delivery.next();
  }
  EXPECT_THAT(waits, ElementsAre(60, 120, 240, 480, 960, 1920, 3600, 3600));
  const v1::Delivery begun = BeginTry(delivery, now);
  EXPECT_EQ(begun.attempts(), 9u);
  EXPECT_EQ(begun.tried(), now);
  EXPECT_EQ(begun.next(), delivery.next()) << "who is killed tries again";
  EXPECT_NE(begun.error(), "");
  const auto end = [&](const SendResult& outcome, int64_t at) {
    return EndTry(begun, outcome, at);
  };
  EXPECT_EQ(end({.status = failed.status, .retry_after = 7200}, now).next(),
            now + 7200);
  EXPECT_EQ(end({.status = absl::AbortedError("no such user")}, now).next(),
            now + 86400);
  const v1::Delivery late = end(failed, 1000 + 7 * 86400);
  EXPECT_EQ(late.state(), "given up");
  EXPECT_EQ(late.next(), 0);
  EXPECT_EQ(late.error(), "down");
  const v1::Delivery done = end({}, now);
  EXPECT_EQ(done.state(), "delivered");
  EXPECT_EQ(done.next(), 0);
  EXPECT_EQ(done.error(), "");
}

TEST(Tries, AnErrorIsTextAndShort) {
  const v1::Delivery delivery = EndTry(
      {}, {.status = absl::UnavailableError("\xff" + std::string(9000, 'a'))},
      0);
  EXPECT_EQ(delivery.error().size(), 500u);
  EXPECT_TRUE(delivery.error().starts_with("\xef\xbf\xbd"));
  v1::Delivery read;
  EXPECT_TRUE(read.ParseFromString(delivery.SerializeAsString()));
}

TEST(Folder, HasDatedReportsAndAnIndexOfThem) {
  const TemporaryFolder folder;
  v1::Report report = SomeReport();
  const auto put = [&] {
    return PutIntoFolder(folder / "reports", {.report = report}, "<p>page");
  };
  ASSERT_TRUE(put().ok());
  report.set_day("2026-11-24");
  ASSERT_TRUE(put().ok());
  ASSERT_TRUE(put().ok());
  std::ofstream(folder / "reports/notes.html") << "somebody's";
  ASSERT_TRUE(put().ok());
  EXPECT_EQ(*ReadFile(folder / "reports/2026-11-23.html"), "<p>page");
  EXPECT_THAT(*ReadFile(folder / "reports/2026-11-24.txt"),
              HasSubstr("no-telnet"));
  const Json json = Json::parse(*ReadFile(folder / "reports/2026-11-24.json"));
  EXPECT_EQ(json["items"][0]["turns"][0]["control"], "no-telnet");
  EXPECT_EQ(json["items"][0]["to"], "2026-11-23T12:00:00Z");
  for (int day = 1; day <= 20; ++day) {
    report.set_day(fmt::format("2026-10-{:02}", day));
    ASSERT_TRUE(put().ok());
  }
  const std::string index = *ReadFile(folder / "reports/index.html");
  EXPECT_LT(index.find("2026-11-24.html"), index.find("2026-11-23.html"));
  EXPECT_LT(index.find("2026-11-23.html"), index.find("2026-10-20.html"));
  for (int day = 2; day <= 20; ++day)
    EXPECT_LT(index.find(fmt::format("2026-10-{:02}.html", day)),
              index.find(fmt::format("2026-10-{:02}.html", day - 1)));
  EXPECT_THAT(index,
              HasSubstr(">2026-11-24: 3 hosts, score 84.5 (-5.5), 1 worse<"));
  EXPECT_THAT(index, Not(HasSubstr("notes")));
  struct stat entry;
  ASSERT_EQ(stat((folder / "reports/index.html").c_str(), &entry), 0);
  EXPECT_EQ(entry.st_mode & 0777, 0640u);
}

// Servers that Python's library makes.
class DeliveryTest : public testing::Test {
 protected:
  void Start() {
    int to[2], from[2];
    ASSERT_EQ(pipe2(to, O_CLOEXEC), 0);
    ASSERT_EQ(pipe2(from, O_CLOEXEC), 0);
    servers_ = fork();
    if (servers_ == 0) {
      dup2(to[0], 0);
      dup2(from[1], 1);
      dup2(open((arrived_ / "log").c_str(), O_WRONLY | O_CREAT, 0600), 2);
      execl("/usr/bin/python3", "python3",
            METSUKE_SOURCE "/tests/delivery/servers.py",
            arrived_.path().c_str(), nullptr);
      _exit(127);
    }
    close(to[0]);
    close(from[1]);
    stop_ = to[1];
    const std::unique_ptr<FILE, int (*)(FILE*)> said(fdopen(from[0], "r"),
                                                     fclose);
    ASSERT_EQ(fscanf(said.get(), "SMTP %d\nHTTP %d", &smtp_, &http_), 2)
        << "packaging/install.sh test installs python3-aiosmtpd";
  }

  ~DeliveryTest() override {
    if (servers_ == 0) return;
    close(stop_);
    waitpid(servers_, nullptr, 0);
  }

  void Set(const std::string& name, const std::string& value) {
    std::ofstream(arrived_ / name) << value;
  }

  // What has arrived, in that order.
  std::vector<Json> Arrived() {
    std::vector<Json> all;
    for (int i = 0;; ++i) {
      std::ifstream file(arrived_ / fmt::format("{:04}.json", i));
      if (!file) return all;
      all.push_back(Json::parse(file));
    }
  }

  // A certificate for localhost, which is its own root.
  void MakeTls() {
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    X509_set_pubkey(made.get(), key.get());
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
        reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
    X509_EXTENSION* const names = X509V3_EXT_conf_nid(
        nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(made.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_sign(made.get(), key.get(), EVP_sha256());
    Set("tls.pem", ToPem(made.get()) + ToPem(key.get()));
    ASSERT_TRUE(WriteFile(arrived_ / "ca.pem", ToPem(made.get()), 0600).ok());
  }

  v1::DeliveryConfig Config(const std::string& recipients,
                            const std::string& mail = "") {
    return Read(
        fmt::format("mail: {{from: metsuke@example.jp, server: "
                    "\"smtp://localhost:{}\"{}}}\n"
                    "recipients:\n{}",
                    smtp_, mail, recipients));
  }

  std::string Hook(const std::string& path = "") {
    return fmt::format("http://127.0.0.1:{}/{}", http_, path);
  }

  SendResult SendNow(const v1::DeliveryConfig& config,
                  const std::string& address = "") {
    const v1::Report report = SomeReport();
    return Send(config, config.recipients(0), address,
                {.report = report,
                 .language = LanguageOf(config.recipients(0)),
                 .id = "metsuke.2026-11-23.1",
                 .queued = 1795435200},
                nullptr, {});
  }

  TemporaryFolder arrived_;
  pid_t servers_ = 0;
  int stop_ = -1, smtp_ = 0, http_ = 0;
};

std::string HeaderOf(const Json& arrived, const std::string& name) {
  for (const Json& header : arrived["headers"])
    if (header[0] == name) return header[1];
  return "";
}

TEST_F(DeliveryTest, MailArrivesAsItWasMeant) {
  Start();
  const SendResult sent =
      SendNow(Config("- {name: ops, mail: [ops@example.jp], language: ja}"),
              "ops@example.jp");
  ASSERT_TRUE(sent.status.ok()) << sent.status;
  const std::vector<Json> all = Arrived();
  ASSERT_EQ(all.size(), 1u);
  const Json& mail = all[0];
  EXPECT_THAT(mail["defects"], IsEmpty());
  EXPECT_EQ(mail["envelope_from"], "metsuke@example.jp");
  EXPECT_EQ(mail["envelope_to"], Json({"ops@example.jp"}));
  EXPECT_EQ(HeaderOf(mail, "Subject"),
            "[metsuke] 2026-11-23: 3 台、スコア 84.5 (-5.5)、悪化 1");
  EXPECT_EQ(HeaderOf(mail, "From"), "Metsuke <metsuke@example.jp>");
  EXPECT_EQ(HeaderOf(mail, "Message-ID"), "<metsuke.2026-11-23.1@example.jp>");
  EXPECT_EQ(HeaderOf(mail, "Date"), "Mon, 23 Nov 2026 12:00:00 +0000");
  EXPECT_EQ(HeaderOf(mail, "Bcc"), "");
  EXPECT_THAT(mail["text"].get<std::string>(), HasSubstr("telnet がない"));
  EXPECT_THAT(mail["html"].get<std::string>(), HasSubstr("telnet がない"));
  EXPECT_LE(mail["longest"].get<int>(), 76);
  EXPECT_TRUE(mail["ascii"].get<bool>());
}

TEST_F(DeliveryTest, WhatAMailServerRefusesIsTold) {
  Start();
  const auto config =
      Config("- {name: ops, mail: [ops@example.jp, nobody@example.jp]}");
  EXPECT_THAT(Message(SendNow(config, "nobody@example.jp").status),
              AllOf(HasSubstr("localhost"), HasSubstr("550")));
  Set("smtp.reply", "451 4.3.0 later");
  EXPECT_THAT(Message(SendNow(config, "ops@example.jp").status),
              HasSubstr("451"));
  EXPECT_THAT(Arrived(), IsEmpty());
}

TEST_F(DeliveryTest, APasswordGoesOverTlsOrNotAtAll) {
  MakeTls();
  Set("login", "metsuke word");
  Start();
  ASSERT_TRUE(WriteFile(arrived_ / "password", "word\n", 0600).ok());
  const std::string mail =
      fmt::format(", user: metsuke, password_file: {}", arrived_ / "password");
  const std::string to = "- {name: ops, mail: [ops@example.jp]}";
  v1::DeliveryConfig config = Config(to, mail);
  // Nobody vouches for the server.
  EXPECT_THAT(Message(SendNow(config, "ops@example.jp").status),
              HasSubstr("certificate"));
  config.set_ca_file(arrived_ / "ca.pem");
  const SendResult sent = SendNow(config, "ops@example.jp");
  ASSERT_TRUE(sent.status.ok()) << sent.status;
  ASSERT_THAT(Arrived(), SizeIs(1));
  EXPECT_EQ(Arrived()[0]["tls"], true);
  EXPECT_NE(Arrived()[0]["user"], "");
  ASSERT_TRUE(WriteFile(arrived_ / "password", "wrong\n", 0600).ok());
  EXPECT_THAT(Message(SendNow(config, "ops@example.jp").status),
              HasSubstr("535"));
  EXPECT_THAT(Arrived(), SizeIs(1));
}

TEST_F(DeliveryTest, APasswordIsNotGivenToAServerWithoutTls) {
  Set("login", "metsuke word");
  Start();
  ASSERT_TRUE(WriteFile(arrived_ / "password", "word\n", 0600).ok());
  const SendResult sent = SendNow(
      Config(
          "- {name: ops, mail: [ops@example.jp]}",
          fmt::format(", unencrypted: true, user: metsuke, password_file: {}",
                      arrived_ / "password")),
      "ops@example.jp");
  EXPECT_FALSE(sent.status.ok());
  EXPECT_THAT(Arrived(), IsEmpty());
}

TEST_F(DeliveryTest, AProgramOfThisMachineTakesMail) {
  const std::string program = arrived_ / "sendmail";
  ASSERT_TRUE(WriteFile(program,
                        "#!/bin/sh\n"
                        "echo \"$@\" >" +
                            arrived_ / "arguments" +
                            "\n"
                            "cat >" +
                            arrived_ / "mail" + "\n",
                        0700)
                  .ok());
  const v1::DeliveryConfig config =
      Read(fmt::format("mail: {{from: metsuke@example.jp, program: {}}}\n"
                       "recipients: [{{name: ops, mail: [ops@example.jp]}}]\n",
                       program));
  const SendResult sent = SendNow(config, "ops@example.jp");
  ASSERT_TRUE(sent.status.ok()) << sent.status;
  EXPECT_EQ(*ReadFile(arrived_ / "arguments"),
            "-i -f metsuke@example.jp -- ops@example.jp\n");
  const std::string mail = *ReadFile(arrived_ / "mail");
  EXPECT_THAT(mail, HasSubstr("\nTo: ops@example.jp\n"));
  EXPECT_THAT(mail, Not(HasSubstr("\r")));
  ASSERT_TRUE(
      WriteFile(program, "#!/bin/sh\necho full >&2; exit 75\n", 0700).ok());
  EXPECT_THAT(Message(SendNow(config, "ops@example.jp").status),
              AllOf(HasSubstr("75"), HasSubstr("full")));
}

TEST_F(DeliveryTest, AWebhookGetsTheReportSigned) {
  Start();
  ASSERT_TRUE(WriteFile(arrived_ / "key",
                        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0600)
                  .ok());
  const SendResult sent = SendNow(
      Config(fmt::format("- {{name: hook, webhook: \"{}\", secret_file: {}}}",
                         Hook("in?a=b"), arrived_ / "key")));
  ASSERT_TRUE(sent.status.ok()) << sent.status;
  ASSERT_THAT(Arrived(), SizeIs(1));
  const Json hook = Arrived()[0];
  EXPECT_EQ(hook["path"], "/in?a=b");
  const Json body = Json::parse(hook["body"].get<std::string>());
  EXPECT_EQ(body["kind"], "Report");
  EXPECT_EQ(body["items"][0]["turns"][0]["after"], "fail");
  EXPECT_EQ(HeaderOf(hook, "webhook-id"), "metsuke.2026-11-23.1");
  const int64_t time = std::stoll(HeaderOf(hook, "webhook-timestamp"));
  EXPECT_NEAR(time, std::time(nullptr), 30);
  EXPECT_EQ(
      "webhook-signature: " + HeaderOf(hook, "webhook-signature"),
      Signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "metsuke.2026-11-23.1", time, hook["body"].get<std::string>())
          ->at(2));
}

TEST_F(DeliveryTest, ChatWorkGetsAFormAndItsToken) {
  Start();
  ASSERT_TRUE(WriteFile(arrived_ / "token", "abc\n", 0600).ok());
  ASSERT_TRUE(WriteFile(arrived_ / "url", Hook("rooms/1/messages"), 0600).ok());
  const SendResult sent = SendNow(Config(fmt::format(
      "- {{name: chat, webhook_file: {}, form: chatwork, token_file: {}}}",
      arrived_ / "url", arrived_ / "token")));
  ASSERT_TRUE(sent.status.ok()) << sent.status;
  ASSERT_THAT(Arrived(), SizeIs(1));
  EXPECT_EQ(Arrived()[0]["path"], "/rooms/1/messages");
  EXPECT_EQ(HeaderOf(Arrived()[0], "x-chatworktoken"), "abc");
  EXPECT_THAT(Arrived()[0]["body"].get<std::string>(),
              HasSubstr("body=%5Binfo%5D%5Btitle%5D2026-11-23%3A"));
}

TEST_F(DeliveryTest, WhatAWebhookRefusesIsToldAndSafe) {
  Start();
  const auto config =
      Config(fmt::format("- {{name: hook, webhook: \"{}\"}}", Hook("secret")));
  Set("http.status", "500");
  const std::string why = Message(SendNow(config).status);
  EXPECT_THAT(why, AllOf(HasSubstr("500"), HasSubstr("no /secret")));
  Set("http.status", "503\nRetry-After: 120");
  EXPECT_EQ(SendNow(config).retry_after, 120);
  Set("http.status", "404");
  EXPECT_TRUE(absl::IsAborted(SendNow(config).status)) << "refused for good";
  // A server may repeat an address that is secret.
  ASSERT_TRUE(WriteFile(arrived_ / "url", Hook("secret"), 0600).ok());
  const std::string hidden =
      Message(SendNow(Config(fmt::format("- {{name: hook, webhook_file: {}}}",
                                         arrived_ / "url")))
                  .status);
  EXPECT_THAT(hidden, AllOf(HasSubstr("404"), Not(HasSubstr("secret"))));
  // Where it is sent to is where the operator said.
  Set("http.status", "302\nLocation: " + Hook("elsewhere"));
  EXPECT_THAT(Message(SendNow(config).status), HasSubstr("302"));
  EXPECT_THAT(Arrived(), IsEmpty());
}

TEST_F(DeliveryTest, NothingLeavesThisMachineWithoutTls) {
  v1::DeliveryConfig config;
  v1::Recipient& hook = *config.add_recipients();
  hook.set_name("hook");
  hook.set_webhook("http://192.0.2.1/secret");
  const std::string why = Message(SendNow(config).status);
  EXPECT_THAT(why, AllOf(HasSubstr("192.0.2.1"), HasSubstr("http")));
  EXPECT_THAT(why, Not(HasSubstr("secret")));
}

TEST_F(DeliveryTest, AnAddressInAFileIsHeldToTheSameRules) {
  Start();
  for (const std::string address :
       {"hooks.example.jp/secret", "HTTP://hooks.example.jp/secret",
        "ftp://hooks.example.jp/secret", "http://127.example.jp/secret",
        "https://u:secret@hooks.example.jp/"}) {
    ASSERT_TRUE(WriteFile(arrived_ / "url", address, 0600).ok());
    const auto config = Config(
        fmt::format("- {{name: hook, webhook_file: {}}}", arrived_ / "url"));
    EXPECT_THAT(Unready(config), ElementsAre(HasSubstr("hook: "))) << address;
    const std::string why = Message(SendNow(config).status);
    EXPECT_THAT(why, AllOf(HasSubstr("url"), Not(HasSubstr("secret"))))
        << address;
  }
}

TEST_F(DeliveryTest, AServerThatDoesNotSayGoodbyeIsNotWaitedFor) {
  Set("quit", "30");
  Start();
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(
      SendNow(Config("- {name: ops, mail: [ops@example.jp]}"), "ops@example.jp")
          .status.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_THAT(Arrived(), SizeIs(1));
  kill(servers_, SIGKILL);
}

TEST_F(DeliveryTest, WhoIsStoppedDoesNotWaitForTheOtherSide) {
  Set("slow", "30");
  Start();
  const auto config =
      Config(fmt::format("- {{name: hook, webhook: \"{}\"}}", Hook()));
  const v1::Report report = SomeReport();
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop.request_stop();
  });
  const auto begun = std::chrono::steady_clock::now();
  const SendResult sent = Send(config, config.recipients(0), "",
                            {.report = report}, nullptr, stop.get_token());
  EXPECT_TRUE(absl::IsCancelled(sent.status)) << sent.status;
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  kill(servers_, SIGKILL);
}

// A store with one night and its deliveries, and the real program on it.
class OutboxTest : public DeliveryTest {
 protected:
  void MakeNight(const v1::DeliveryConfig& config) {
    auto store = OpenSqliteStore(folder_.path());
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    const v1::Report report = SomeReport();
    NightReport night{.entry = EntryOf(report), .bytes = ReportBytes(report)};
    for (const v1::Recipient& recipient : config.recipients())
      for (const v1::Delivery& delivery : DeliveriesTo(recipient, kDay, now_))
        night.deliveries.push_back(delivery);
    ASSERT_TRUE(store_->PutReport(night).ok());
    baseline_ = *StandingBaseline::Load(*store_);
  }

  int Deliver(const v1::DeliveryConfig& config, int64_t now,
              const SendOne& send) {
    int sum = 0;
    for (const char* way : {"mail", "here"}) {
      const auto tried = DeliverDue(*store_, {.config = config}, way, send,
                                    [now] { return now; }, {});
      EXPECT_TRUE(tried.ok()) << tried.status();
      sum += tried.value_or(-100);
    }
    return sum;
  }

  // How many are on their way, as another process sees it.
  int Waiting() {
    auto database =
        Database::Open(folder_ / "metsuke.db", SQLITE_OPEN_READONLY);
    EXPECT_TRUE(database.ok()) << database.status();
    Query query =
        database->Run("SELECT count(*) FROM delivery WHERE next <> 0");
    return query.Step() ? static_cast<int>(query.Int(0)) : -1;
  }

  std::vector<std::string> States() {
    std::vector<std::string> states;
    const auto deliveries = store_->Deliveries("");
    for (const v1::Delivery& delivery : *deliveries)
      states.push_back(fmt::format("{}{} {} {}", delivery.recipient(),
                                   delivery.address(), delivery.state(),
                                   delivery.attempts()));
    return states;
  }

  const int64_t now_ = std::time(nullptr);
  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StandingBaseline> baseline_;
};

TEST_F(OutboxTest, OneThatIsRefusedDoesNotKeepTheOthersFromBeingServed) {
  const v1::DeliveryConfig config = Read(std::string(kMailOf) +
                                         "recipients:\n"
                                         "- {name: a, mail: [x@y, z@y]}\n"
                                         "- {name: b, directory: /r}\n");
  MakeNight(config);
  std::vector<std::string> ids;
  const SendOne send = [&](const v1::Recipient&, const std::string& address,
                           const Letter& letter) -> SendResult {
    EXPECT_EQ(letter.report.day(), kDay);
    ids.push_back(letter.id);
    if (address == "x@y")
      return {.status = absl::ResourceExhaustedError("full")};
    return {};
  };
  EXPECT_EQ(Deliver(config, now_, send), 3);
  EXPECT_THAT(States(), ElementsAre("ax@y waiting 1", "az@y delivered 1",
                                    "b delivered 1"));
  // Nobody gets it twice, and what waits waits.
  EXPECT_EQ(Deliver(config, now_ + 59, send), 0);
  EXPECT_EQ(Deliver(config, now_ + 60, send), 1);
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids[3], ids[0]);
  EXPECT_NE(ids[1], ids[0]);
  EXPECT_NE(ids[2], ids[0]);
}

TEST_F(OutboxTest, WhatGoesToOneWhoIsMissingWaitsUntilTheyAreBack) {
  const v1::DeliveryConfig config =
      Read(std::string(kMailOf) + "recipients: [{name: a, mail: [x@y, z@y]}]");
  MakeNight(config);
  const SendOne send = [](const v1::Recipient&, const std::string&,
                          const Letter&) -> SendResult { return {}; };
  // A slip in the file, then one address less.
  EXPECT_EQ(Deliver({}, now_, send), 2);
  EXPECT_THAT(States(), ElementsAre("ax@y waiting 1", "az@y waiting 1"));
  EXPECT_THAT(store_->Deliveries("")->at(0).error(),
              HasSubstr("no such recipient"));
  EXPECT_EQ(Deliver(Read(std::string(kMailOf) +
                         "recipients: [{name: a, mail: [z@y]}]"),
                    now_ + 60, send),
            2);
  EXPECT_THAT(States(), ElementsAre("ax@y waiting 2", "az@y delivered 2"));
  // One that cannot be served as it is written.
  const auto rules =
      ReadDelivery("d", "recipients: [{name: a, mail: [x@y, z@y]}]\n");
  const auto tried =
      DeliverDue(*store_, *rules, "mail", send, [&] { return now_ + 600; }, {});
  ASSERT_TRUE(tried.ok()) << tried.status();
  EXPECT_THAT(store_->Deliveries("")->at(0).error(),
              HasSubstr("how mail is sent"));
  EXPECT_EQ(Deliver(config, now_ + 7200, send), 1);
  EXPECT_THAT(States(), ElementsAre("ax@y delivered 4", "az@y delivered 2"));
}

TEST_F(OutboxTest, AServerThatCannotBeReachedIsTriedOnceARound) {
  const v1::DeliveryConfig config = Read(
      std::string(kMailOf) + "recipients: [{name: a, mail: [u@y, v@y, w@y]}]");
  MakeNight(config);
  int tried = 0;
  const SendOne send = [&](const v1::Recipient&, const std::string&,
                           const Letter&) -> SendResult {
    ++tried;
    return {.status = absl::UnavailableError("no route")};
  };
  EXPECT_EQ(Deliver(config, now_, send), 3);
  EXPECT_EQ(tried, 1);
  EXPECT_EQ(Deliver(config, now_ + 59, send), 0);
  EXPECT_EQ(Deliver(config, now_ + 60, send), 3);
  EXPECT_EQ(tried, 2);
}

TEST_F(OutboxTest, WhatIsSentAnewMeanwhileStaysOnItsWay) {
  const v1::DeliveryConfig config =
      Read("recipients: [{name: b, directory: /r}]");
  MakeNight(config);
  std::vector<std::string> ids;
  const SendOne send = [&](const v1::Recipient& recipient, const std::string&,
                           const Letter& letter) -> SendResult {
    ids.push_back(letter.id);
    if (ids.size() == 1) {
      EXPECT_TRUE(
          store_
              ->PutDeliveries(DeliveriesTo(recipient, kDay, now_ + 1), kDay, {})
              .ok());
    }
    return {};
  };
  EXPECT_EQ(Deliver(config, now_ + 1, send), 1);
  EXPECT_THAT(States(), ElementsAre("b waiting 0"));
  EXPECT_EQ(Deliver(config, now_ + 1, send), 1);
  EXPECT_THAT(States(), ElementsAre("b delivered 1"));
  EXPECT_NE(ids[0], ids[1]);
}

TEST_F(OutboxTest, WhatCannotBeNotedIsNotSent) {
  const v1::DeliveryConfig config =
      Read("recipients: [{name: b, directory: /r}]");
  MakeNight(config);
  int sent = 0;
  const SendOne send = [&](const v1::Recipient&, const std::string&,
                           const Letter&) -> SendResult {
    ++sent;
    return {};
  };
  const auto deliver = [&](const Clock& clock) {
    return DeliverDue(*store_, {.config = config}, "here", send, clock, {});
  };
  {
    const FullDisk disk(1);
    EXPECT_FALSE(deliver([&] { return now_; }).ok());
  }
  EXPECT_EQ(sent, 0);
  // It is forgotten between the look and the try.
  int looks = 0;
  const auto tried = deliver([&] {
    if (++looks == 2) {
      EXPECT_TRUE(store_->Forget(SomeReport().to() + 1).ok());
    }
    return now_;
  });
  EXPECT_TRUE(tried.ok()) << tried.status();
  EXPECT_EQ(looks, 2);
  EXPECT_EQ(sent, 0);
}

TEST_F(OutboxTest, OneThatHangsKeepsOnlyItselfWaiting) {
  Set("slow", "60");
  Start();
  const v1::DeliveryConfig config = Config(fmt::format(
      "- {{name: hangs, webhook: \"{}\"}}\n- {{name: folder, directory: {}}}",
      Hook(), folder_ / "reports"));
  MakeNight(config);
  const DeliveryRules rules{.config = config};
  const auto begun = std::chrono::steady_clock::now();
  {
    const Outbox outbox(*store_, *baseline_, rules, 300, "");
    for (int i = 0; i < 100 && States()[0] != "folder delivered 1"; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_THAT(States(), ElementsAre("folder delivered 1", "hangs waiting 1"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(15));
  kill(servers_, SIGKILL);
}

TEST_F(OutboxTest, AMailServerThatIsDownForADayLosesNothing) {
  const v1::DeliveryConfig config =
      Read(std::string(kMailOf) + "recipients: [{name: a, mail: [x@y]}]");
  MakeNight(config);
  int arrived = 0;
  for (int64_t now = now_; now < now_ + 2 * 86400; now += 5)
    Deliver(config, now,
            [&](const v1::Recipient&, const std::string&,
                const Letter&) -> SendResult {
              if (now < now_ + 86400)
                return {.status = absl::UnavailableError("down")};
              ++arrived;
              return {};
            });
  EXPECT_EQ(arrived, 1);
  EXPECT_THAT(States(), ElementsAre(testing::StartsWith("ax@y delivered 3")));
}

TEST_F(OutboxTest, WhoComesBackTriesWhatWasRefusedForGood) {
  const v1::DeliveryConfig config = Read(
      std::string(kMailOf) +
      "recipients: [{name: a, mail: [x@y]}, {name: b, directory: /r}]");
  MakeNight(config);
  int tries = 0;
  const SendOne refuse = [&](const v1::Recipient&, const std::string& address,
                             const Letter&) -> SendResult {
    ++tries;
    if (address.empty()) return {};
    return {.status = absl::AbortedError("535 wrong password")};
  };
  EXPECT_EQ(Deliver(config, now_, refuse), 2);
  EXPECT_EQ(Deliver(config, now_ + 86399, refuse), 0);
  const auto again = [&](const char* way, int64_t now) {
    return TryAgainNow(*store_, {.config = config}, way, now);
  };
  // Not what goes another way, and not at once when it was tried just now.
  ASSERT_TRUE(again("here", now_ + 7200).ok());
  ASSERT_TRUE(again("mail", now_ + 10).ok());
  EXPECT_EQ(Deliver(config, now_ + 59, refuse), 0);
  EXPECT_EQ(Deliver(config, now_ + 60, refuse), 1);
  // After which the long pause holds again, until it is started again.
  EXPECT_EQ(Deliver(config, now_ + 7200, refuse), 0);
  ASSERT_TRUE(again("mail", now_ + 7200).ok());
  EXPECT_EQ(Deliver(config, now_ + 7200,
                    [](const v1::Recipient&, const std::string&,
                       const Letter&) -> SendResult { return {}; }),
            1);
  // What arrived stays so.
  ASSERT_TRUE(again("mail", now_ + 90000).ok());
  EXPECT_EQ(Deliver(config, now_ + 90000, refuse), 0);
  EXPECT_THAT(States(), ElementsAre("ax@y delivered 3", "b delivered 1"));
}

TEST_F(OutboxTest, AnotherSecretOrANewBeginningIsTriedAtOnce) {
  const std::string token = folder_ / "token";
  Start();
  const v1::DeliveryConfig config = Config(
      fmt::format("- {{name: hook, webhook: \"{}\", token_file: {}}}", Hook(),
                  token));
  MakeNight(config);
  // As if it had been refused an hour ago.
  v1::Delivery refused = store_->Deliveries("")->at(0);
  refused.set_attempts(1);
  refused.set_tried(now_ - 3600);
  refused.set_next(now_ + 82800);
  // A try ends with another time for the next.
  const auto wait_for = [&](const std::string& state) {
    const auto ended = [&] {
      const int64_t next = store_->Deliveries("")->at(0).next();
      return States()[0] == state &&
             (next == 0 ||
              (next > std::time(nullptr) && next < refused.next()));
    };
    for (int i = 0; i < 100 && !ended(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_THAT(States(), ElementsAre(state));
    EXPECT_TRUE(ended());
  };
  ASSERT_TRUE(store_->UpdateDelivery(refused).ok());
  const DeliveryRules rules{.config = config};
  const Outbox outbox(*store_, *baseline_, rules, 300, "");
  wait_for("hook waiting 2");
  ASSERT_TRUE(store_->UpdateDelivery(refused).ok());
  ASSERT_TRUE(WriteFile(token, "right\n", 0600).ok());
  wait_for("hook delivered 2");
  EXPECT_THAT(Arrived(), SizeIs(1));
}

TEST_F(OutboxTest, WhatIsForgottenTakesItsDeliveriesAlong) {
  const v1::DeliveryConfig config =
      Read("recipients: [{name: b, directory: /r, hosts: zone=a}]");
  MakeNight(config);
  EXPECT_THAT(States(), SizeIs(1));
  ASSERT_TRUE(store_->Forget(SomeReport().to() + 1).ok());
  EXPECT_THAT(States(), IsEmpty());
  EXPECT_THAT(*store_->DueDeliveries(now_), IsEmpty());
}

// The program is killed at random; each time it comes back it goes on.
TEST_F(OutboxTest, AKilledControllerDeliversEachReportOnce) {
  Set("slow", "0.03");
  Start();
  std::string recipients = fmt::format(
      "- {{name: hook, webhook: \"{}\"}}\n- {{name: folder, directory: {}}}\n",
      Hook(), folder_ / "reports");
  ASSERT_EQ(mkdir((folder_ / "reports").c_str(), 0700), 0);
  for (int i = 0; i < 12; ++i)
    recipients += fmt::format("- {{name: r{0}, mail: [r{0}@example.jp]}}\n", i);
  const std::string yaml = fmt::format(
      "mail: {{from: metsuke@example.jp, server: \"smtp://localhost:{}\"}}\n"
      "recipients:\n{}",
      smtp_, recipients);
  MakeNight(Read(yaml));
  store_.reset();
  const TestFleet fleet;
  const std::string own = fleet.Issue("controller", "one");
  ASSERT_TRUE(WriteFile(folder_ / "delivery.yaml", yaml, 0600).ok());
  ASSERT_TRUE(WriteFile(folder_ / "controller.yaml",
                        fmt::format("listen: \"127.0.0.1:0\"\nstate: {0}\n"
                                    "certificate: {1}/certificate.pem\n"
                                    "key: {1}/key.pem\nroot: {1}/root.pem\n"
                                    "delivery: {0}/delivery.yaml\n",
                                    folder_.path(), own),
                        0600)
                  .ok());
  std::minstd_rand random(7);
  int killed = 0, before_the_last = 0;
  for (int round = 0; round < 30; ++round) {
    const pid_t program = fork();
    if (program == 0) {
      const int log =
          open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(log, 2);
      execl(METSUKE_BINARY "/bin/metsuke-controller", "metsuke-controller",
            "--config", (folder_ / "controller.yaml").c_str(), nullptr);
      _exit(127);
    }
    // The last one has all the time it needs.
    for (int i = 0; round == 29 && i < 600 && Waiting() > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::this_thread::sleep_for(std::chrono::milliseconds(80 + random() % 200));
    if (round == 28) before_the_last = Waiting();
    kill(program, round < 29 ? SIGKILL : SIGTERM);
    int status = 0;
    waitpid(program, &status, 0);
    killed += WIFSIGNALED(status);
  }
  ASSERT_EQ(killed, 29) << *ReadFile(folder_ / "log");
  store_ = *OpenSqliteStore(folder_.path());
  const auto deliveries = store_->Deliveries("");
  for (const v1::Delivery& delivery : *deliveries)
    EXPECT_EQ(delivery.state(), "delivered")
        << delivery.ShortDebugString() << *ReadFile(folder_ / "log");
  // Whoever was killed between the answer and the note sent it again, and the
  // id tells.
  std::map<std::string, std::set<std::string>> ids;
  int again = -13;
  for (const Json& one : Arrived()) {
    const bool mail = one["via"] == "smtp";
    ids[mail ? one["envelope_to"][0].get<std::string>() : "hook"].insert(
        HeaderOf(one, mail ? "Message-ID" : "webhook-id"));
    ++again;
  }
  EXPECT_LE(again, 2 * killed) << "once for each way that was cut off";
  EXPECT_GE(before_the_last, 0);
  EXPECT_LT(before_the_last, 14) << "no round that was killed sent any";
  EXPECT_EQ(ids.size(), 13u);
  for (const auto& [who, all] : ids) EXPECT_EQ(all.size(), 1u) << who;
  RecordProperty("sent_again", again);
  EXPECT_THAT(*ReadFile(folder_ / "reports/2026-11-23.html"),
              HasSubstr("no-telnet"));
}

}  // namespace
}  // namespace metsuke
