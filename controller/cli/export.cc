// metsukectl report junit, xccdf, ocsf, metrics: the posture of the fleet for
// other programs.

#include <fmt/format.h>

#include <algorithm>

#include "controller/cli/put.h"
#include "controller/cli/selectors.h"
#include "controller/cli/session.h"
#include "controller/export/junit.h"
#include "controller/export/ocsf.h"
#include "controller/export/xccdf.h"
#include "proto/command_line.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  std::string host, selector, at;
};

// Text in which hosts stand one after the other, each by itself.
struct Format {
  const char* name;
  const char* about;
  std::string (*begin)(const v1::BaselineReply& baseline);
  std::string (*host)(const HostFindings& host, const v1::ExportHead& head,
                      Language language);
  std::string (*end)();
};

constexpr Format kFormats[] = {
    {"junit", "A test suite for each host, for pipelines: JUnit XML",
     [](const v1::BaselineReply&) { return JunitBegin(); }, JunitHost,
     JunitEnd},
    {"xccdf", "The baseline and a test result for each host: XCCDF 1.2",
     XccdfBegin,
     [](const HostFindings& host, const v1::ExportHead& head, Language) {
       return XccdfHost(host, head);
     },
     XccdfEnd},
    {"ocsf", "An event for each host and control: OCSF 1.5.0, JSON lines",
     [](const v1::BaselineReply&) { return std::string(); }, OcsfHost,
     [] { return std::string(); }},
};

absl::Status WantNoForm(const Session& session, const char* name) {
  if (session.output == "table") return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("report {} has one form; leave out -o", name));
}

// Programs read the language that was asked for, and else English, whoever
// started them.
Language LanguageOf(const Session& session) {
  return session.language == "ja" ? Language::kJapanese : Language::kEnglish;
}

// What the hosts that were written come to.
struct Sum {
  int hosts = 0;
  bool incomplete = false;
  v1::Severity worst = v1::SEVERITY_UNSPECIFIED;

  void Add(const v1::HostPosture& posture) {
    ++hosts;
    incomplete |= posture.stale() || posture.unknown() > 0;
    worst = std::max(worst, posture.worst());
  }
};

// Writes the hosts as they come; one at a time is in memory. Nothing is written
// before the controller has found what was asked for.
absl::Status WriteHosts(const Session& session, const Format& format,
                        const v1::BaselineReply& baseline,
                        grpc::ClientReader<v1::ExportReply>& stream, Sum& sum) {
  v1::ExportHead head;
  HostFindings host;
  const auto write = [&]() -> absl::Status {
    if (host.host.id().empty()) return absl::OkStatus();
    sum.Add(host.posture);
    return Put(format.host(host, head, LanguageOf(session)));
  };
  v1::ExportReply reply;
  while (stream.Read(&reply)) {
    if (reply.has_head()) {
      head = reply.head();
      if (head.baseline() != baseline.version())
        return absl::AbortedError(
            "another baseline was put in force meanwhile; try again");
      RETURN_IF_ERROR(Put(format.begin(baseline)));
    }
    if (reply.has_host()) {
      RETURN_IF_ERROR(write());
      host = {.host = reply.host(), .posture = reply.posture()};
    }
    host.findings.insert(host.findings.end(), reply.findings().begin(),
                         reply.findings().end());
  }
  RETURN_IF_ERROR(FromCall(stream.Finish()));
  RETURN_IF_ERROR(write());
  RETURN_IF_ERROR(Put(format.end()));
  return Flush();
}

absl::StatusOr<int> Export(const Session& session, const Options& options,
                           const Format& format) {
  RETURN_IF_ERROR(WantNoForm(session, format.name));
  v1::ExportRequest request;
  request.set_host(options.host);
  request.set_selector(options.selector);
  ASSIGN_OR_RETURN(const int64_t at, ParseInstantOrNone(options.at));
  request.set_at(at);
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  v1::BaselineReply baseline;
  grpc::ClientContext baseline_context;
  RETURN_IF_ERROR(
      FromCall(stub->GetBaseline(&baseline_context, {}, &baseline)));

  grpc::ClientContext context;
  const auto stream = stub->Export(&context, request);
  Sum sum;
  RETURN_IF_ERROR(WriteHosts(session, format, baseline, *stream, sum));
  if (sum.hosts == 0) SayNoHost(options.selector);
  return CodeFor(session, sum.worst, sum.incomplete || sum.hosts == 0);
}

absl::StatusOr<int> Metrics(const Session& session) {
  RETURN_IF_ERROR(WantNoForm(session, "metrics"));
  ASSIGN_OR_RETURN(const auto stub, Connect(session));
  grpc::ClientContext context;
  const auto stream = stub->Metrics(&context, {});
  v1::MetricsReply reply;
  while (stream->Read(&reply)) RETURN_IF_ERROR(Put(reply.piece()));
  RETURN_IF_ERROR(FromCall(stream->Finish()));
  RETURN_IF_ERROR(Flush());
  return kCompliant;
}

}  // namespace

void AddExports(CommandLine& report, Session& session) {
  const auto options = std::make_shared<Options>();
  for (const Format& format : kFormats) {
    CommandLine& command =
        report.Command(format.name, format.about, [&session, options, &format] {
          session.run = [&session, options, &format] {
            return Export(session, *options, format);
          };
        });
    command.Word("host", options->host, "Name or id of one host");
    command.Option("-l,--selector", options->selector,
                   "Labels the hosts must have: key=value,key");
    command.Option("--at", options->at,
                   "The instant to look at: RFC 3339, a day, or a time ago "
                   "such as 24h");
  }
  report.Command(
      "metrics", "The fleet in numbers: Prometheus's text format",
      [&session] { session.run = [&session] { return Metrics(session); }; });
}

}  // namespace metsuke::cli
