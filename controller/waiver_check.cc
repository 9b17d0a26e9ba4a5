#include "controller/waiver_check.h"

#include <fmt/format.h>
#include <google/protobuf/util/message_differencer.h>

#include <map>
#include <set>
#include <string>

#include "controller/store/labels.h"
#include "proto/encode.h"
#include "proto/instant.h"
#include "proto/plain_text.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using google::protobuf::util::MessageDifferencer;

constexpr int64_t kDay = 86400;
// The end of the year 9999.
constexpr int64_t kLatest = 253402300799;

// Is told what is wrong with which key of one waiver.
using Refuse =
    std::function<void(const std::string& key, const std::string& why)>;

void CheckTimes(const RegisterContext& context, const Refuse& refuse,
                const v1::Waiver& waiver) {
  if (waiver.from() < context.now)
    refuse("from",
           "lies in the past: a waiver cannot be back-dated; leave it "
           "out for now");
  if (waiver.until() == 0)
    return refuse("until", "is missing: when does it end?");
  if (waiver.until() > kLatest) return refuse("until", "is too far away");
  if (waiver.until() <= waiver.from())
    return refuse("until", "does not lie after from");
  const int64_t most = int64_t{context.waiver_days_max} * kDay;
  if (waiver.until() - waiver.from() > most)
    refuse("until",
           fmt::format("lies more than {} days after from; {} is the latest",
                       context.waiver_days_max, Rfc3339(waiver.from() + most)));
}

void CheckHosts(const RegisterContext& context, const Refuse& refuse,
                v1::Waiver& waiver) {
  if (waiver.host().empty() == waiver.selector().empty())
    return refuse("selector", "either selector or host says where it may fail");
  if (!waiver.host().empty()) {
    const auto host = context.host(waiver.host());
    if (!host.ok()) return refuse("host", Message(host.status()));
    return waiver.set_host(host->id());
  }
  const auto selector = Selector::Parse(waiver.selector());
  if (!selector.ok()) return refuse("selector", Message(selector.status()));
  if (selector->empty()) refuse("selector", "names no label");
}

void CheckNew(const RegisterContext& context, const Refuse& refuse,
              v1::Waiver& waiver) {
  if (!IsId(waiver.id()))
    refuse("id", "the id is lower-case words joined by \"-\"");
  if (const auto known = context.control(waiver.control()); !known.ok())
    refuse("control", Message(known));
  CheckHosts(context, refuse, waiver);
  if (waiver.reason().empty()) refuse("reason", "is missing: why may it fail?");
  if (waiver.requester().empty()) waiver.set_requester(context.by);
  if (waiver.requester() != context.by)
    refuse("requester",
           fmt::format("is not {}, whose certificate brings it; leave it out",
                       enc::Tty(HostText(context.by))));
  if (waiver.approver().empty())
    refuse("approver", "is missing: who agreed?");
  else if (Folded(waiver.approver()) == Folded(waiver.requester()))
    refuse("approver", "is the requester; another must agree");
  if (waiver.from() == 0) waiver.set_from(context.now);
  CheckTimes(context, refuse, waiver);
}

// One that was given before: all that may change is that it ends earlier, but
// not in the past.
void CheckKnown(const RegisterContext& context, const Refuse& refuse,
                const v1::Waiver& known, v1::Waiver& waiver) {
  if (waiver.requester().empty()) waiver.set_requester(known.requester());
  if (waiver.from() == 0) waiver.set_from(known.from());
  if (!waiver.host().empty() && waiver.host() != known.host())
    if (const auto host = context.host(waiver.host()); host.ok())
      waiver.set_host(host->id());
  v1::Waiver ended = known;
  ended.set_until(waiver.until());
  const bool earlier =
      waiver.until() < known.until() && waiver.until() >= context.now;
  if (MessageDifferencer::Equals(ended, waiver) &&
      (earlier || waiver.until() == known.until()))
    return;
  refuse("id",
         "a waiver is not changed once it was given, but for an earlier end "
         "that has not passed; end it and give another");
}

}  // namespace

void CheckWaivers(const RegisterContext& context, const RefuseRow& refuse,
                  v1::Registers& rows) {
  std::map<std::string, const v1::Waiver*> before;
  for (const v1::Waiver& waiver : context.before.waivers())
    before[waiver.id()] = &waiver;
  std::set<std::string> given;
  for (int i = 0; i < rows.waivers_size(); ++i) {
    v1::Waiver& waiver = *rows.mutable_waivers(i);
    given.insert(waiver.id());
    const Refuse refuse_row = [&](const std::string& key,
                                  const std::string& why) {
      refuse(i, key, why);
    };
    if (const auto known = before.find(waiver.id()); known != before.end())
      CheckKnown(context, refuse_row, *known->second, waiver);
    else
      CheckNew(context, refuse_row, waiver);
  }
  for (const auto& [id, waiver] : before) {
    if (given.contains(id)) continue;
    if (waiver->until() > context.now)
      refuse(-1, "",
             fmt::format("{} has not ended and is left out; metsukectl waiver "
                         "end {} ends it, metsukectl register show waivers -o "
                         "yaml writes it",
                         id, id));
    *rows.add_waivers() = *waiver;
  }
}

}  // namespace metsuke
