// metsukectl report html: a report as one page for a browser.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "controller/cli/put.h"
#include "controller/cli/report_request.h"
#include "controller/cli/session.h"
#include "proto/command_line.h"
#include "proto/encode.h"
#include "proto/file.h"
#include "proto/status.h"

namespace metsuke::cli {
namespace {

struct Options {
  ReportOptions report;
  std::string out;
};

// A page takes the place of an older one, as that of every morning does, and of
// nothing else: a name that was mistyped must not cost a key.
absl::Status CheckTarget(const std::string& path) {
  struct stat known;
  if (lstat(path.c_str(), &known) != 0) return absl::OkStatus();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      S_ISREG(known.st_mode) ? std::fopen(path.c_str(), "re") : nullptr,
      [](std::FILE* open) { return std::fclose(open); });
  const int first = file == nullptr ? 0 : std::fgetc(file.get());
  if (first == '<' || first == EOF) return absl::OkStatus();
  return absl::InvalidArgumentError(
      path + " is there and is no page; remove it, or give --out another name");
}

absl::StatusOr<int> Html(const Session& session, const Options& options) {
  if (session.output != "table")
    return absl::InvalidArgumentError(
        "report html has one form; leave out -o, and give --out the file");
  if (options.out.empty() && isatty(STDOUT_FILENO) == 1)
    return absl::InvalidArgumentError(
        "a page is for a browser, not for a terminal: metsukectl report html "
        "--out report.html");
  if (!options.out.empty()) RETURN_IF_ERROR(CheckTarget(options.out));
  ASSIGN_OR_RETURN(v1::ReportRequest request, ToRequest(options.report));
  request.set_page(true);
  request.set_language(IsJapanese(session) ? "ja" : "en");
  std::string complaint;
  ASSIGN_OR_RETURN(const std::string page,
                   FetchReport(session, request, &complaint));
  if (!complaint.empty())
    std::fprintf(stderr,
                 "metsukectl: the controller's page_template is broken, and "
                 "the page is made from the built-in one: %s\n",
                 enc::Tty(HostText(complaint)).c_str());
  if (options.out.empty()) {
    RETURN_IF_ERROR(Put(page));
    RETURN_IF_ERROR(Flush());
    return kCompliant;
  }
  // It tells where the fleet is weak.
  RETURN_IF_ERROR(WriteFile(options.out, page, 0600));
  std::fprintf(stderr, "metsukectl: %s has the report, %zu KiB\n",
               options.out.c_str(), (page.size() + 1023) / 1024);
  return kCompliant;
}

}  // namespace

void AddReportHtml(CommandLine& report, Session& session) {
  const auto options = std::make_shared<Options>();
  CommandLine& html = report.Command(
      "html", "The same as one page for a browser, with how every host stands",
      [&session, options] {
        session.run = [&session, options] { return Html(session, *options); };
      });
  AddReportOptions(html, options->report);
  html.Option("--out", options->out,
              "File to write; an older page is replaced (default: standard "
              "output)");
}

}  // namespace metsuke::cli
