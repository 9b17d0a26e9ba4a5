#include "controller/cli/selectors.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "controller/cli/session.h"
#include "controller/store/labels.h"
#include "proto/encode.h"
#include "proto/status.h"

namespace metsuke::cli {

void SayNoHost(const std::string& selector) {
  fmt::print(stderr, "metsukectl: no host matched{}\n",
             selector.empty() ? "" : " -l " + enc::Tty(HostText(selector)));
}

namespace {

// Those of the selectors that fit no host.
absl::StatusOr<std::set<std::string>> WithoutHost(
    v1::Operator::Stub& stub, const std::set<std::string>& selectors) {
  std::map<std::string, Selector> left;
  for (const std::string& text : selectors) {
    ASSIGN_OR_RETURN(Selector selector, Selector::Parse(text));
    left.emplace(text, std::move(selector));
  }
  v1::HostsRequest request;
  grpc::ClientContext context;
  const auto stream = stub.ListHosts(&context, request);
  v1::HostsReply reply;
  while (stream->Read(&reply))
    for (const v1::HostEntry& host : reply.hosts())
      std::erase_if(left, [&](const auto& each) {
        return each.second.Matches(host.labels());
      });
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  std::set<std::string> texts;
  for (const auto& [text, selector] : left) texts.insert(text);
  return texts;
}

}  // namespace

void WarnOfNoHost(v1::Operator::Stub& stub,
                  const std::set<std::string>& selectors) {
  if (selectors.empty()) return;
  const auto without = WithoutHost(stub, selectors);
  if (!without.ok()) {
    fmt::print(stderr,
               "metsukectl: whether hosts have these labels was not to be "
               "asked: {}\n",
               Message(without.status()));
    return;
  }
  for (const std::string& text : *without)
    fmt::print(stderr,
               "metsukectl: no host has these labels now: {}; metsukectl host "
               "list shows those they have\n",
               enc::Tty(HostText(text)));
}

}  // namespace metsuke::cli
