#include "proto/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/file.h"
#include "proto/join_token.h"
#include "tests/unit/test_fleet.h"

namespace metsuke {
namespace {

using testing::HasSubstr;

constexpr char kHost[] =
    "spiffe://metsuke/host/0b9c1de4-5b0e-4a6c-9f0a-1c2d3e4f5a6b";
constexpr char kOperator[] = "spiffe://metsuke/operator/aiko";

std::string Refusal(const OddCertificate& odd) {
  return Message(IdentityOf(odd.Pem()).status());
}

TEST(Identity, IsTheOneUriAndNothingElse) {
  const auto identity = IdentityOf(OddCertificate{{{GEN_URI, kHost}}}.Pem());
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->role, "host");
  EXPECT_EQ(identity->name, "0b9c1de4-5b0e-4a6c-9f0a-1c2d3e4f5a6b");
  EXPECT_EQ(identity->serial, "4d");
}

TEST(Identity, OfTwoUrisIsNone) {
  EXPECT_THAT(Refusal({{{GEN_URI, kHost}, {GEN_URI, kOperator}}}),
              HasSubstr("exactly one URI"));
  EXPECT_THAT(Refusal({{{GEN_URI, kHost}, {GEN_URI, kHost}}}),
              HasSubstr("exactly one URI"));
}

TEST(Identity, IsNotTheCommonName) {
  EXPECT_THAT(Refusal({}), HasSubstr("no subject alternative name"));
  EXPECT_THAT(Refusal({{{GEN_DNS, "a.example"}}}),
              HasSubstr("exactly one URI"));
}

TEST(Identity, OfAStrangeUriIsNone) {
  for (const char* uri :
       {"spiffe://other/host/0b9c1de4-5b0e-4a6c-9f0a-1c2d3e4f5a6b",
        "spiffe://metsuke/host/0B9C1DE4-5b0e-4a6c-9f0a-1c2d3e4f5a6b",
        "spiffe://metsuke/host/../operator/a", "spiffe://metsuke/operator/",
        "spiffe://metsuke/operator/a/b", "spiffe://metsuke/operator/A",
        "spiffe://metsuke/root/a", "spiffe://metsuke/operator",
        "spiffe://metsuke/operator/.a", "https://metsuke/operator/a"})
    EXPECT_THAT(Refusal({{{GEN_URI, uri}}}), HasSubstr("its URI")) << uri;
  EXPECT_THAT(
      Refusal({{{GEN_URI, std::string("spiffe://metsuke/operator/a\0b", 28)}}}),
      HasSubstr("its URI"));
}

TEST(Identity, HasTheUseOfItsRole) {
  EXPECT_THAT(Refusal({{{GEN_URI, kHost}}, "serverAuth"}),
              HasSubstr("extended key usage"));
  EXPECT_THAT(Refusal({{{GEN_URI, kHost}}, "clientAuth,serverAuth"}),
              HasSubstr("extended key usage"));
  EXPECT_THAT(Refusal({{{GEN_URI, kHost}}, ""}),
              HasSubstr("extended key usage"));
  EXPECT_THAT(
      Refusal({{{GEN_URI, "spiffe://metsuke/controller/a"}}, "clientAuth"}),
      HasSubstr("extended key usage"));
}

TEST(Identity, IsNeverAnAuthority) {
  EXPECT_THAT(Refusal({{{GEN_URI, kHost}}, "clientAuth", true}),
              HasSubstr("certificate authority"));
}

TEST(Identity, OnlyOfAControllerHasDnsNames) {
  EXPECT_THAT(Refusal({{{GEN_URI, kOperator}, {GEN_DNS, kControllerName}}}),
              HasSubstr("only a controller"));
  EXPECT_TRUE(
      IdentityOf(OddCertificate{{{GEN_URI, "spiffe://metsuke/controller/a"},
                                 {GEN_DNS, kControllerName}},
                                "serverAuth"}
                     .Pem())
          .ok());
  EXPECT_THAT(Refusal({{{GEN_URI, kOperator}, {GEN_EMAIL, "a@b"}}}),
              HasSubstr("neither URI nor DNS"));
}

TEST(Identity, IsOfTheLeafOnly) {
  const std::string leaf = OddCertificate{{{GEN_URI, kHost}}}.Pem();
  const std::string other = OddCertificate{{{GEN_URI, kOperator}}}.Pem();
  EXPECT_EQ(IdentityOf(leaf + other)->role, "host");
  EXPECT_EQ(IdentityOf(other + leaf)->role, "operator");
  EXPECT_FALSE(IdentityOf("").ok());
  EXPECT_FALSE(IdentityOf("-----BEGIN CERTIFICATE-----\nAAAA\n").ok());
}

TEST(Identity, IsGoodUntilItsLastSecond) {
  const int64_t now = 1800000000;
  const auto identity = IdentityOf(
      OddCertificate{{{GEN_URI, kHost}}, "clientAuth", false, now, now + 100}
          .Pem());
  ASSERT_TRUE(identity.ok());
  EXPECT_FALSE(CheckTime(*identity, now - 1).ok());
  EXPECT_TRUE(CheckTime(*identity, now).ok());
  EXPECT_TRUE(CheckTime(*identity, now + 100).ok());
  EXPECT_THAT(Message(CheckTime(*identity, now + 101)),
              HasSubstr("expired at 2027-01-15 08:01:40 UTC"));
}

TEST(Credential, SaysWhichFileAndWhatToDo) {
  const TestFleet fleet;
  const std::string own = fleet.Issue("operator", "aiko");
  const std::string other = fleet.Issue("operator", "ben");
  const auto load = [&](const std::string& certificate, const std::string& key,
                        const std::string& root) {
    return Message(LoadCredential(certificate, key, root).status());
  };
  const std::string certificate = own + "/certificate.pem",
                    key = own + "/key.pem", root = own + "/root.pem";
  EXPECT_EQ(load(certificate, key, root), "");
  EXPECT_THAT(load(own + "/none.pem", key, root), HasSubstr("none.pem: open"));
  EXPECT_THAT(load(key, key, root), HasSubstr("key.pem: holds no certificate"));
  EXPECT_THAT(load(certificate, root, root),
              HasSubstr("others may use this private key"));
  EXPECT_THAT(load(certificate, other + "/key.pem", root),
              HasSubstr("not the key of the certificate " + certificate));
  ASSERT_TRUE(WriteFile(fleet / "text", "hello", 0600).ok());
  EXPECT_THAT(load(certificate, fleet / "text", root),
              HasSubstr("text: holds no private key"));
}

TEST(JoinToken, ComesBackAsItWas) {
  const auto token = MakeJoinToken(std::string(32, '\xA5'));
  ASSERT_TRUE(token.ok());
  const std::string text = FormatJoinToken(*token);
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz1234567_"),
            std::string::npos);
  const auto parsed = ParseJoinToken(" " + text + "\r\n");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->id, token->id);
  EXPECT_EQ(parsed->secret, token->secret);
  EXPECT_EQ(parsed->pin, token->pin);
}

TEST(JoinToken, WithAnySlipIsRefusedWithoutRepeatingIt) {
  const auto token = MakeJoinToken(std::string(32, 'p'));
  ASSERT_TRUE(token.ok());
  const std::string text = FormatJoinToken(*token);
  int accepted = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    if (ParseJoinToken(changed).ok()) ++accepted;
    const auto cut = ParseJoinToken(text.substr(0, i));
    EXPECT_FALSE(cut.ok());
    EXPECT_EQ(Message(cut.status()).find(token->secret), std::string::npos);
  }
  // Ten bits of check: about one slip in a thousand is found only later.
  EXPECT_LE(accepted, 2);
  EXPECT_FALSE(ParseJoinToken(text + "_a").ok());
  EXPECT_FALSE(ParseJoinToken(std::string(100000, 'a')).ok());
}

TEST(JoinToken, AJoinLineSaysWhereToTakeIt) {
  const auto token = MakeJoinToken(std::string(32, 'p'));
  ASSERT_TRUE(token.ok());
  const std::string text = FormatJoinToken(*token);
  const auto places = [&](const std::string& controller,
                          const std::string& enrol) -> std::string {
    const auto told = JoinPlaces(controller, enrol);
    if (!told.ok()) return "no line: " + Message(told.status());
    const auto parsed = ParseJoinToken(text + *told + "\n");
    if (!parsed.ok()) return Message(parsed.status());
    EXPECT_EQ(parsed->secret, token->secret);
    return parsed->controller + " " + parsed->enrol;
  };
  EXPECT_EQ(places("c.example:7443", ""), "c.example:7443 c.example:7444");
  EXPECT_EQ(places("[2001:db8::1]:8443", ""),
            "[2001:db8::1]:8443 [2001:db8::1]:7444");
  EXPECT_EQ(places("c:7443", "door:9444"), "c:7443 door:9444");
  for (const char* wrong : {"c", ":7443", "c:", "c:x", "2001:db8::1:7443",
                            "c\"d:7443", "c d:7443", "c,d:7443"}) {
    EXPECT_THAT(places(wrong, ""), HasSubstr("is no address")) << wrong;
    const auto parsed = ParseJoinToken(text + '@' + wrong);
    EXPECT_THAT(Message(parsed.status()), HasSubstr("there is no address"));
    EXPECT_EQ(Message(parsed.status()).find(token->secret), std::string::npos);
  }
  // A token alone says nothing of a place.
  EXPECT_EQ(ParseJoinToken(text)->controller, "");
}

}  // namespace
}  // namespace metsuke
