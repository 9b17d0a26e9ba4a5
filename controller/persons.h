// Who is behind an account or a key, by the register `persons`.

#ifndef METSUKE_CONTROLLER_PERSONS_H_
#define METSUKE_CONTROLLER_PERSONS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/store/labels.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "proto/event.pb.h"
#include "proto/operator.pb.h"
#include "proto/register.pb.h"

namespace metsuke {

// Whether it is the fingerprint of an SSH key as ssh-keygen -l tells it,
// "SHA256:…".
bool IsFingerprint(std::string_view text);

class Persons {
 public:
  explicit Persons(const v1::Registers& rows);

  // All who are in it, sorted.
  std::vector<std::string> All() const;

  // Of a host, each "key=value".
  using Labels = google::protobuf::RepeatedPtrField<std::string>;

  // Who it was, or who did it; several when it was one of them, sorted. Empty
  // when the register knows nobody or the records do not tell.
  std::vector<std::string> Of(const v1::HostSession& session,
                              const Labels& labels) const;
  std::vector<std::string> Of(const v1::Event& event,
                              const Labels& labels) const;

 private:
  struct Row {
    Selector selector;
    std::string person;
  };
  std::vector<std::string> Behind(const std::string& identity,
                                  const Labels& labels) const;
  // Of an Event or a HostSession.
  template <typename What>
  std::vector<std::string> WhoCame(const What& what,
                                   const Labels& labels) const;
  template <typename What>
  std::vector<std::string> WhoActed(const What& what,
                                    const Labels& labels) const;

  std::map<std::string, std::vector<Row>> rows_;  // by identity
};

// As `person` tells them: "A or B".
std::string PersonText(const std::vector<std::string>& persons);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_PERSONS_H_
