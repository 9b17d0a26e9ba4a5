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

absl::Status WarnOfNoHost(v1::Operator::Stub& stub,
                          const std::set<std::string>& selectors) {
  std::map<std::string, Selector> left;
  for (const std::string& text : selectors) {
    ASSIGN_OR_RETURN(Selector selector, Selector::Parse(text));
    left.emplace(text, std::move(selector));
  }
  if (left.empty()) return absl::OkStatus();
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
  for (const auto& [text, selector] : left)
    fmt::print(stderr,
               "metsukectl: no host has these labels now: {}; metsukectl host "
               "list shows those they have\n",
               enc::Tty(HostText(text)));
  return absl::OkStatus();
}

}  // namespace metsuke::cli
