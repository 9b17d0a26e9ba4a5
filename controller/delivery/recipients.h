// Who gets the reports of the nights, as delivery.yaml says.

#ifndef METSUKE_CONTROLLER_DELIVERY_RECIPIENTS_H_
#define METSUKE_CONTROLLER_DELIVERY_RECIPIENTS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/report/words.h"
#include "proto/delivery.pb.h"

namespace metsuke {

// Whether mail can be sent to `address`: local@domain without anything that a
// header or a command line takes for more than an address.
bool IsMailAddress(std::string_view address);

// delivery.yaml as it was read.
struct DeliveryRules {
  // With each recipient that has a name of its own.
  v1::DeliveryConfig config;
  // Those that cannot be served as they are written, by name, and why. What
  // goes to them waits until they are mended.
  std::map<std::string, std::string, std::less<>> refused;
  // All that is wrong, each with the file and the line.
  std::vector<std::string> problems;
};

// Reads delivery.yaml. InvalidArgument when it is no YAML of that kind: then
// nobody knows what was meant.
absl::StatusOr<DeliveryRules> ReadDelivery(const std::string& name,
                                           const std::string& yaml);

// Why recipients cannot be served as things are, one line for each: a file or a
// folder that is not there or not as it must be.
std::vector<std::string> Unready(const v1::DeliveryConfig& config);

// The recipient of this name; nullptr when there is none.
const v1::Recipient* FindRecipient(const v1::DeliveryConfig& config,
                                   std::string_view name);

// The deliveries of a report as they begin, one for each address: `day` and
// `now` stand in each.
std::vector<v1::Delivery> DeliveriesTo(const v1::Recipient& recipient,
                                       const std::string& day, int64_t now);

// What stands in a file that holds a secret, without the newline at its end.
// FailedPrecondition when everybody may read the file, or when it is empty or
// has several lines.
absl::StatusOr<std::string> ReadSecret(const std::string& path);

// Where the report is posted to. The errors of ReadSecret, and
// FailedPrecondition when the file holds no such address.
absl::StatusOr<std::string> WebhookOf(const v1::Recipient& recipient);

Language LanguageOf(const v1::Recipient& recipient);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_DELIVERY_RECIPIENTS_H_
