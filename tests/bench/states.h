// States of a fleet made after one host, and the store that holds them.

#ifndef METSUKE_TESTS_BENCH_STATES_H_
#define METSUKE_TESTS_BENCH_STATES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/judge/baseline.h"
#include "controller/store/store.h"
#include "proto/snapshot.pb.h"

namespace metsuke {

// A state with all its bodies.
struct BenchState {
  v1::State state;
  std::vector<TableBody> bodies;
};

// `host` with name, packages, services, ports, sshd's options, accounts, sudo
// rules and kernel parameters of its own for each `number`, so that most
// controls have something else to judge.
v1::Snapshot Vary(const v1::Snapshot& host, int number);

BenchState MakeState(const v1::Snapshot& snapshot);

// Puts `hosts` hosts into the store, through the calls that agents' streams
// make, as each host's record number `seq`; the state of host i is number
// i % states.size(). With `own_names`, each host has a name and an address of
// its own, as real ones do.
absl::Status Fill(const std::vector<v1::Snapshot>& states, int hosts,
                  bool own_names, uint64_t seq, Store& store);

// The files of a baseline in a folder.
absl::StatusOr<std::vector<v1::BaselineFile>> BaselineFiles(
    const std::string& folder);

}  // namespace metsuke

#endif  // METSUKE_TESTS_BENCH_STATES_H_
