// The other end of a bus, which sd-bus serves in a thread for each connection.

#ifndef METSUKE_TESTS_UNIT_FAKE_BUS_H_
#define METSUKE_TESTS_UNIT_FAKE_BUS_H_

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <vector>

namespace metsuke {

class FakeBus {
 public:
  // `set_up` adds to a connection what answers on it; without it nothing does.
  explicit FakeBus(std::function<void(sd_bus*)> set_up)
      : set_up_(std::move(set_up)) {}
  ~FakeBus() {
    for (const int fd : ours_) shutdown(fd, SHUT_RDWR);
    for (std::thread& thread : threads_) thread.join();
    for (const int fd : ours_) close(fd);
  }
  FakeBus(const FakeBus&) = delete;
  FakeBus& operator=(const FakeBus&) = delete;

  // A socket to it, which the caller closes.
  int Connect() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ours_.push_back(pair[1]);
    if (set_up_)
      threads_.emplace_back([this, fd = dup(pair[1])] { Serve(fd); });
    return pair[0];
  }

 private:
  void Serve(int fd) const {
    sd_bus* bus = nullptr;
    sd_id128_t id;
    sd_id128_randomize(&id);
    sd_bus_new(&bus);
    sd_bus_set_fd(bus, fd, fd);
    sd_bus_set_server(bus, 1, id);
    sd_bus_set_anonymous(bus, 1);
    set_up_(bus);
    sd_bus_start(bus);
    while (true) {
      const int worked = sd_bus_process(bus, nullptr);
      if (worked < 0 || (worked == 0 && sd_bus_wait(bus, UINT64_MAX) < 0))
        break;
    }
    sd_bus_close_unref(bus);
  }

  const std::function<void(sd_bus*)> set_up_;
  std::vector<std::thread> threads_;
  std::vector<int> ours_;
};

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_FAKE_BUS_H_
