// Both machines of Sync against each other, messages carried by hand, with
// connections that break, a store that fails and a spool that is damaged, all
// from a seed. What was recorded is in the end stored once or declared lost.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/filesystem/operations.hpp>
#include <fstream>
#include <random>

#include "agent/courier.h"
#include "controller/store/body.h"
#include "controller/sync.h"
#include "proto/canonical.h"
#include "proto/snapshot.pb.h"

namespace metsuke {
namespace {

namespace fs = boost::filesystem;

// What a store keeps, in memory and at once.
struct Model {
  struct Stream {
    uint64_t acknowledged = 0;
    std::map<uint64_t, std::string> states;  // digest by record
    std::map<uint64_t, std::string> lost;    // reason by record
    int twice = 0;                           // records stored or lost again
  };
  std::map<std::string, Stream> streams;
  std::set<std::string> bodies{Sha256("")};
  std::string state;

  void Lose(Stream& stream, const v1::Loss& loss) {
    for (uint64_t seq = loss.from(); seq <= loss.to(); ++seq)
      if (!stream.lost.emplace(seq, loss.reason()).second ||
          stream.states.contains(seq))
        ++stream.twice;
  }

  absl::Status Commit(const HostUpdate& update) {
    Stream& stream = streams[update.stream];
    if (update.seq <= stream.acknowledged) return absl::OkStatus();
    for (const TableBody& body : update.bodies) bodies.insert(body.digest);
    if (update.state) {
      for (const auto& table : update.state->tables())
        if (!bodies.contains(table.digest()))
          return absl::NotFoundError("no body");
      if (!stream.states.emplace(update.seq, StateDigest(*update.state)).second)
        ++stream.twice;
      state = StateDigest(*update.state);
    }
    for (const v1::Loss& loss : update.losses) Lose(stream, loss);
    stream.acknowledged = update.seq;
    return absl::OkStatus();
  }
};

// A host whose two tables change, its spool, and the controller's machine.
class World {
 public:
  World(const fs::path& folder, uint64_t seed, uint64_t cap)
      : folder_(folder), random_(seed), cap_(cap) {
    OpenSpool();
  }

  bool Chance(int percent) { return int(random_() % 100) < percent; }

  void OpenSpool() {
    courier_.reset();
    spool_.reset();
    controller_.reset();
    auto spool = Spool::Open(folder_, cap_, 1000);
    ASSERT_TRUE(spool.ok()) << spool.status();
    spool_ = *std::move(spool);
    courier_.emplace(*spool_, "test");
  }

  // The host changes, or only is looked at.
  void Look() {
    if (Chance(50)) ++ports_;
    if (Chance(30)) ++groups_;
    v1::Snapshot snapshot;
    snapshot.add_ports()->set_port(ports_);
    for (int i = 0; i < groups_ % 40 * 100; ++i)
      snapshot.add_groups()->set_gid(i * 7919 * groups_);
    v1::State state;
    state.set_taken(1000);
    std::vector<Spool::Table> tables;
    for (const char* name : {"ports", "groups"}) {
      const std::string bytes = CanonicalTable(snapshot, TableField(name));
      state.add_tables()->set_table(name);
      state.mutable_tables()->rbegin()->set_digest(Sha256(bytes));
      tables.push_back({Sha256(bytes), bytes});
    }
    if (spool_->current() &&
        StateDigest(*spool_->current()) == StateDigest(state)) {
      courier_->Unchanged(1000);
      return;
    }
    const auto seq = spool_->Append(state, tables, 1000);
    ASSERT_TRUE(seq.ok()) << seq.status();
    recorded_[spool_->stream()][*seq] = StateDigest(state);
    courier_->Recorded(1000);
  }

  void Connect() {
    to_agent_.clear();
    controller_.emplace("host", 300);
    courier_->Connected(1000);
  }

  void Break() {
    controller_.reset();
    courier_->Disconnected();
  }

  // Moves one message, if one waits; what the agent's machine orders is done.
  bool Move() {
    if (!controller_) return false;
    if (!to_agent_.empty() && Chance(50)) {
      const v1::ControllerMessage message = to_agent_.front();
      to_agent_.pop_front();
      courier_->Received(message, 1000);
    } else if (auto message = courier_->NextMessage(1000)) {
      Carry(controller_->Receive(*std::move(message), 1000));
    } else if (to_agent_.empty()) {
      return FollowOrders();
    }
    FollowOrders();
    return true;
  }

  bool FollowOrders() {
    const Orders orders = courier_->TakeOrders();
    if (orders.record_current && spool_->current()) {
      const std::string digest = StateDigest(*spool_->current());
      const uint64_t seq = spool_->next_seq();
      if (courier_->RecordCurrent(1000))
        recorded_[spool_->stream()][seq] = digest;
    }
    if (orders.close) {
      closed_.push_back(orders.close->reason);
      Break();
    }
    return orders.close || orders.record_current;
  }

  // Does what the controller's machine asks, until it asks no more.
  void Carry(ControllerSync::Output output) {
    while (true) {
      for (auto& message : output.send) to_agent_.push_back(message);
      if (!output.end.ok()) {
        closed_.push_back(std::string(output.end.message()));
        return Break();
      }
      if (Chance(store_fails_)) {
        const absl::Status full = absl::ResourceExhaustedError("disk full");
        if (std::holds_alternative<ControllerSync::Lookup>(output.ask)) {
          output = controller_->Looked(full);
          continue;
        }
        if (std::holds_alternative<HostUpdate>(output.ask)) {
          output = controller_->Committed(full, 1000);
          continue;
        }
      }
      if (auto* contact = std::get_if<Contact>(&output.ask)) {
        output = controller_->Connected(Standing{
            model_.streams[contact->stream].acknowledged, model_.state});
      } else if (auto* look =
                     std::get_if<ControllerSync::Lookup>(&output.ask)) {
        std::set<std::string> missing;
        for (const auto& table : look->state.tables())
          if (!model_.bodies.contains(table.digest()))
            missing.insert(table.digest());
        output = controller_->Looked(
            std::vector<std::string>(missing.begin(), missing.end()));
      } else if (auto* update = std::get_if<HostUpdate>(&output.ask)) {
        output = controller_->Committed(model_.Commit(*update), 1000);
      } else {
        return;
      }
    }
  }

  // With nothing failing any more, until both sides rest.
  void Settle() {
    store_fails_ = 0;
    if (!spool_->current()) Look();
    for (int i = 0; i < 20000; ++i) {
      if (!controller_) Connect();
      if (!spool_->current()) Look();
      if (!Move() && spool_->empty()) return;
    }
    FAIL() << "no rest; last: " << (closed_.empty() ? "" : closed_.back());
  }

  // Recorded = stored + declared lost, each once, and the last state is known.
  void Check() {
    for (const auto& [stream, records] : recorded_) {
      const Model::Stream& stored = model_.streams[stream];
      EXPECT_EQ(stored.twice, 0);
      for (const auto& [seq, digest] : records) {
        const auto state = stored.states.find(seq);
        if (state == stored.states.end())
          EXPECT_TRUE(stored.lost.contains(seq)) << "record " << seq;
        else
          EXPECT_EQ(state->second, digest) << "record " << seq;
      }
      EXPECT_EQ(stored.states.size() + stored.lost.size(), stored.acknowledged);
    }
    EXPECT_EQ(model_.state, StateDigest(*spool_->current()));
  }

  const fs::path folder_;
  std::mt19937_64 random_;
  const uint64_t cap_;
  int store_fails_ = 0;
  int ports_ = 1, groups_ = 1;
  std::unique_ptr<Spool> spool_;
  std::optional<Courier> courier_;
  std::optional<ControllerSync> controller_;
  std::deque<v1::ControllerMessage> to_agent_;
  Model model_;
  std::map<std::string, std::map<uint64_t, std::string>> recorded_;
  std::vector<std::string> closed_;
};

class SyncPairTest : public testing::Test {
 protected:
  ~SyncPairTest() override { fs::remove_all(folder_); }

  // In memory where possible: syncing to a disk is another test's matter.
  const fs::path folder_ =
      (fs::is_directory("/dev/shm") ? fs::path("/dev/shm")
                                    : fs::temp_directory_path()) /
      fs::unique_path("pair-%%%%%%%%");
};

TEST_F(SyncPairTest, ARecordArrivesWithItsBodies) {
  World world(folder_, 1, kDefaultSpoolBytes);
  world.Look();
  world.Settle();
  world.Check();
  EXPECT_THAT(world.closed_, testing::IsEmpty());
  EXPECT_EQ(world.model_.bodies.size(), 3u);
}

TEST_F(SyncPairTest, NothingIsLostWhereverTheConnectionBreaks) {
  for (int moves = 0; moves < 60; ++moves) {
    fs::remove_all(folder_);
    World world(folder_, moves, kDefaultSpoolBytes);
    for (int i = 0; i < 5; ++i) world.Look();
    world.Connect();
    for (int i = 0; i < moves; ++i) world.Move();
    world.Break();
    if (moves % 3 == 0) world.OpenSpool();
    world.Look();
    world.Settle();
    world.Check();
    EXPECT_THAT(world.closed_, testing::IsEmpty());
    for (const auto& [stream, stored] : world.model_.streams)
      EXPECT_THAT(stored.lost, testing::IsEmpty());
  }
}

TEST_F(SyncPairTest, NothingIsLostInSilenceFromAnySeed) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    fs::remove_all(folder_);
    World world(folder_, seed, seed % 4 == 0 ? 15 * 4096 : kDefaultSpoolBytes);
    world.store_fails_ = seed % 3 == 0 ? 10 : 0;
    for (int i = 0; i < 400; ++i) {
      if (world.Chance(10)) world.Look();
      if (world.Chance(3)) world.Break();
      if (world.Chance(1)) world.OpenSpool();
      if (!world.controller_ && world.Chance(30)) world.Connect();
      world.Move();
    }
    world.Settle();
    world.Check();
    if (HasFailure()) return;
  }
}

TEST_F(SyncPairTest, ADamagedRecordIsDeclaredAndTheRestArrives) {
  World world(folder_, 3, kDefaultSpoolBytes);
  for (int i = 0; i < 8; ++i) world.Look();
  world.Connect();
  std::ofstream((folder_ / "records/00000000000000000002").string()) << "x";
  world.Settle();
  world.Check();
  const auto& stored = world.model_.streams.begin()->second;
  ASSERT_EQ(stored.lost.size(), 1u);
  EXPECT_THAT(stored.lost.at(2), testing::HasSubstr("damaged on disk"));
}

TEST_F(SyncPairTest, ADamagedBodyCostsItsRecordsAndIsDeclared) {
  World world(folder_, 4, kDefaultSpoolBytes);
  world.Look();
  for (const auto& body : fs::directory_iterator(folder_ / "bodies"))
    std::ofstream(body.path().string()) << "x";
  world.Settle();
  world.Check();
  const auto& stored = world.model_.streams.begin()->second;
  ASSERT_TRUE(stored.lost.contains(1));
  EXPECT_THAT(stored.lost.at(1), testing::HasSubstr("body"));
  EXPECT_GE(stored.states.size(), 1u) << "the host was recorded anew";
}

TEST_F(SyncPairTest, AControllerThatForgotTheHostLearnsItAgain) {
  World world(folder_, 5, kDefaultSpoolBytes);
  world.Look();
  world.Settle();
  world.Break();
  world.model_ = Model();
  world.Connect();
  for (int i = 0; i < 100; ++i) world.Move();
  world.courier_->Unchanged(1000);
  world.Settle();
  EXPECT_EQ(world.model_.state, StateDigest(*world.spool_->current()));
  EXPECT_EQ(world.model_.bodies.size(), 3u);
}

TEST_F(SyncPairTest, ASpoolSetBackToAnImageGoesOnInANewStream) {
  World world(folder_, 6, kDefaultSpoolBytes);
  for (int i = 0; i < 3; ++i) world.Look();
  world.Settle();
  const fs::path image = folder_.string() + ".image";
  fs::copy(folder_, image, fs::copy_options::recursive);
  for (int i = 0; i < 9; ++i) world.Look();
  world.Settle();
  fs::remove_all(folder_);
  fs::rename(image, folder_);
  const std::string stream = world.spool_->stream();
  world.OpenSpool();
  world.Settle();
  EXPECT_NE(world.spool_->stream(), stream);
  EXPECT_EQ(world.model_.state, StateDigest(*world.spool_->current()));
}

}  // namespace
}  // namespace metsuke
