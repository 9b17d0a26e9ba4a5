#include "controller/cli/examples.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace metsuke::cli {
namespace {

struct Example {
  // Whose --help shows it, without "metsukectl".
  std::string_view command;
  std::string_view words;
  std::string_view meaning;
};

constexpr Example kExamples[] = {
    {"", "posture", "the fleet, worst host first"},
    {"", "posture web01", "one host, with evidence"},
    {"", "report drift", "what changed since the last night, and why"},
    {"", "control explain ssh-no-password", "a control, and what to do"},
    {"", "ssh who --from 203.0.113.9", "who gets in from there"},
    {"", "query \"SELECT port, program FROM ports\"", "rows of all hosts"},

    {"report", "report drift", "since the last night"},
    {"report", "report html --out fleet.html", "one page for a browser"},
    {"report", "report deliveries", "whom the reports went to"},
    {"report drift", "report drift", "since the last night's report"},
    {"report drift", "report drift web01 --since 7d", "one host, a week"},
    {"report drift", "report drift --day last -o json",
     "the last night as it was kept"},
    {"report html", "report html --out fleet.html", "since the last night"},
    {"report html", "report html --since 7d -l zone=tokyo --out tokyo.html",
     "a week, some hosts"},
    {"report list", "report list", "days, hosts, findings"},
    {"report deliveries", "report deliveries --day last",
     "who got the last night's report, what waits"},
    {"report send", "report send last operators", "once more"},
    {"report junit", "report junit > posture.xml", "for a pipeline"},
    {"report junit", "report junit web01", "a suite of one host"},
    {"report xccdf", "report xccdf > posture.xml",
     "for oscap and what reads its results"},
    {"report ocsf", "report ocsf -l role=web", "events of some hosts"},
    {"report metrics", "report metrics > metsuke.prom",
     "for node_exporter's textfile"},

    {"posture", "posture", "the fleet, worst host first"},
    {"posture", "posture -l role=web --at 7d", "some hosts, a week ago"},
    {"posture", "posture web01 --advice", "one host, and what to do"},
    {"posture", "posture --watch", "again and again"},

    {"drift", "drift --since 24h", "all rows that changed"},
    {"drift", "drift web01 --from 2026-11-01 --to 2026-11-08 -o jsonl",
     "one host, a week, for programs"},

    {"ssh", "ssh who", "every way in"},
    {"ssh", "ssh probe web01", "what its servers offer the controller"},
    {"ssh who", "ssh who --from 203.0.113.9", "who gets in from there"},
    {"ssh who", "ssh who web01 --account root", "how root gets in"},
    {"ssh probe", "ssh probe", "all hosts"},
    {"ssh probe", "ssh probe web01 --address 192.0.2.7",
     "where it is reached from here"},

    {"sessions", "sessions web01 --since 7d", "who was on a host"},
    {"sessions", "sessions --from 203.0.113.0/24", "who came from there"},
    {"sessions", "sessions --person 'Sato Hanako' --since 30d",
     "where somebody was, by the register persons"},
    {"events", "events --kind login_failed --since 1h", "failed logins"},
    {"events", "events web01 --account root", "what root did"},
    {"logs", "logs web01", "a picture of three months"},
    {"logs", "logs -l role=db --days 365", "a year of some hosts"},

    {"host", "host list", "all hosts"},
    {"host", "host label web01 role=web owner=hanako", "whose it is"},
    {"host list", "host list -l role=web -o wide", "some hosts, all columns"},
    {"host show", "host show web01", "address, agent, last word"},
    {"host history", "host history web01", "when which table changed"},
    {"host label", "host label web01 role=web owner=hanako", "set two"},
    {"host label", "host label web01 role-", "remove one"},
    {"host remove", "host remove web01", "it cannot come back as it is"},

    {"register", "register show", "all that people keep"},
    {"register", "register apply registers.yaml --dry-run",
     "what would change"},
    {"register show", "register show admin_sources -o yaml",
     "as apply takes it"},
    {"register history", "register history waivers", "who decided what"},
    {"register apply", "register apply registers.yaml --dry-run",
     "what would change"},
    {"register apply", "register apply registers.yaml", "all of it or nothing"},

    {"waiver", "waiver list --ending 14d", "those that end soon"},
    {"waiver add",
     "waiver add ssh-no-password --host web01 --days 30 --reason "
     "\"moves in June\" --approver taro",
     ""},
    {"waiver list", "waiver list --ending 14d", "those that end soon"},
    {"waiver end", "waiver end w-7c2f61a0", "from now on it fails again"},

    {"control", "control list", "all controls"},
    {"control", "control explain ssh-no-password", "one, and what to do"},
    {"control list", "control list --lang ja", "titles in Japanese"},
    {"control explain", "control explain ssh-no-password",
     "why it is there, how it is measured"},

    {"query", "query \"SELECT port, program FROM ports\"", "rows of all hosts"},
    {"query",
     "query \"SELECT name FROM packages WHERE name = 'sudo'\" --reduce "
     "\"SELECT count(*) AS n FROM rows\"",
     ""},

    {"schema", "schema", "all tables"},
    {"schema", "schema ports", "the columns of one"},

    {"baseline", "baseline check .", "try the controls on their examples"},
    {"baseline check", "baseline check .", "the files of this folder"},
    {"baseline diff", "baseline diff .", "what apply would change"},
    {"baseline apply", "baseline apply .", "all of it, if all is sound"},

    {"token", "token create", "a line that lets one host join"},
    {"token create", "token create --uses 10 --ttl 1h", "ten hosts, an hour"},
    {"token list", "token list", "which are left"},

    {"audit-local", "audit-local", "this host, worst first"},
    {"audit-local", "audit-local --advice", "and what to do"},
    {"completion", "completion bash", "what source takes"},
};

}  // namespace

std::string ExamplesOf(const std::string& command) {
  const size_t space = command.find(' ');
  const std::string_view name =
      space == std::string::npos ? std::string_view()
                                 : std::string_view(command).substr(space + 1);
  size_t width = 0;
  for (const Example& example : kExamples)
    if (example.command == name && !example.meaning.empty())
      width = std::max(width, example.words.size());
  std::string text;
  for (const Example& example : kExamples) {
    if (example.command != name) continue;
    text += example.meaning.empty()
                ? fmt::format("  metsukectl {}\n", example.words)
                : fmt::format("  metsukectl {:<{}}  {}\n", example.words, width,
                              example.meaning);
  }
  return text;
}

}  // namespace metsuke::cli
