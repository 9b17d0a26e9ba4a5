#include "agent/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/probe_plan.h"
#include "proto/canonical.h"

namespace metsuke {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

void Listen(v1::Snapshot& seen, const std::string& address, uint32_t port,
            const std::string& program, const std::string& protocol = "tcp") {
  v1::Port& row = *seen.add_ports();
  row.set_protocol(protocol);
  row.set_address(address);
  row.set_port(port);
  row.set_program(program);
}

void Allow(v1::Snapshot& seen, const std::string& account,
           const std::string& source, const std::string& listener,
           const std::string& method) {
  v1::SshAccess& row = *seen.add_ssh_access();
  row.set_account(account);
  row.set_source(source);
  row.set_listener(listener);
  row.set_method(method);
}

using Targets = std::vector<ProbeTarget>;

// What differs is how long each may take: a part of the time for all.
Targets Timeless(Targets targets) {
  uint32_t seconds = 0;
  for (ProbeTarget& target : targets) {
    seconds += target.seconds;
    target.seconds = ProbeTarget().seconds;
  }
  EXPECT_LE(seconds, 20u);
  return targets;
}

TEST(ProbePlan, AsksEachServerThatTheConfigurationKnows) {
  v1::Snapshot seen;
  Listen(seen, "0.0.0.0", 22, "sshd");
  Listen(seen, "::", 22, "sshd");
  Listen(seen, "192.0.2.7", 2222, "systemd");
  Listen(seen, "2001:db8::7", 2200, "sshd");
  Allow(seen, "*", "any", "*:22", "publickey");
  Allow(seen, "*", "any", "192.0.2.7:2222", "publickey");
  Allow(seen, "*", "any", "[2001:db8::7]:2200", "publickey");
  Allow(seen, "*", "any", "*:23", "publickey");  // nothing listens
  EXPECT_EQ(Timeless(PlanProbe(seen).targets),
            (Targets{{"*:22", "127.0.0.1", 22, {"root"}},
                     {"192.0.2.7:2222", "192.0.2.7", 2222, {"root"}},
                     {"[2001:db8::7]:2200", "2001:db8::7", 2200, {"root"}}}));
}

TEST(ProbePlan, ReachesASocketForAllAddressesByTheOneThatIsMeant) {
  v1::Snapshot seen;
  Listen(seen, "::", 22, "sshd");
  Allow(seen, "*", "any", "192.0.2.7:22", "publickey");
  Allow(seen, "*", "any", "*:22", "publickey");
  const Targets targets = PlanProbe(seen).targets;
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].address, "192.0.2.7");
  EXPECT_EQ(targets[1].address, "::1");
}

TEST(ProbePlan, ReachesASocketForAllAddressesByIpv4WhicheverComesFirst) {
  v1::Snapshot seen;
  Listen(seen, "::", 22, "sshd");
  Listen(seen, "0.0.0.0", 22, "sshd");
  Allow(seen, "*", "any", "*:22", "publickey");
  EXPECT_EQ(Timeless(PlanProbe(seen).targets),
            (Targets{{"*:22", "127.0.0.1", 22, {"root"}}}));
}

TEST(ProbePlan, AsksServersThatNoConfigurationSpeaksOf) {
  v1::Snapshot seen;
  Listen(seen, "0.0.0.0", 22, "dropbear");
  Listen(seen, "::", 22, "dropbear");
  Listen(seen, "10.0.0.1", 2022, "sshd");
  Listen(seen, "0.0.0.0", 80, "nginx");
  Listen(seen, "0.0.0.0", 2022, "sshd", "udp");
  EXPECT_EQ(Timeless(PlanProbe(seen).targets),
            (Targets{{"*:22", "127.0.0.1", 22, {"root"}},
                     {"10.0.0.1:2022", "10.0.0.1", 2022, {"root"}}}));
}

TEST(ProbePlan, TellsServersOfOnePortApartByTheirAddresses) {
  v1::Snapshot seen;
  Listen(seen, "10.0.0.1", 22, "sshd");
  Listen(seen, "10.0.0.2", 22, "dropbear");
  Allow(seen, "*", "any", "10.0.0.1:22", "publickey");
  const Targets targets = PlanProbe(seen).targets;
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[1].listener, "10.0.0.2:22");
}

TEST(ProbePlan, SaysWhatItCannotKnow) {
  v1::Snapshot seen;
  Listen(seen, "0.0.0.0", 2024, "");
  for (uint32_t port = 30; port < 36; ++port)
    Listen(seen, "0.0.0.0", port, "sshd");
  const ProbePlan plan = PlanProbe(seen);
  EXPECT_EQ(plan.targets.size(), 4u);
  // Of each of the three tables.
  ASSERT_EQ(plan.gaps.gaps_size(), 6);
  EXPECT_EQ(plan.gaps.gaps(0).subject(), "port 2024");
  EXPECT_EQ(plan.gaps.gaps(0).table(), "ssh_endpoints");
  EXPECT_EQ(plan.gaps.gaps(2).table(), "ssh_host_keys");
  EXPECT_EQ(plan.gaps.gaps(3).subject(), "*:34");
}

TEST(ProbePlan, ChoosesAccountsWithDifferentWaysInFromThisHost) {
  v1::Snapshot seen;
  Listen(seen, "0.0.0.0", 22, "sshd");
  for (const char* account : {"anna", "bert", "root"})
    Allow(seen, account, "any", "*:22", "publickey");
  seen.mutable_ssh_access(1)->set_usable(true);  // bert's
  Allow(seen, "carl", "127.0.0.0/8", "*:22", "password");
  Allow(seen, "dora", "10.0.0.0/8", "*:22", "none");  // not from here
  Allow(seen, "emil", "any", "*:23", "hostbased");    // another listener
  Allow(seen, "f;g", "any", "*:22", "hostbased");
  Allow(seen, "hans", "127.0.0.1", "*:22", "keyboard-interactive");
  Allow(seen, "ina", "0.0.0.0/0", "*:22", "gssapi-with-mic");
  EXPECT_THAT(PlanProbe(seen).targets[0].accounts,
              ElementsAre("bert", "carl", "hans"));
}

// --- the prober ---

// metsuke-collect's answer for a host with one sshd.
v1::Collected Answer(const std::string& method = "publickey") {
  v1::Snapshot seen;
  Listen(seen, "0.0.0.0", 22, "sshd");
  Allow(seen, "root", "any", "*:22", method);
  auto* row = seen.add_collections();
  row->set_table("ports");
  row->set_status("ok");
  v1::Collected collected;
  for (const char* table : {"collections", "gaps", "ports", "ssh_access"}) {
    collected.add_tables()->set_table(table);
    collected.mutable_tables()->rbegin()->set_canonical(
        CanonicalTable(seen, TableField(table)));
  }
  return collected;
}

v1::Snapshot All(const v1::Collected& collected) {
  v1::Snapshot all;
  std::string bytes;
  for (const auto& table : collected.tables()) bytes += table.canonical();
  EXPECT_TRUE(all.ParseFromString(bytes));
  return all;
}

std::string Fate(const v1::Snapshot& all, const std::string& table) {
  std::string fates;
  for (const auto& row : all.collections())
    if (row.table() == table) fates += row.status() + " " + row.message() + ";";
  return fates;
}

class FakeProbe {
 public:
  absl::StatusOr<v1::Snapshot> operator()(const ProbeTarget& target) {
    asked.push_back(target);
    if (!status.ok() && asked.size() >= fails_from) return status;
    v1::Snapshot rows;
    rows.add_ssh_endpoints()->set_methods(std::to_string(asked.size()));
    rows.mutable_ssh_endpoints(0)->set_outcome(outcome);
    return rows;
  }
  absl::Status status;
  std::string outcome = "answered";
  size_t fails_from = 1;
  Targets asked;
};

class ProberTest : public ::testing::Test {
 protected:
  v1::Snapshot Look(Prober::Clock::duration after,
                    v1::Collected answer = Answer()) {
    prober_.Complete(answer, Prober::Clock::time_point() + hours(100) + after);
    return All(answer);
  }
  FakeProbe probe_;
  Prober prober_{std::ref(probe_)};
};

TEST_F(ProberTest, AddsWhatTheProbeSays) {
  const v1::Snapshot all = Look(minutes(0));
  EXPECT_EQ(Timeless(probe_.asked),
            (Targets{{"*:22", "127.0.0.1", 22, {"root"}}}));
  ASSERT_EQ(all.ssh_endpoints_size(), 1);
  for (const char* table : {"ssh_endpoints", "ssh_algorithms", "ssh_host_keys"})
    EXPECT_EQ(Fate(all, table), "ok ;") << table;
  EXPECT_EQ(Fate(all, "ports"), "ok ;");
  EXPECT_EQ(all.ports_size(), 1);
}

TEST_F(ProberTest, AsksAgainOnlyAfterAChangeOrADay) {
  Look(minutes(0));
  EXPECT_EQ(Look(minutes(30)).ssh_endpoints(0).methods(), "1");
  EXPECT_EQ(Look(minutes(31), Answer("password")).ssh_endpoints(0).methods(),
            "2");
  // Too soon after the last time, but not forgotten.
  EXPECT_EQ(Look(minutes(35)).ssh_endpoints(0).methods(), "2");
  EXPECT_EQ(Look(minutes(42)).ssh_endpoints(0).methods(), "3");
  EXPECT_EQ(Look(minutes(42) + hours(23)).ssh_endpoints(0).methods(), "3");
  EXPECT_EQ(Look(minutes(42) + hours(24)).ssh_endpoints(0).methods(), "4");
}

TEST_F(ProberTest, SaysThatItCouldNotAskAndTriesAgain) {
  probe_.status = absl::NotFoundError("metsuke-probe: no such file");
  const v1::Snapshot all = Look(minutes(0));
  EXPECT_EQ(all.ssh_endpoints_size(), 0);
  EXPECT_EQ(Fate(all, "ssh_endpoints"),
            "not_found metsuke-probe: no such file;");
  probe_.status = absl::OkStatus();
  Look(minutes(5));
  EXPECT_EQ(probe_.asked.size(), 1u);
  EXPECT_EQ(Fate(Look(minutes(11)), "ssh_host_keys"), "ok ;");
}

// metsuke-collect's answer with rows of one more table.
void Put(v1::Collected& collected, const char* table, const v1::Snapshot& rows) {
  for (v1::CollectedTable& one : *collected.mutable_tables())
    if (one.table() == table) {
      one.set_canonical(CanonicalTable(rows, TableField(table)));
      return;
    }
  collected.add_tables()->set_table(table);
  collected.mutable_tables()->rbegin()->set_canonical(
      CanonicalTable(rows, TableField(table)));
}

TEST_F(ProberTest, AsksAgainWhenTheConfigurationOfAServerChanges) {
  Look(minutes(0));
  v1::Snapshot options;
  options.add_sshd_options()->set_keyword("ciphers");
  v1::Collected changed = Answer();
  Put(changed, "sshd_options", options);
  EXPECT_EQ(Look(minutes(31), changed).ssh_endpoints(0).methods(), "2");
}

TEST_F(ProberTest, OfSeveralServersShowsNoneWhenOneCouldNotBeAsked) {
  v1::Snapshot ports;
  Listen(ports, "0.0.0.0", 22, "sshd");
  Listen(ports, "0.0.0.0", 2022, "dropbear");
  v1::Collected two = Answer();
  Put(two, "ports", ports);
  EXPECT_EQ(Look(minutes(0), two).ssh_endpoints_size(), 2);
  probe_.status = absl::UnavailableError("no fork");
  probe_.fails_from = 4;
  const v1::Snapshot all = Look(hours(25), two);
  EXPECT_EQ(probe_.asked.size(), 4u);
  EXPECT_EQ(all.ssh_endpoints_size(), 0);
  EXPECT_EQ(Fate(all, "ssh_endpoints"), "unavailable no fork;");
}

TEST_F(ProberTest, SaysWhatThePlanCouldNotKnow) {
  v1::Snapshot ports;
  Listen(ports, "0.0.0.0", 22, "sshd");
  Listen(ports, "0.0.0.0", 2024, "");
  v1::Collected unseen = Answer();
  Put(unseen, "ports", ports);
  for (const int minute : {0, 1}) {  // when it asks, and when it does not
    const v1::Snapshot all = Look(minutes(minute), unseen);
    ASSERT_EQ(all.gaps_size(), 3) << minute;  // of each table
    EXPECT_EQ(all.gaps(1).table(), "ssh_endpoints");
    EXPECT_EQ(all.gaps(1).subject(), "port 2024");
  }
}

TEST_F(ProberTest, SaysThatThereIsNoServer) {
  v1::Collected none = Answer();
  for (v1::CollectedTable& table : *none.mutable_tables())
    if (table.table() != "collections") table.clear_canonical();
  const v1::Snapshot all = Look(minutes(0), none);
  EXPECT_THAT(probe_.asked, IsEmpty());
  EXPECT_EQ(Fate(all, "ssh_endpoints"), "absent no SSH server listens;");
}

TEST_F(ProberTest, AsksAgainAfterAnHourWhoDidNotAnswer) {
  probe_.outcome = "closed";
  Look(minutes(0));
  Look(minutes(59));
  EXPECT_EQ(probe_.asked.size(), 1u);
  probe_.outcome = "answered";
  Look(minutes(60));
  Look(minutes(180));
  EXPECT_EQ(probe_.asked.size(), 2u);
}

TEST_F(ProberTest, DoesNotTakeNotKnowingForNone) {
  EXPECT_EQ(Fate(Look(minutes(0), v1::Collected()), "ssh_host_keys"),
            "unavailable where servers listen was not told;");
}

TEST_F(ProberTest, SaysWhyItIsNotKnownWhereServersListen) {
  v1::Snapshot about;
  auto* row = about.add_collections();
  row->set_table("ports");
  row->set_status("permission_denied");
  row->set_message("netlink");
  v1::Collected collected;
  collected.add_tables()->set_table("collections");
  collected.mutable_tables(0)->set_canonical(
      CanonicalTable(about, TableField("collections")));
  EXPECT_EQ(Fate(Look(minutes(0), collected), "ssh_endpoints"),
            "unavailable where servers listen is not known: ports: "
            "permission_denied: netlink;");
}

}  // namespace
}  // namespace metsuke
