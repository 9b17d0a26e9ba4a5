#include "controller/store/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/filesystem.hpp>
#include <ctime>
#include <future>
#include <set>

#include "controller/known_tables.h"
#include "controller/store/body.h"
#include "controller/store/sqlite.h"
#include "proto/canonical.h"
#include "proto/snapshot.pb.h"
#include "proto/status.h"
#include "tests/unit/run_sql.h"

namespace metsuke {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const std::string kStream(16, 's');
const std::string kWeb = "00000000-0000-4000-8000-000000000001";
const std::string kDb = "00000000-0000-4000-8000-000000000002";

TableBody HostBody(const std::string& hostname) {
  v1::Snapshot snapshot;
  snapshot.add_host()->set_hostname(hostname);
  snapshot.mutable_host(0)->set_os_name("Debian GNU/Linux 12");
  return MakeBody("host", CanonicalTable(snapshot, TableField("host")));
}

TableBody PortBody(uint32_t port) {
  v1::Snapshot snapshot;
  snapshot.add_ports()->set_port(port);
  return MakeBody("ports", CanonicalTable(snapshot, TableField("ports")));
}

TableBody AccountBody(const std::string& name) {
  v1::Snapshot snapshot;
  snapshot.add_accounts()->set_name(name);
  return MakeBody("accounts", CanonicalTable(snapshot, TableField("accounts")));
}

// A record with the state made of `bodies`, all of which it brings along.
HostUpdate Update(const std::string& host, uint64_t seq, int64_t taken,
                  const std::vector<TableBody>& bodies) {
  HostUpdate update{.host = host,
                    .stream = kStream,
                    .seq = seq,
                    .now = taken,
                    .state = v1::State(),
                    .bodies = bodies};
  update.state->set_taken(taken);
  for (const TableBody& body : bodies) {
    v1::TableDigest& table = *update.state->add_tables();
    table.set_table(body.table);
    table.set_digest(body.digest);
  }
  return update;
}

absl::StatusOr<Standing> Connect(Store& store, const std::string& host,
                                 int64_t now = 100) {
  std::promise<absl::StatusOr<Standing>> promise;
  store.Connect(
      {.host = host, .stream = kStream, .version = "0.1.0", .now = now},
      [&](absl::StatusOr<Standing> result) {
        promise.set_value(std::move(result));
      });
  return promise.get_future().get();
}

absl::Status Commit(Store& store, HostUpdate update) {
  std::promise<absl::Status> promise;
  store.Commit(std::move(update), [&](absl::Status status) {
    promise.set_value(std::move(status));
  });
  return promise.get_future().get();
}

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    boost::filesystem::create_directories(folder_);
    Open();
  }
  ~StoreTest() override {
    store_.reset();
    boost::filesystem::remove_all(folder_);
  }

  void Open() {
    auto store = OpenSqliteStore(folder_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  Fleet ReadFleet(const HostFilter& filter = {}, int64_t at = 0) {
    auto fleet = store_->ReadFleet(filter, at);
    EXPECT_TRUE(fleet.ok()) << fleet.status();
    return fleet.ok() ? *std::move(fleet) : Fleet();
  }

  std::vector<std::string> Names(const std::string& selector) {
    std::vector<std::string> names;
    for (const FleetHost& host : ReadFleet({.selector = selector}).hosts)
      names.push_back(host.entry.host());
    return names;
  }

  const std::string folder_ =
      (boost::filesystem::temp_directory_path() /
       boost::filesystem::unique_path("metsuke-store-%%%%%%%%"))
          .string();
  std::unique_ptr<Store> store_;
};

// More than are read at once; the last page is full, too.
TEST_F(StoreTest, ALargeFleetIsReadWhole) {
  constexpr int kHosts = 3000;
  std::promise<void> done;
  std::atomic<int> left = kHosts;
  std::vector<std::string> ids;
  for (int i = 0; i < kHosts; ++i) {
    ids.push_back(fmt::format("00000000-0000-4000-8000-{:012}", i));
    store_->Connect({.host = ids.back(),
                     .stream = kStream,
                     .version = "0.1.0",
                     .now = 100},
                    [&](absl::StatusOr<Standing> standing) {
                      EXPECT_TRUE(standing.ok()) << standing.status();
                      if (--left == 0) done.set_value();
                    });
  }
  done.get_future().wait();
  std::vector<std::string> visited, read;
  const absl::Status status = store_->VisitFleet(
      {}, 0, [&](const FleetHost& host, const HostStates&) {
        visited.push_back(host.entry.id());
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  for (const FleetHost& host : ReadFleet().hosts)
    read.push_back(host.entry.id());
  EXPECT_EQ(visited, ids);
  EXPECT_EQ(read, ids);
}

TEST_F(StoreTest, AHostIsEnrolledOnFirstContactAndNamedByItsTable) {
  const auto standing = Connect(*store_, kWeb);
  ASSERT_TRUE(standing.ok()) << standing.status();
  EXPECT_EQ(standing->acknowledged, 0u);
  EXPECT_EQ(standing->state, "");
  EXPECT_EQ(store_->FindHost(kWeb)->host(), kWeb);
  EXPECT_EQ(store_->FindHost(kWeb)->last_seen(), 0);

  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {HostBody("web01")})).ok());
  const auto host = store_->FindHost("web01");
  ASSERT_TRUE(host.ok()) << host.status();
  EXPECT_EQ(host->id(), kWeb);
  EXPECT_EQ(host->os_name(), "Debian GNU/Linux 12");
  EXPECT_EQ(host->agent_version(), "0.1.0");
  EXPECT_EQ(host->enrolled(), 100);
  EXPECT_EQ(host->last_seen(), 200);

  const auto again = Connect(*store_, kWeb, 300);
  EXPECT_EQ(again->acknowledged, 1u);
  EXPECT_EQ(store_->FindHost(kWeb)->last_seen(), 200);  // it said nothing yet
  HostUpdate loss = Update(kWeb, 2, 400, {});
  loss.state.reset();
  loss.losses.emplace_back().set_from(2);
  loss.losses.back().set_to(2);
  ASSERT_TRUE(Commit(*store_, loss).ok());
  EXPECT_EQ(store_->FindHost(kWeb)->last_seen(), 200);  // nor what it is like
  EXPECT_EQ(again->state,
            StateDigest(*Update(kWeb, 1, 0, {HostBody("web01")}).state));
}

TEST_F(StoreTest, WhatIsMissingIsAskedForOncePerFleetUnlessSensitive) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Connect(*store_, kDb).ok());
  const TableBody ports = PortBody(22), accounts = AccountBody("root");
  const HostUpdate update = Update(kWeb, 1, 200, {accounts, ports});
  EXPECT_THAT(*store_->Missing(kWeb, *update.state),
              ElementsAre(accounts.digest, ports.digest));
  ASSERT_TRUE(Commit(*store_, update).ok());
  EXPECT_THAT(*store_->Missing(kWeb, *update.state), IsEmpty());
  EXPECT_THAT(*store_->Missing(kDb, *update.state),
              ElementsAre(accounts.digest));

  // Nor does the digest of a sensitive table get an answer under the name of
  // one that is not.
  v1::State probe;
  probe.add_tables()->set_table("ports");
  probe.mutable_tables(0)->set_digest(accounts.digest);
  EXPECT_THAT(*store_->Missing(kDb, probe), ElementsAre(accounts.digest));

  HostUpdate without = Update(kDb, 1, 200, {accounts, ports});
  without.bodies.clear();
  EXPECT_TRUE(absl::IsNotFound(Commit(*store_, without)));
  EXPECT_EQ(Connect(*store_, kDb)->acknowledged, 0u);
  EXPECT_EQ(ReadFleet({.host = kDb}).hosts.at(0).state, -1);
}

TEST_F(StoreTest, TheEmptyTableIsKnownToEverybody) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  HostUpdate update =
      Update(kWeb, 1, 200, {MakeBody("accounts", ""), MakeBody("ports", "")});
  update.bodies.clear();
  EXPECT_THAT(*store_->Missing(kWeb, *update.state), IsEmpty());
  EXPECT_TRUE(Commit(*store_, update).ok());
  EXPECT_EQ(*store_->Body(Sha256("")), "");
}

TEST_F(StoreTest, ABodyComesBackAsItWas) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  const TableBody ports = PortBody(443);
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {ports})).ok());
  v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(*store_->Body(ports.digest)));
  EXPECT_EQ(snapshot.ports(0).port(), 443u);
  EXPECT_TRUE(absl::IsNotFound(store_->Body(Sha256("x")).status()));
}

TEST_F(StoreTest, ADuplicateRecordChangesNothing) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {PortBody(22)})).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 2, 300, {PortBody(80)})).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 400, {PortBody(22)})).ok());
  const Fleet fleet = ReadFleet();
  EXPECT_EQ(fleet.states.at(0)->tables.at("ports"), PortBody(80).digest);
  EXPECT_EQ(store_->History(kWeb)->spans_size(), 2);
}

TEST_F(StoreTest, OnlyWhatChangedBeginsANewSpan) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  const TableBody host = HostBody("web01");
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {host, PortBody(22)})).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 2, 300, {host, PortBody(80)})).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 3, 400, {host})).ok());

  std::vector<std::string> spans;
  const auto history = store_->History(kWeb);
  ASSERT_TRUE(history.ok()) << history.status();
  for (const v1::Span& span : history->spans())
    spans.push_back(span.table() + " " + std::to_string(span.since()) + "-" +
                    std::to_string(span.until()));
  EXPECT_THAT(spans,
              ElementsAre("ports 300-400", "host 200-0", "ports 200-300"));

  EXPECT_EQ(ReadFleet({}, 199).hosts.at(0).state, -1);
  EXPECT_EQ(ReadFleet({}, 200).states.at(0)->tables.at("ports"),
            PortBody(22).digest);
  EXPECT_EQ(ReadFleet({}, 299).states.at(0)->tables.at("ports"),
            PortBody(22).digest);
  EXPECT_EQ(ReadFleet({}, 300).states.at(0)->tables.at("ports"),
            PortBody(80).digest);
  EXPECT_EQ(ReadFleet({}, 400).states.at(0)->tables.count("ports"), 0u);
  // A state of the past is known by the digest the agent gave it.
  EXPECT_EQ(ReadFleet({}, 200).states.at(0)->digest,
            StateDigest(*Update(kWeb, 1, 0, {host, PortBody(22)}).state));
}

TEST_F(StoreTest, AWrongClockNeitherTurnsHistoryBackNorReachesAhead) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  HostUpdate ahead = Update(kWeb, 1, 9000, {PortBody(1)});
  ahead.now = 500;
  HostUpdate behind = Update(kWeb, 2, 100, {PortBody(2)});
  behind.now = 600;
  ASSERT_TRUE(Commit(*store_, ahead).ok());
  ASSERT_TRUE(Commit(*store_, behind).ok());
  const auto history = store_->History(kWeb);
  ASSERT_EQ(history->spans_size(), 1) << history->DebugString();
  EXPECT_EQ(history->spans(0).since(), 500);
  EXPECT_EQ(history->spans(0).until(), 0);
  EXPECT_EQ(history->spans(0).digest(), Hex(PortBody(2).digest));
}

TEST_F(StoreTest, HostsThatLookAlikeShareOneState) {
  for (const std::string& id : {kWeb, kDb}) {
    ASSERT_TRUE(Connect(*store_, id).ok());
    ASSERT_TRUE(Commit(*store_, Update(id, 1, 200, {PortBody(22)})).ok());
  }
  const Fleet fleet = ReadFleet();
  ASSERT_EQ(fleet.hosts.size(), 2u);
  EXPECT_EQ(fleet.states.size(), 1u);
  EXPECT_EQ(fleet.hosts[0].state, 0);
  EXPECT_EQ(fleet.hosts[1].state, 0);
}

TEST_F(StoreTest, LossesAreCountedAndTold) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  HostUpdate update = Update(kWeb, 9, 200, {PortBody(22)});
  v1::Loss loss;
  loss.set_from(3);
  loss.set_to(7);
  loss.set_reason("spool full");
  loss.set_noticed(150);
  update.losses = {loss};
  ASSERT_TRUE(Commit(*store_, update).ok());
  EXPECT_EQ(store_->FindHost(kWeb)->lost_records(), 5u);
  EXPECT_EQ(store_->History(kWeb)->losses(0).reason(), "spool full");
}

TEST_F(StoreTest, LossesThatFollowEachOtherAreOneUntilTheyAreOld) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  const auto lose = [&](uint64_t from, uint64_t to, const char* reason,
                        int64_t noticed) {
    HostUpdate update = Update(kWeb, to + 1, 200, {PortBody(22)});
    v1::Loss& loss = update.losses.emplace_back();
    loss.set_from(from);
    loss.set_to(to);
    loss.set_reason(reason);
    loss.set_noticed(noticed);
    ASSERT_TRUE(Commit(*store_, update).ok());
  };
  const auto told = [&] {
    std::vector<std::string> lines;
    const auto history = store_->History(kWeb);
    for (const v1::LossEntry& loss : history->losses())
      lines.push_back(fmt::format("{}-{} {} {}", loss.from(), loss.to(),
                                  loss.reason(), loss.noticed()));
    return lines;
  };
  lose(1, 1, "disk full", 100);
  lose(2, 3, "disk full", 110);
  lose(4, 4, "damaged", 120);
  lose(6, 6, "damaged", int64_t{1} << 60);
  EXPECT_THAT(told(), ElementsAre("6-6 damaged 200", "4-4 damaged 120",
                                  "1-3 disk full 100"));
  EXPECT_EQ(store_->FindHost(kWeb)->lost_records(), 5u);
  ASSERT_TRUE(store_->Forget(120).ok());
  EXPECT_THAT(told(), ElementsAre("6-6 damaged 200", "4-4 damaged 120"));
  EXPECT_EQ(store_->FindHost(kWeb)->lost_records(), 2u);
}

TEST_F(StoreTest, LabelsSelectHosts) {
  for (const auto& [id, name] :
       {std::pair(kWeb, "web"), std::pair(kDb, "db")}) {
    ASSERT_TRUE(Connect(*store_, id).ok());
    ASSERT_TRUE(Commit(*store_, Update(id, 1, 200, {HostBody(name)})).ok());
  }
  EXPECT_THAT(
      *store_->SetLabels({kWeb, {"role=web", "site=tokyo"}, {}}, "hanako", 300),
      ElementsAre("role=web", "site=tokyo"));
  EXPECT_THAT(
      *store_->SetLabels({kDb, {"role=db", "site=tokyo"}, {}}, "hanako", 300),
      ElementsAre("role=db", "site=tokyo"));
  EXPECT_THAT(Names(""), ElementsAre("db", "web"));
  EXPECT_THAT(Names("role=web"), ElementsAre("web"));
  EXPECT_THAT(Names("site"), ElementsAre("db", "web"));
  EXPECT_THAT(Names("site=tokyo,role=db"), ElementsAre("db"));
  EXPECT_THAT(Names("role=we"), IsEmpty());
  EXPECT_THAT(Names("sit"), IsEmpty());
  EXPECT_THAT(
      *store_->SetLabels({kDb, {"role=cache"}, {"site"}}, "hanako", 300),
      ElementsAre("role=cache"));

  EXPECT_TRUE(absl::IsInvalidArgument(
      store_->ReadFleet({.selector = "a b"}, 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      store_->SetLabels({kDb, {"no value"}, {}}, "hanako", 300).status()));
  EXPECT_TRUE(absl::IsNotFound(
      store_->SetLabels({"nobody", {"a=b"}, {}}, "hanako", 300).status()));
}

TEST_F(StoreTest, ANameOfTwoHostsNeedsAnId) {
  for (const std::string& id : {kWeb, kDb}) {
    ASSERT_TRUE(Connect(*store_, id).ok());
    ASSERT_TRUE(Commit(*store_, Update(id, 1, 200, {HostBody("twin")})).ok());
  }
  const absl::Status status = store_->FindHost("twin").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(Message(status), HasSubstr(kWeb));
  EXPECT_EQ(store_->FindHost(kDb)->id(), kDb);
  EXPECT_TRUE(absl::IsNotFound(store_->ReadFleet({.host = "x"}, 0).status()));
}

TEST_F(StoreTest, AnUnknownNameIsAnsweredWithThoseThatMayBeMeant) {
  const auto said = [&](const std::string& name, int64_t at = 0) {
    return Message(store_->ReadFleet({.host = name}, at).status());
  };
  EXPECT_EQ(said("web-003"),
            "no host is called \"web-003\"; metsukectl host list shows them");
  for (int i = 0; i < 40; ++i) {
    const std::string id = fmt::format("{:08}{}", i, kWeb.substr(8));
    ASSERT_TRUE(Connect(*store_, id).ok());
    ASSERT_TRUE(
        Commit(*store_,
               Update(id, 1, 200, {HostBody(fmt::format("web-{:04}", i))}))
            .ok());
  }
  EXPECT_EQ(said("web-003"),
            "no host is called \"web-003\"; did you mean web-0003, web-0013, "
            "web-0023? metsukectl host list shows them");
  EXPECT_THAT(said("eb-0007"), HasSubstr("did you mean web-0007"));
  EXPECT_THAT(said("mail"), testing::Not(HasSubstr("did you mean")));
  EXPECT_EQ(said("web-003", 1),
            "no host called \"web-003\" was in the fleet at that time");
}

TEST_F(StoreTest, ARemovedHostIsRefusedForEver) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {PortBody(22)})).ok());
  ASSERT_TRUE(store_->RemoveHost(kWeb, 300).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Connect(*store_, kWeb).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(
      Commit(*store_, Update(kWeb, 2, 400, {PortBody(80)}))));
  EXPECT_THAT(ReadFleet().hosts, IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(store_->RemoveHost(kWeb, 500)));
  EXPECT_EQ(store_->History(kWeb)->spans_size(), 1);
}

TEST_F(StoreTest, ThePastHasTheHostsOfItsTime) {
  ASSERT_TRUE(Connect(*store_, kWeb, 100).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {HostBody("web")})).ok());
  ASSERT_TRUE(Connect(*store_, kDb, 300).ok());
  ASSERT_TRUE(Commit(*store_, Update(kDb, 1, 300, {HostBody("db")})).ok());
  ASSERT_TRUE(store_->RemoveHost(kWeb, 400).ok());
  const auto names = [&](int64_t at) {
    std::vector<std::string> names;
    for (const FleetHost& host : ReadFleet({}, at).hosts)
      names.push_back(host.entry.host());
    return names;
  };
  EXPECT_THAT(names(99), IsEmpty());
  EXPECT_THAT(names(299), ElementsAre("web"));
  EXPECT_THAT(names(399), ElementsAre("db", "web"));
  EXPECT_THAT(names(400), ElementsAre("db"));
  EXPECT_THAT(names(0), ElementsAre("db"));
  EXPECT_EQ(ReadFleet({.host = "web"}, 399).states.size(), 1u);
  EXPECT_THAT(Message(store_->ReadFleet({.host = "db"}, 299).status()),
              HasSubstr("at that time"));
}

TEST_F(StoreTest, ThePastKnowsWhoWasSilentThen) {
  constexpr int64_t kSilent = SilentAfter(300);
  const auto heard = [&](int64_t at) {
    return ReadFleet({.host = kWeb}, at).hosts.at(0).entry.last_seen();
  };
  const auto touch = [&](int64_t at) {
    store_->Touch(kWeb, at);
    ASSERT_TRUE(store_->Forget(0).ok());  // waits for its turn
  };
  ASSERT_TRUE(Connect(*store_, kWeb, 100).ok());
  EXPECT_EQ(heard(150), 0);
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {PortBody(22)})).ok());
  EXPECT_EQ(heard(199), 0);
  EXPECT_EQ(heard(200), 200);
  touch(200 + kSilent);  // just in time
  const int64_t last = 200 + kSilent, back = last + kSilent + 1;
  EXPECT_EQ(heard(back - 1), last) << "it may be silent, and it is not over";
  EXPECT_EQ(heard(0), last);
  touch(back);
  // One that is told late does not make it silent again.
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 2, back - 9, {PortBody(80)})).ok());
  EXPECT_EQ(heard(200 + kSilent / 2), 200 + kSilent / 2);
  EXPECT_EQ(heard(last), last);
  EXPECT_EQ(heard(back - 1), last);
  EXPECT_EQ(heard(back), back);
  EXPECT_EQ(heard(back + 5), back);
  const int64_t again = back + 10 * kSilent;
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 3, again, {PortBody(22)})).ok());
  EXPECT_EQ(heard(again - 1), back) << "one that looks different comes back, too";
  EXPECT_EQ(heard(0), again);
  ASSERT_TRUE(store_->Forget(back + 1).ok());
  EXPECT_EQ(heard(back - 1), back - 1);
  EXPECT_EQ(heard(again - 1), back);
}

TEST_F(StoreTest, AClockThatWasAheadHidesNoSilence) {
  constexpr int64_t kSilent = SilentAfter(300), kDay = 86400;
  const auto heard = [&](int64_t at) {
    return ReadFleet({.host = kWeb}, at).hosts.at(0).entry.last_seen();
  };
  ASSERT_TRUE(Connect(*store_, kWeb, 100).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {PortBody(22)})).ok());
  store_->Touch(kWeb, 500 + kDay);
  ASSERT_TRUE(store_->Forget(0).ok());  // waits for its turn
  EXPECT_TRUE(IsSilent(heard(0), 800, 300)) << "it may never come back";
  for (const int64_t at : {800, 1100}) store_->Touch(kWeb, at);
  ASSERT_TRUE(store_->Forget(0).ok());
  EXPECT_FALSE(IsSilent(heard(0), 1100, 300));
  EXPECT_EQ(heard(0), 1100);
  EXPECT_EQ(heard(1099), 1099) << "it was there all the time";
  // A little late is no other clock.
  store_->Touch(kWeb, 1100 - kSilent);
  ASSERT_TRUE(store_->Forget(0).ok());
  EXPECT_EQ(heard(0), 1100);
  store_->Touch(kWeb, 1101 + kSilent);
  ASSERT_TRUE(store_->Forget(0).ok());
  EXPECT_EQ(heard(1100 + kSilent), 1100) << "silence is seen again";
  // When it came back in this time is not known.
  const int64_t last = 1101 + kSilent, back = last + 5 * kSilent;
  for (const int64_t at : {back + kDay, back}) store_->Touch(kWeb, at);
  ASSERT_TRUE(store_->Forget(0).ok());
  EXPECT_EQ(heard(back - 1), last);
  EXPECT_EQ(heard(back + 1), back);
}

// As one that is started before its clock is set.
TEST_F(StoreTest, AListenerThatBeganByAClockThatWasAheadHearsSilence) {
  constexpr int64_t kSilent = SilentAfter(300), kDay = 86400;
  for (const std::string& host : {kWeb, kDb}) {
    ASSERT_TRUE(Connect(*store_, host, 100).ok());
    ASSERT_TRUE(Commit(*store_, Update(host, 1, 200, {PortBody(22)})).ok());
  }
  store_->Touch(kDb, 300 + kDay);
  ASSERT_TRUE(store_->RemoveHost(kDb, 400).ok());
  store_.reset();
  store_ = *OpenSqliteStore(folder_, {.after = kSilent, .listening = 500 + kDay});
  const int64_t back = 600 + 2 * kSilent;
  for (const int64_t at : {int64_t{600}, back}) store_->Touch(kWeb, at);
  ASSERT_TRUE(store_->Forget(0).ok());
  const auto heard = [&](int64_t at) {
    return ReadFleet({.host = kWeb}, at).hosts.at(0).entry.last_seen();
  };
  EXPECT_EQ(heard(500), 500) << "what a removed host left ends nobody's time";
  EXPECT_EQ(heard(back - 1), 600);
}

TEST_F(StoreTest, ASilenceOfTheListenerIsNoHosts) {
  constexpr int64_t kSilent = SilentAfter(300), kBack = 200 + 9 * kSilent;
  const std::string off = "33333333-3333-4333-8333-333333333333";
  for (const std::string& host : {kWeb, kDb, off}) {
    ASSERT_TRUE(Connect(*store_, host, 100).ok());
    ASSERT_TRUE(Commit(*store_, Update(host, 1, 200, {PortBody(22)})).ok());
  }
  constexpr int64_t kStopped = 200 + kSilent + 1;
  for (const std::string& host : {kWeb, kDb})
    for (const int64_t at : {int64_t{700}, kStopped}) store_->Touch(host, at);
  store_.reset();
  store_ = *OpenSqliteStore(folder_, {.after = kSilent, .listening = kBack});
  store_->Touch(kWeb, kBack + kSilent);
  store_->Touch(off, kBack + 1);
  store_->Touch(kDb, kBack + kSilent + 1);
  ASSERT_TRUE(store_->Forget(0).ok());
  const auto heard = [&](const std::string& host, int64_t at) {
    return ReadFleet({.host = host}, at).hosts.at(0).entry.last_seen();
  };
  EXPECT_EQ(heard(kWeb, kBack), kBack);
  EXPECT_EQ(heard(kDb, kBack), kStopped) << "it had its time to come back";
  EXPECT_EQ(heard(off, kStopped), 200) << "it was silent before";
  EXPECT_EQ(heard(off, kBack), 200);
}

TEST_F(StoreTest, WhatEndedLongAgoIsForgottenWithItsBodies) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {PortBody(22)})).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 2, 300, {PortBody(80)})).ok());
  ASSERT_TRUE(Connect(*store_, kDb).ok());
  ASSERT_TRUE(
      Commit(*store_, Update(kDb, 1, 200, {PortBody(80), HostBody("db")})).ok());
  ASSERT_TRUE(store_->RemoveHost(kDb, 350).ok());
  ASSERT_TRUE(store_->Forget(300).ok());
  EXPECT_TRUE(store_->Body(PortBody(22).digest).ok());
  EXPECT_EQ(ReadFleet({}, 349).hosts.size(), 2u);
  ASSERT_TRUE(store_->Forget(301).ok());
  EXPECT_TRUE(absl::IsNotFound(store_->Body(PortBody(22).digest).status()));
  EXPECT_EQ(store_->History(kWeb)->spans_size(), 1);
  EXPECT_EQ(ReadFleet({.host = "db"}, 349).states.size(), 1u);
  ASSERT_TRUE(store_->Forget(351).ok());
  EXPECT_TRUE(absl::IsNotFound(store_->Body(HostBody("db").digest).status()));
  EXPECT_TRUE(store_->Body(PortBody(80).digest).ok());
  EXPECT_EQ(ReadFleet().states.at(0)->tables.at("ports"), PortBody(80).digest);
  EXPECT_TRUE(absl::IsPermissionDenied(Connect(*store_, kDb).status()));
  // And it is taken anew when it comes back.
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 3, 400, {PortBody(22)})).ok());
  EXPECT_EQ(ReadFleet().states.at(0)->tables.at("ports"), PortBody(22).digest);
}

TEST_F(StoreTest, AHostHasABoundedNumberOfStreams) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  const auto stream = [](int i) {
    return std::string(15, 's') + static_cast<char>(i);
  };
  for (int i = 0; i < 40; ++i) {
    HostUpdate update = Update(kWeb, 1, 200 + i, {PortBody(22)});
    update.stream = stream(i);
    if (i == 3) update.seq = 7;
    ASSERT_TRUE(Commit(*store_, update).ok());
    if (i != 10 && i != 30) continue;
    update.stream = stream(5);  // it is still in use
    update.seq = static_cast<uint64_t>(i);
    ASSERT_TRUE(Commit(*store_, update).ok());
  }
  int known = 0;
  for (int i = 0; i < 40; ++i) {
    std::promise<uint64_t> promise;
    store_->Connect({.host = kWeb, .stream = stream(i), .version = "",
                     .now = 100},
                    [&](absl::StatusOr<Standing> standing) {
                      promise.set_value(standing->acknowledged);
                    });
    const uint64_t acknowledged = promise.get_future().get();
    known += acknowledged > 0;
    if (i == 3) {
      EXPECT_EQ(acknowledged, 0u);
    }
    if (i == 5) {
      EXPECT_EQ(acknowledged, 30u);
    }
    if (i == 39) {
      EXPECT_EQ(acknowledged, 1u);
    }
  }
  EXPECT_EQ(known, 16);
}

TEST_F(StoreTest, TheLastBaselineAppliedIsInForce) {
  EXPECT_FALSE(store_->ActiveBaseline()->has_value());
  v1::BaselineFile file;
  file.set_name("linux.yaml");
  file.set_yaml("controls: []");
  for (const auto& [version, applied] : {std::pair("v1", 10), {"v2", 20}})
    ASSERT_TRUE(store_
                    ->PutBaseline({.version = version,
                                   .by = "aiko",
                                   .applied = applied,
                                   .files = {file}})
                    .ok());
  EXPECT_EQ((*store_->ActiveBaseline())->version, "v2");
  ASSERT_TRUE(
      store_->PutBaseline({.version = "v1", .by = "ken", .applied = 30}).ok());
  const auto active = store_->ActiveBaseline();
  EXPECT_EQ((*active)->version, "v1");
  EXPECT_EQ((*active)->by, "ken");
  EXPECT_EQ((*active)->applied, 30);
  EXPECT_EQ((*active)->files.at(0).yaml(), "controls: []");
}

TEST_F(StoreTest, NobodyElseMayReadTheDatabase) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  for (const char* name : {"/metsuke.db", "/metsuke.db-wal"})
    EXPECT_EQ(boost::filesystem::status(folder_ + name).permissions(),
              boost::filesystem::owner_read | boost::filesystem::owner_write)
        << name;
}

TEST_F(StoreTest, OneProcessAtATimeHasTheFolder) {
  const auto second = OpenSqliteStore(folder_);
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(Message(second.status()), HasSubstr("another"));
}

TableBody KnockBody(const std::string& methods) {
  v1::Snapshot snapshot;
  snapshot.add_ssh_endpoints_outside()->set_methods(methods);
  return MakeBody(
      "ssh_endpoints_outside",
      CanonicalTable(snapshot, TableField("ssh_endpoints_outside")));
}

TableBody SourcesBody(const std::string& network) {
  v1::Registers rows;
  if (!network.empty()) rows.add_admin_sources()->set_network(network);
  return MakeBody("admin_sources",
                  CanonicalTable(rows, RegisterField("admin_sources")));
}

TEST_F(StoreTest, ARegisterIsKeptWithItsTimesAndWhoChangedIt) {
  EXPECT_THAT(*store_->Registers(0), IsEmpty());
  const auto put = [&](const TableBody& body, const std::string& by,
                       int64_t now) {
    const absl::Status status = store_->PutRegisters({{body}, {}, by, now});
    EXPECT_TRUE(status.ok()) << status;
  };
  const TableBody one = SourcesBody("192.0.2.1"), none = SourcesBody("");
  put(one, "hanako", 100);
  put(one, "jiro", 150);  // as it was
  put(none, "taro", 200);
  put(one, "jiro", 200);  // within the second
  put(none, "taro", 50);  // and with a clock that was set back
  const auto times = store_->RegisterHistory("admin_sources");
  ASSERT_TRUE(times.ok()) << times.status();
  std::vector<std::string> told;
  for (const RegisterTime& time : *times)
    told.push_back(fmt::format("{}-{} {}", time.since, time.until, time.by));
  EXPECT_THAT(told, ElementsAre("202-0 taro", "201-202 jiro", "200-201 taro",
                                "100-200 hanako"));
  EXPECT_THAT(*store_->Registers(99), IsEmpty());
  EXPECT_EQ(store_->Registers(100)->at(0).digest, one.digest);
  EXPECT_EQ(store_->Registers(199)->at(0).digest, one.digest);
  EXPECT_EQ(store_->Registers(200)->at(0).digest, none.digest);
  EXPECT_EQ(store_->Registers(0)->at(0).by, "taro");
  // It is not forgotten, whatever is.
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {HostBody("a")})).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 2, 300, {HostBody("b")})).ok());
  ASSERT_TRUE(store_->Forget(100000).ok());
  EXPECT_TRUE(store_->Body(one.digest).ok());
  EXPECT_EQ(*store_->Body(none.digest), "");
  EXPECT_EQ(store_->RegisterHistory("admin_sources")->size(), 4u);
  EXPECT_TRUE(absl::IsNotFound(store_->RegisterHistory("x").status()));
}

TEST_F(StoreTest, RegistersAndLabelsChangeTogetherOrNotAtAll) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  RegisterUpdate update{{SourcesBody("192.0.2.1")},
                        {{kWeb, {"role=web"}, {}}, {"nobody", {"a=b"}, {}}},
                        "hanako",
                        100};
  EXPECT_FALSE(store_->PutRegisters(update).ok());
  EXPECT_THAT(*store_->Registers(0), IsEmpty());
  EXPECT_THAT(store_->FindHost(kWeb)->labels(), IsEmpty());
  update.labels.pop_back();
  EXPECT_TRUE(store_->PutRegisters(update).ok());
  EXPECT_THAT(store_->FindHost(kWeb)->labels(), ElementsAre("role=web"));
}

TEST_F(StoreTest, LabelsAreATableOfTheirHostWithAHistory) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {HostBody("web")})).ok());
  EXPECT_EQ(ReadFleet().states.at(0)->tables.at("labels"), Sha256(""))
      << "that nobody labelled it is known";
  ASSERT_TRUE(
      store_->SetLabels({kWeb, {"owner=花子"}, {}}, "hanako", 300).ok());
  ASSERT_TRUE(store_->SetLabels({kWeb, {"owner=花子"}, {}}, "jiro", 350).ok());
  ASSERT_TRUE(
      store_->SetLabels({kWeb, {"role=web"}, {"owner"}}, "taro", 400).ok());
  const auto labels = [&](int64_t at) {
    const Fleet fleet = *store_->ReadFleet({}, at);
    v1::Snapshot rows;
    rows.ParseFromString(*store_->Body(
        fleet.states.at(fleet.hosts.at(0).state)->tables.at("labels")));
    std::string text;
    for (const v1::Label& label : rows.labels())
      text += label.key() + "=" + label.value();
    return text;
  };
  EXPECT_EQ(labels(250), "");
  EXPECT_EQ(labels(300), "owner=花子");
  EXPECT_EQ(labels(0), "role=web");
  std::vector<std::string> told;
  const v1::HistoryReply history = *store_->History(kWeb);
  for (const v1::Span& span : history.spans())
    if (span.table() == "labels")
      told.push_back(fmt::format("{} {}", span.since(), span.by()));
  EXPECT_THAT(told, ElementsAre("400 taro", "300 hanako"));
  // What the controller saw of the host and what people say of it are apart.
  ASSERT_TRUE(store_->Observe({kWeb, 500, {KnockBody("none")}}).ok());
  ASSERT_TRUE(store_->ExpireObservations(1000, 2000).ok());
  EXPECT_EQ(labels(0), "role=web");
  EXPECT_EQ(ReadFleet().states.at(0)->tables.count("ssh_endpoints_outside"), 0u);
}

TEST_F(StoreTest, LabelsAreTextWithoutWhatSelectorsMean) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  for (const char* label : {"owner=a,b", "owner=a=b", "owner=a\n", "owner= a",
                            "ow ner=a", "所有者=a", "owner=\u202Ea"})
    EXPECT_TRUE(absl::IsInvalidArgument(
        store_->SetLabels({kWeb, {label}, {}}, "hanako", 300).status()))
        << label;
  const std::string longest(63, 'k');
  EXPECT_TRUE(absl::IsInvalidArgument(
      store_->SetLabels({kWeb, {longest + "k=v"}, {}}, "hanako", 300)
          .status()));
  EXPECT_TRUE(
      store_->SetLabels({kWeb, {longest + "=v"}, {}}, "hanako", 300).ok());
  EXPECT_TRUE(store_->SetLabels({kWeb, {}, {longest}}, "hanako", 300).ok());
  EXPECT_THAT(*store_->SetLabels({kWeb, {"owner=田中 花子", "note="}, {}},
                                 "hanako", 300),
              ElementsAre("note=", "owner=田中 花子"));
  EXPECT_EQ(store_->ReadFleet({.selector = "owner=田中 花子"}, 0)->hosts.size(),
            1u);
}

TEST_F(StoreTest, ADatabaseOfTheFourthVersionGetsItsLabelsAsTables) {
  for (const std::string& id : {kWeb, kDb})
    ASSERT_TRUE(Connect(*store_, id).ok());
  store_.reset();
  // Of a host that is gone nothing is made.
  RunSql(folder_, ("INSERT INTO label VALUES('" + kWeb +
                   "', 'role', 'web');"
                   "INSERT INTO label VALUES('" + kDb +
                   "', 'role', 'db');"
                   "UPDATE host SET removed = 4000000000 WHERE id = '" + kDb +
                   "';"
                   "DROP TABLE register;"
                   "DROP TABLE report; DROP TABLE finding; DROP TABLE behind;"
         "DROP TABLE horizon; ALTER TABLE loss DROP COLUMN stored;"
         "DROP TABLE report_part; DROP TABLE delivery; DROP TABLE silence;"
                   "ALTER TABLE span DROP COLUMN by;"
                   "PRAGMA user_version = 4")
                      .c_str());
  Open();
  const Fleet fleet = ReadFleet();
  ASSERT_EQ(fleet.hosts.size(), 1u);
  ASSERT_EQ(fleet.states.size(), 1u);
  const Fleet before = *store_->ReadFleet({}, 3'999'999'999);
  ASSERT_EQ(before.hosts.size(), 2u);
  size_t labelled = 0;
  for (const auto& state : before.states) labelled += state->tables.count("labels");
  EXPECT_EQ(labelled, 1u);
  v1::Snapshot rows;
  rows.ParseFromString(*store_->Body(fleet.states[0]->tables.at("labels")));
  EXPECT_EQ(rows.labels(0).value(), "web");
  EXPECT_EQ(store_->History(kWeb)->spans(0).table(), "labels");
  EXPECT_TRUE(
      store_->PutRegisters({{SourcesBody("192.0.2.1")}, {}, "hanako", 1}).ok());
  EXPECT_TRUE(store_->SetLabels({kWeb, {"a=b"}, {}}, "hanako", 300).ok());
}

TEST_F(StoreTest, ADatabaseWithReportsLearnsWhereTheyGo) {
  v1::ReportEntry entry;
  entry.set_day("2026-11-23");
  entry.set_to(100);
  ASSERT_TRUE(store_->PutReport({.entry = entry, .bytes = "report"}).ok());
  store_.reset();
  RunSql(folder_,
         "DROP TABLE report_part; DROP TABLE delivery; DROP TABLE silence;"
         "PRAGMA user_version = 6");
  Open();
  EXPECT_EQ(*store_->ReadReport("2026-11-23", ""), "report");
  v1::Delivery delivery;
  delivery.set_day("2026-11-23");
  delivery.set_recipient("ops");
  delivery.set_next(5);
  ASSERT_TRUE(
      store_->PutDeliveries({delivery}, "2026-11-23", {{"a=b", "part"}}).ok());
  EXPECT_EQ(*store_->ReadReport("2026-11-23", "a=b"), "part");
  EXPECT_THAT(*store_->DueDeliveries(4), IsEmpty());
  EXPECT_EQ(store_->DueDeliveries(5)->size(), 1u);
  delivery.set_queued(1);
  EXPECT_TRUE(absl::IsNotFound(store_->UpdateDelivery(delivery)));
}

TEST_F(StoreTest, ADatabaseOfTheSeventhVersionRemembersSilencesFromNowOn) {
  ASSERT_TRUE(Connect(*store_, kWeb, 100).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {PortBody(22)})).ok());
  store_.reset();
  RunSql(folder_, "DROP TABLE silence; PRAGMA user_version = 7");
  Open();
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 2, 9000, {PortBody(80)})).ok());
  EXPECT_EQ(ReadFleet({}, 8999).hosts.at(0).entry.last_seen(), 200);
}

TEST_F(StoreTest, ADatabaseOfANewerProgramIsLeftAlone) {
  store_.reset();
  RunSql(folder_, "PRAGMA user_version = 9");
  const absl::Status status = OpenSqliteStore(folder_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("newer"));
}

TEST_F(StoreTest, WhatTheControllerSawIsPartOfAHostsStateAndHistory) {
  const TableBody first = KnockBody("password"), second = KnockBody("publickey");
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {HostBody("web")})).ok());
  ASSERT_TRUE(store_->Observe({kWeb, 300, {first}}).ok());
  // The agent's next state does not end it, nor is it told of the other's.
  const auto update = Update(kWeb, 2, 400, {HostBody("web"), PortBody(22)});
  ASSERT_TRUE(Commit(*store_, update).ok());
  EXPECT_EQ(Connect(*store_, kWeb)->state, StateDigest(*update.state));
  ASSERT_TRUE(store_->Observe({kWeb, 500, {second}}).ok());
  ASSERT_TRUE(store_->Observe({kWeb, 600, {second}}).ok());
  store_.reset();
  Open();  // all of it is on disk

  const auto tables = [&](int64_t at) {
    const Fleet fleet = ReadFleet({}, at);
    return fleet.states.at(fleet.hosts.at(0).state)->tables;
  };
  EXPECT_EQ(tables(0).at("ssh_endpoints_outside"), second.digest);
  EXPECT_EQ(tables(0).at("ports"), PortBody(22).digest);
  EXPECT_EQ(tables(450).at("ssh_endpoints_outside"), first.digest);
  EXPECT_EQ(tables(350).count("ports"), 0u);
  EXPECT_EQ(tables(350).at("ssh_endpoints_outside"), first.digest);
  EXPECT_EQ(tables(250).count("ssh_endpoints_outside"), 0u);
  std::vector<std::string> spans;
  const auto history = store_->History(kWeb);
  for (const v1::Span& span : history->spans())
    if (span.table() == "ssh_endpoints_outside")
      spans.push_back(fmt::format("{}-{}", span.since(), span.until()));
  EXPECT_THAT(spans, ElementsAre("500-0", "300-500"));
  // What is in use is kept, what ended is forgotten.
  ASSERT_TRUE(store_->Forget(550).ok());
  EXPECT_TRUE(store_->Body(second.digest).ok());
  EXPECT_TRUE(absl::IsNotFound(store_->Body(first.digest).status()));
  EXPECT_EQ(tables(0).at("ssh_endpoints_outside"), second.digest);
}

TEST_F(StoreTest, TheControllerSpeaksForItselfAloneAndOfHostsItKnows) {
  EXPECT_TRUE(
      absl::IsNotFound(store_->Observe({kWeb, 300, {KnockBody("none")}})));
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  EXPECT_TRUE(
      absl::IsInvalidArgument(store_->Observe({kWeb, 300, {PortBody(22)}})));
  EXPECT_EQ(ReadFleet().hosts.at(0).state, -1);
  ASSERT_TRUE(store_->RemoveHost(kWeb, 400).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(
      store_->Observe({kWeb, 500, {KnockBody("none")}})));
}

TEST_F(StoreTest, HostsThatSayTheSameAndWereSeenToDifferAreApart) {
  for (const std::string& id : {kWeb, kDb}) {
    ASSERT_TRUE(Connect(*store_, id).ok());
    ASSERT_TRUE(Commit(*store_, Update(id, 1, 200, {PortBody(22)})).ok());
  }
  ASSERT_TRUE(store_->Observe({kWeb, 300, {KnockBody("password")}}).ok());
  ASSERT_TRUE(store_->Observe({kDb, 300, {KnockBody("publickey")}}).ok());
  const Fleet fleet = ReadFleet();
  std::set<std::string> seen, digests;
  for (const FleetHost& host : fleet.hosts) {
    const HostState& state = *fleet.states.at(host.state);
    seen.insert(state.tables.at("ssh_endpoints_outside"));
    digests.insert(state.digest);
  }
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(digests.size(), 2u);
}

TEST_F(StoreTest, WhatTheControllerSawIsShownOfAHostThatSaidNothing) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  const TableBody knock = KnockBody("password");
  ASSERT_TRUE(store_->Observe({kWeb, 300, {knock}}).ok());
  const Fleet fleet = ReadFleet();
  ASSERT_EQ(fleet.hosts.at(0).state, 0);
  EXPECT_EQ(fleet.states.at(0)->tables.at("ssh_endpoints_outside"),
            knock.digest);
}

TEST_F(StoreTest, WhatTheControllerSawDoesNotRunBackwards) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(store_->Observe({kWeb, 300, {KnockBody("password")}}).ok());
  ASSERT_TRUE(store_->Observe({kWeb, 250, {KnockBody("publickey")}}).ok());
  std::vector<std::string> spans;
  const auto history = store_->History(kWeb);
  for (const v1::Span& span : history->spans())
    spans.push_back(fmt::format("{}-{}", span.since(), span.until()));
  EXPECT_THAT(spans, ElementsAre("300-0"));
}

// As the first program wrote it.
TEST_F(StoreTest, ADatabaseOfTheFirstVersionIsBroughtUpToDate) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {HostBody("web")})).ok());
  store_.reset();
  RunSql(folder_,
         "ALTER TABLE host DROP COLUMN seen;"
         "ALTER TABLE host DROP COLUMN seen_since;"
         "ALTER TABLE host DROP COLUMN last_knock;"
         "ALTER TABLE host DROP COLUMN knocked_for;"
         "ALTER TABLE host DROP COLUMN knock_address;"
         "ALTER TABLE host DROP COLUMN address;"
         "ALTER TABLE stream DROP COLUMN used;"
         "DROP TABLE event;"
         "DROP TABLE register;"
         "DROP TABLE report; DROP TABLE finding; DROP TABLE behind;"
         "DROP TABLE horizon; ALTER TABLE loss DROP COLUMN stored;"
         "DROP TABLE report_part; DROP TABLE delivery; DROP TABLE silence;"
         "ALTER TABLE span DROP COLUMN by;"
         "PRAGMA user_version = 1");
  Open();
  EXPECT_EQ(ReadFleet().hosts.at(0).entry.host(), "web");
  EXPECT_TRUE(store_->Observe({kWeb, 300, {KnockBody("none")}}).ok());
  store_.reset();
  Open();
  EXPECT_EQ(ReadFleet().states.at(0)->tables.count("ssh_endpoints_outside"), 1u);
}

TEST_F(StoreTest, ADatabaseOfTheSecondVersionIsBroughtUpToDate) {
  for (const std::string& id : {kWeb, kDb})
    ASSERT_TRUE(Connect(*store_, id).ok());
  ASSERT_TRUE(store_->Observe({kWeb, 300, {KnockBody("none")}}).ok());
  store_.reset();
  RunSql(folder_,
         "ALTER TABLE host DROP COLUMN last_knock;"
         "ALTER TABLE host DROP COLUMN knocked_for;"
         "ALTER TABLE host DROP COLUMN knock_address;"
         "ALTER TABLE host DROP COLUMN address;"
         "ALTER TABLE stream DROP COLUMN used;"
         "DROP TABLE event;"
         "DROP TABLE register;"
         "DROP TABLE report; DROP TABLE finding; DROP TABLE behind;"
         "DROP TABLE horizon; ALTER TABLE loss DROP COLUMN stored;"
         "DROP TABLE report_part; DROP TABLE delivery; DROP TABLE silence;"
         "ALTER TABLE span DROP COLUMN by;"
         "PRAGMA user_version = 2");
  Open();
  EXPECT_NEAR(store_->FindHost(kWeb)->last_knock(), std::time(nullptr), 60);
  EXPECT_EQ(store_->FindHost(kDb)->last_knock(), 0);
}

constexpr int64_t kDay = 86400, kNow = 100 * kDay + 5000;

HostUpdate Login(const std::string& host, uint64_t seq, int64_t time,
                 const std::string& account, const std::string& from,
                 const std::string& method = "publickey") {
  HostUpdate update{.host = host, .stream = kStream, .seq = seq, .now = kNow};
  v1::Event& event = update.events.emplace_back();
  event.set_time(time);
  event.set_kind("login");
  event.set_service("ssh");
  event.set_account(account);
  event.set_from(from);
  event.set_method(method);
  event.set_source("journal");
  event.set_id(Sha256(std::to_string(seq)).substr(0, 16));
  event.set_count(1);
  return update;
}

HostUpdate AgentSays(uint64_t seq, const std::string& detail) {
  HostUpdate update = Login(kWeb, seq, kNow, "", "");
  update.events[0].set_kind("recorder");
  update.events[0].set_source("agent");
  update.events[0].set_detail(detail);
  return update;
}

TEST_F(StoreTest, LoginsMakeATableOfWhereTheyCameFrom) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  const auto rows = [&]() -> std::vector<std::string> {
    const Fleet fleet = ReadFleet();
    if (fleet.hosts.at(0).state < 0) return {"no table"};
    const auto& tables = fleet.states.at(fleet.hosts.at(0).state)->tables;
    if (!tables.contains("login_sources")) return {"no table"};
    v1::Snapshot snapshot;
    EXPECT_TRUE(
        snapshot.ParseFromString(*store_->Body(tables.at("login_sources"))));
    std::vector<std::string> lines;
    for (const v1::LoginSource& row : snapshot.login_sources())
      lines.push_back(fmt::format("{} {} {} {}", row.account(), row.from(),
                                  row.method(), row.last() / kDay));
    return lines;
  };
  EXPECT_THAT(rows(), ElementsAre("no table"));
  ASSERT_TRUE(Commit(*store_, Login(kWeb, 1, kNow, "bob", "192.0.2.1")).ok());
  ASSERT_TRUE(Commit(*store_, Login(kWeb, 2, kNow - 29 * kDay, "alice",
                                    "192.0.2.1", "password")).ok());
  ASSERT_TRUE(Commit(*store_, Login(kWeb, 3, kNow - kDay, "alice", "192.0.2.1"))
                  .ok());
  // Too long ago, and by a clock that is ahead.
  ASSERT_TRUE(Commit(*store_, Login(kWeb, 4, kNow - 40 * kDay, "carol", "x")).ok());
  ASSERT_TRUE(Commit(*store_, Login(kWeb, 5, kNow + 9 * kDay, "dave", "y")).ok());
  const std::vector<std::string> known = {"alice 192.0.2.1 password 71",
                                          "alice 192.0.2.1 publickey 99",
                                          "bob 192.0.2.1 publickey 100",
                                          "dave y publickey 100"};
  EXPECT_EQ(rows(), known);
  // What the controller saw goes, and this does not.
  ASSERT_TRUE(store_->Observe({kWeb, kNow, {KnockBody("password")}}).ok());
  ASSERT_TRUE(store_->ExpireObservations(kNow + 1, kNow + 1).ok());
  EXPECT_EQ(rows(), known);
  ASSERT_TRUE(store_->ExpireObservations(kNow + 2, kNow + 2).ok());
  EXPECT_EQ(rows(), known);
  // Not having read must not read as nobody having come.
  ASSERT_TRUE(Commit(*store_, AgentSays(6, "events cannot be read: x")).ok());
  EXPECT_THAT(rows(), ElementsAre("no table"));
  ASSERT_TRUE(Commit(*store_, AgentSays(7, "events can be read again")).ok());
  EXPECT_EQ(rows(), known);
  // The agent alone can say that.
  HostUpdate forged = AgentSays(8, "events cannot be read: x");
  forged.events[0].set_source("journal");
  ASSERT_TRUE(Commit(*store_, forged).ok());
  EXPECT_EQ(rows(), known);
}

HostUpdate Happened(const std::string& host, uint64_t seq,
                    const std::vector<std::pair<int64_t, std::string>>& events,
                    uint64_t count = 1) {
  HostUpdate update{.host = host, .stream = kStream, .seq = seq, .now = 900};
  for (const auto& [time, account] : events) {
    v1::Event& event = update.events.emplace_back();
    event.set_time(time);
    event.set_account(account);
    event.set_count(count);
    event.set_id(Sha256(account).substr(0, 16));
  }
  return update;
}

// The events of a host as "time account count".
std::vector<std::string> EventsOf(Store& store, const std::string& host,
                                  const EventFilter& filter = {}) {
  std::vector<std::string> lines;
  const auto read = store.VisitEvents(host, filter, [&](const v1::Event& event) {
    lines.push_back(fmt::format("{} {} {}", event.time(), event.account(),
                                event.count()));
    return true;
  });
  EXPECT_TRUE(read.ok()) << read;
  return lines;
}

// How collectors fared: `table` as it says, with a gap when `gap` is not empty.
std::vector<TableBody> About(const std::string& table, const std::string& status,
                             const std::string& gap = "") {
  v1::Snapshot fared, gaps;
  fared.add_collections()->set_table(table);
  fared.mutable_collections(0)->set_status(status);
  if (!gap.empty()) {
    gaps.add_gaps()->set_table(table);
    gaps.mutable_gaps(0)->set_subject(gap);
  }
  return {MakeBody("collections",
                   CanonicalTable(fared, TableField("collections"))),
          MakeBody("gaps", CanonicalTable(gaps, TableField("gaps")))};
}

TEST_F(StoreTest, WhatChangedInATableHappened) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  uint64_t seq = 0;
  const auto look = [&](const std::string& account, const std::string& status,
                        const std::string& gap = "") {
    std::vector<TableBody> bodies = About("accounts", status, gap);
    bodies.push_back(account.empty() ? MakeBody("accounts", "")
                                     : AccountBody(account));
    ++seq;
    ASSERT_TRUE(Commit(*store_, Update(kWeb, seq, static_cast<int64_t>(seq) * 100,
                                       bodies)).ok());
  };
  look("alice", "ok");
  EXPECT_THAT(EventsOf(*store_, kWeb), ElementsAre()) << "the first look";
  look("bob", "ok");
  const std::vector<std::string> told = {"200 alice 1", "200 bob 1"};
  EXPECT_THAT(EventsOf(*store_, kWeb), UnorderedElementsAreArray(told));
  // What could not be seen has not gone, and has not come when it can be again;
  // that it may have is said.
  look("", "permission_denied");
  EXPECT_THAT(EventsOf(*store_, kWeb), UnorderedElementsAreArray(told));
  look("bob", "ok");
  EXPECT_THAT(EventsOf(*store_, kWeb, {.since = 300}), ElementsAre("400  1"));
  look("carol", "ok", "/etc/passwd");
  EXPECT_THAT(EventsOf(*store_, kWeb, {.since = 500}), ElementsAre("500  1"));
  // What is seen in part is compared with the same part.
  look("dave", "ok", "/etc/passwd");
  EXPECT_THAT(EventsOf(*store_, kWeb, {.since = 600}),
              UnorderedElementsAre("600 carol 1", "600 dave 1"));
  look("", "absent", "/etc/passwd");
  EXPECT_THAT(EventsOf(*store_, kWeb, {.since = 700}), ElementsAre("700 dave 1"));
}

// A gap that came or went leaves open what else changed, and not that.
TEST_F(StoreTest, TheClearingOfALogHappenedWhateverElseWasSeen) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  uint64_t seq = 0;
  const auto look = [&](const std::string& reason, const std::string& gap) {
    v1::Snapshot rows;
    v1::LogGap& row = *rows.add_log_gaps();
    row.set_source("auth");
    row.set_path("/var/log/auth.log");
    row.set_reason(reason);
    std::vector<TableBody> bodies = About("log_gaps", "ok", gap);
    bodies.push_back(
        MakeBody("log_gaps", CanonicalTable(rows, TableField("log_gaps"))));
    ++seq;
    ASSERT_TRUE(Commit(*store_, Update(kWeb, seq, static_cast<int64_t>(seq) * 100,
                                       bodies)).ok());
  };
  look("nothing for 9 hours", "");
  look("cleared: was emptied", "/var/log/journal");
  std::vector<std::string> details;
  ASSERT_TRUE(store_
                  ->VisitEvents(kWeb, {},
                                [&](const v1::Event& event) {
                                  details.push_back(event.detail());
                                  return true;
                                })
                  .ok());
  EXPECT_THAT(details, ElementsAre(testing::HasSubstr("was emptied")));
}

TEST_F(StoreTest, AColumnThatCameWithAnUpgradeIsNothingThatHappened) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  uint64_t seq = 0;
  // The column `home` has number 5.
  const auto look = [&](uint32_t columns, const std::string& home) {
    v1::Snapshot rows;
    v1::Collection& fared = *rows.add_collections();
    fared.set_table("accounts");
    fared.set_status("ok");
    fared.set_columns(columns);
    rows.add_accounts()->set_name("alice");
    rows.mutable_accounts(0)->set_home(home);
    std::vector<TableBody> bodies;
    for (const char* table : {"collections", "accounts"})
      bodies.push_back(
          MakeBody(table, CanonicalTable(rows, TableField(table))));
    ++seq;
    ASSERT_TRUE(Commit(*store_, Update(kWeb, seq, static_cast<int64_t>(seq) * 100,
                                       bodies)).ok());
  };
  look(4, "");
  look(30, "/home/alice");
  EXPECT_THAT(EventsOf(*store_, kWeb), ElementsAre());
  look(30, "/tmp");
  EXPECT_THAT(EventsOf(*store_, kWeb), ElementsAre("300 alice 1"));
  look(4, "");
  EXPECT_THAT(EventsOf(*store_, kWeb), ElementsAre("300 alice 1"));
}

TEST_F(StoreTest, KeepsAnEventOnceHoweverOftenItComes) {
  for (const std::string& id : {kWeb, kDb})
    ASSERT_TRUE(Connect(*store_, id).ok());
  ASSERT_TRUE(Commit(*store_, Happened(kWeb, 1, {{20, "bob"}, {10, "alice"}})).ok());
  ASSERT_TRUE(Commit(*store_, Happened(kWeb, 1, {{30, "carol"}})).ok());
  ASSERT_TRUE(Commit(*store_, Happened(kWeb, 2, {{10, "alice"}})).ok());
  ASSERT_TRUE(Commit(*store_, Happened(kDb, 1, {{10, "alice"}})).ok());
  store_.reset();
  Open();
  EXPECT_THAT(EventsOf(*store_, kWeb), ElementsAre("10 alice 1", "20 bob 1"));
  EXPECT_THAT(EventsOf(*store_, kDb), ElementsAre("10 alice 1"));
  EXPECT_THAT(EventsOf(*store_, kWeb, {.since = 10, .until = 20}),
              ElementsAre("10 alice 1"));
  EXPECT_THAT(EventsOf(*store_, kWeb, {.since = 11}), ElementsAre("20 bob 1"));
}

TEST_F(StoreTest, HandsOutEventsPageByPageAndOfSomeKindsInOrder) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  HostUpdate update = Happened(kWeb, 1, {});
  for (int i = 0; i < 2500; ++i) {
    v1::Event& event = update.events.emplace_back();
    event.set_time(100 + i / 3);
    event.set_id(Sha256(std::to_string(i)).substr(0, 16));
    event.set_kind(i % 2 == 0 ? "login" : i % 5 == 0 ? "logout" : "group");
    event.set_count(1);
  }
  ASSERT_TRUE(Commit(*store_, update).ok());
  const auto count = [&](const EventFilter& filter, int most = 1 << 20) {
    std::set<std::string> ids;
    int64_t last = 0;
    const auto read = store_->VisitEvents(kWeb, filter, [&](const v1::Event& event) {
      EXPECT_LE(last, event.time());
      last = event.time();
      EXPECT_TRUE(ids.insert(event.id()).second);
      return static_cast<int>(ids.size()) < most;
    });
    EXPECT_TRUE(read.ok()) << read;
    return ids.size();
  };
  EXPECT_EQ(count({}), 2500u);
  EXPECT_EQ(count({.kinds = {"login", "logout"}}), 1500u);
  EXPECT_EQ(count({.since = 100, .until = 101}), 3u);
  EXPECT_EQ(count({.since = 101, .kinds = {"login"}}), 1248u);
  EXPECT_EQ(count({}, 7), 7u);
}

TEST_F(StoreTest, ASumThatIsReadAgainWithMoreInItGrows) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  for (const auto& [seq, count] : {std::pair(1, 3), {2, 7}, {3, 5}})
    ASSERT_TRUE(Commit(*store_, Happened(kWeb, static_cast<uint64_t>(seq),
                                         {{10, "root"}},
                                         static_cast<uint64_t>(count)))
                    .ok());
  EXPECT_THAT(EventsOf(*store_, kWeb), ElementsAre("10 root 7"));
}

TEST_F(StoreTest, ForgetsEventsOfLongAgoAndOfRemovedHosts) {
  for (const std::string& id : {kWeb, kDb}) {
    ASSERT_TRUE(Connect(*store_, id).ok());
    ASSERT_TRUE(Commit(*store_, Happened(id, 1, {{10, "old"}, {500, "new"}})).ok());
  }
  ASSERT_TRUE(store_->RemoveHost(kDb, 300).ok());
  ASSERT_TRUE(store_->Forget(400).ok());
  EXPECT_THAT(EventsOf(*store_, kWeb), ElementsAre("500 new 1"));
  EXPECT_THAT(EventsOf(*store_, kDb), IsEmpty());
}

TEST_F(StoreTest, WhatTheControllerDoesNotSeeAgainCountsNoLonger) {
  const std::string third = "00000000-0000-4000-8000-000000000003";
  for (const std::string& id : {kWeb, kDb, third}) {
    ASSERT_TRUE(Connect(*store_, id).ok());
    ASSERT_TRUE(Commit(*store_, Update(id, 1, 200, {PortBody(22)})).ok());
  }
  const TableBody knock = KnockBody("password");
  ASSERT_TRUE(store_->Observe({kWeb, 300, {knock}}).ok());
  ASSERT_TRUE(store_->Observe({kDb, 300, {knock}}).ok());
  ASSERT_TRUE(store_->Observe({kDb, 400, {knock}}).ok());  // the same again
  ASSERT_TRUE(store_->ExpireObservations(400, 700).ok());
  ASSERT_TRUE(store_->ExpireObservations(400, 800).ok());  // nothing more
  store_.reset();
  Open();
  const auto sees = [&](const std::string& id, int64_t at) {
    const Fleet fleet = ReadFleet({"", id}, at);
    return fleet.states.at(fleet.hosts.at(0).state)->tables.count("ssh_endpoints_outside");
  };
  EXPECT_EQ(sees(kWeb, 0), 0u);
  EXPECT_EQ(sees(kWeb, 650), 1u);
  EXPECT_EQ(sees(kWeb, 750), 0u);
  EXPECT_EQ(sees(kDb, 0), 1u);
  EXPECT_EQ(store_->FindHost(kWeb)->last_knock(), 300);
  EXPECT_EQ(store_->FindHost(kDb)->last_knock(), 400);
  // What the agent says stands, and the controller may look again.
  const Fleet fleet = ReadFleet({"", kWeb});
  EXPECT_EQ(fleet.states.at(0)->tables.at("ports"), PortBody(22).digest);
  ASSERT_TRUE(store_->Observe({kWeb, 900, {knock}}).ok());
  EXPECT_EQ(sees(kWeb, 0), 1u);
  EXPECT_EQ(sees(kWeb, 750), 0u);
  // Seen by a clock that was ahead.
  ASSERT_TRUE(store_->ExpireObservations(400, 850).ok());
  EXPECT_EQ(sees(kWeb, 0), 0u);
}

TEST_F(StoreTest, ADamagedBodyIsToldAndNotServed) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  const TableBody ports = PortBody(22);
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {ports})).ok());
  store_.reset();
  RunSql(folder_, "UPDATE body SET zstd = x'28b52ffd'");
  Open();
  EXPECT_TRUE(absl::IsDataLoss(store_->Body(ports.digest).status()));
}

// The file size limit stands for a full disk: a write beyond it fails.
TEST_F(StoreTest, WhenTheDiskIsFullNothingIsAcknowledgedAndReadsGoOn) {
  ASSERT_TRUE(Connect(*store_, kWeb).ok());
  ASSERT_TRUE(Commit(*store_, Update(kWeb, 1, 200, {PortBody(22)})).ok());
  std::string noise(4 << 20, '\0');
  uint32_t random = 1;
  for (char& c : noise)
    c = static_cast<char>((random = random * 1664525 + 1013904223) >> 24);
  TableBody large = PortBody(80);
  large.zstd = noise;

  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 1 << 20;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const absl::Status full = Commit(*store_, Update(kWeb, 2, 300, {large}));
  EXPECT_EQ(ReadFleet({.host = kWeb}).states.at(0)->tables.at("ports"),
            PortBody(22).digest);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);

  EXPECT_FALSE(full.ok());
  EXPECT_EQ(Connect(*store_, kWeb)->acknowledged, 1u);
  EXPECT_TRUE(Commit(*store_, Update(kWeb, 2, 300, {PortBody(80)})).ok());
  EXPECT_EQ(Connect(*store_, kWeb)->acknowledged, 2u);
}

// Writes records for ever; each seq is told to `acknowledged` once the store
// says that it is on disk.
[[noreturn]] void WriteUntilKilled(const std::string& folder,
                                   int acknowledged) {
  auto store = OpenSqliteStore(folder);
  if (!store.ok() || !Connect(**store, kWeb).ok()) _exit(1);
  for (uint32_t seq = 1;; ++seq)
    (*store)->Commit(Update(kWeb, seq, 200 + seq, {PortBody(seq)}),
                     [acknowledged, seq](absl::Status status) {
                       if (!status.ok()) _exit(1);
                       (void)!write(acknowledged, &seq, sizeof seq);
                     });
}

std::string IntegrityCheck(const std::string& folder) {
  sqlite3* handle = nullptr;
  sqlite3_open((folder + "/metsuke.db").c_str(), &handle);
  std::string result;
  sqlite3_exec(
      handle, "PRAGMA integrity_check",
      [](void* out, int, char** values, char**) {
        *static_cast<std::string*>(out) += values[0];
        return 0;
      },
      &result, nullptr);
  sqlite3_close(handle);
  return result;
}

TEST_F(StoreTest, WhatWasAcknowledgedSurvivesAKill) {
  for (const int milliseconds : {30, 80, 150}) {
    store_.reset();
    boost::filesystem::remove_all(folder_);
    boost::filesystem::create_directories(folder_);
    int pipes[2];
    ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) WriteUntilKilled(folder_, pipes[1]);
    close(pipes[1]);
    uint32_t seq = 0, last = 0;
    // From the first record on, so that the kill falls in the middle.
    ASSERT_EQ(read(pipes[0], &seq, sizeof seq), ssize_t{sizeof seq});
    usleep(milliseconds * 1000);
    kill(child, SIGKILL);
    do {
      last = seq;
    } while (read(pipes[0], &seq, sizeof seq) == ssize_t{sizeof seq});
    close(pipes[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    Open();
    const auto standing = Connect(*store_, kWeb);
    ASSERT_TRUE(standing.ok()) << standing.status();
    EXPECT_GE(standing->acknowledged, last);
    EXPECT_GE(last, 1u);
    const auto history = store_->History(kWeb);
    ASSERT_EQ(history->spans_size(), static_cast<int>(standing->acknowledged));
    for (uint32_t i = 1; i <= last; ++i)
      ASSERT_TRUE(store_->Body(PortBody(i).digest).ok()) << i;
    store_.reset();
    EXPECT_EQ(IntegrityCheck(folder_), "ok");
  }
}

}  // namespace
}  // namespace metsuke
