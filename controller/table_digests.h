#ifndef METSUKE_CONTROLLER_TABLE_DIGESTS_H_
#define METSUKE_CONTROLLER_TABLE_DIGESTS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace metsuke {

// What a host looks like: the digest of each of its tables, by name.
using TableDigests = std::map<std::string, std::string, std::less<>>;

// What a query on a host rests on: the digests of the host's tables, and those
// of the registers. Both must live as long as it.
class Digests {
 public:
  // A host without registers.
  Digests(const TableDigests& host) : host_(&host) {}
  Digests(const TableDigests& host, const TableDigests& registers)
      : host_(&host), registers_(&registers) {}

  // The digest of a table or register; nullptr when there is none.
  const std::string* Find(std::string_view table) const {
    for (const TableDigests* digests : {host_, registers_}) {
      if (digests == nullptr) continue;
      const auto found = digests->find(table);
      if (found != digests->end()) return &found->second;
    }
    return nullptr;
  }

  const TableDigests& host() const { return *host_; }

 private:
  const TableDigests* host_;
  const TableDigests* registers_ = nullptr;
};

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_TABLE_DIGESTS_H_
