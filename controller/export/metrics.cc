#include "controller/export/metrics.h"

#include <prometheus/text_serializer.h>

#include <functional>
#include <sstream>
#include <utility>

#include "proto/encode.h"
#include "proto/text.h"
#include "proto/version.h"

namespace metsuke {
namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;

constexpr v1::Severity kSeverities[] = {v1::SEVERITY_CRITICAL,
                                        v1::SEVERITY_HIGH, v1::SEVERITY_MEDIUM,
                                        v1::SEVERITY_LOW};

std::string Name(v1::Severity severity) {
  return EnumText(v1::Severity_descriptor()->FindValueByNumber(severity));
}

// One family after the other becomes text, so that the samples of one at most
// are in memory beside it.
class Writer {
 public:
  explicit Writer(const FleetMetrics& fleet) : fleet_(fleet) {}

  void Begin(const char* name, const char* help) {
    family_ = {};
    family_.name = name;
    family_.help = help;
    family_.type = prometheus::MetricType::Gauge;
  }
  void Add(Labels labels, double value) {
    prometheus::ClientMetric& sample = family_.metric.emplace_back();
    sample.label = std::move(labels);
    sample.gauge.value = value;
  }
  // A family without samples says nothing.
  void End() {
    if (!family_.metric.empty())
      prometheus::TextSerializer().Serialize(text_, {std::move(family_)});
  }

  // A family with one sample.
  void One(const char* name, const char* help, double value) {
    Begin(name, help);
    Add({}, value);
    End();
  }

  // A family with what `add` adds of each host, given its labels. A name may be
  // that of several hosts, an id may not.
  void Hosts(
      const char* name, const char* help,
      const std::function<void(const HostMetrics&, const Labels&)>& add) {
    Begin(name, help);
    for (const auto& [id, host] : fleet_.hosts)
      add(host,
          {{"host", enc::Tty(HostText(host.posture.host()))}, {"id", id}});
    End();
  }

  std::string text() const { return text_.str(); }

 private:
  const FleetMetrics& fleet_;
  prometheus::MetricFamily family_;
  std::ostringstream text_;
};

Labels With(Labels labels, const char* name, std::string value) {
  labels.push_back({name, std::move(value)});
  return labels;
}

void WriteScores(Writer& out) {
  const auto score = [&out](double (v1::HostPosture::*value)() const) {
    return [&out, value](const HostMetrics& host, const Labels& labels) {
      if (host.reported && (host.posture.*value)() >= 0)
        out.Add(labels, (host.posture.*value)());
    };
  };
  out.Hosts("metsuke_host_score",
            "Weight passed of 100 applicable; unknown counts as not passed, "
            "waived as passed.",
            score(&v1::HostPosture::score));
  out.Hosts("metsuke_host_score_without_waivers",
            "The score as it would be if no waiver existed.",
            score(&v1::HostPosture::score_without_waivers));
  out.Hosts("metsuke_host_coverage",
            "Controls judged of 100 that are applicable.",
            score(&v1::HostPosture::coverage));
}

void WriteHosts(const FleetMetrics& fleet, Writer& out) {
  if (!fleet.baseline.empty()) {
    WriteScores(out);
    out.Hosts("metsuke_host_controls",
              "Controls by how they came out; those that are waived failed.",
              [&](const HostMetrics& host, const Labels& labels) {
                const v1::HostPosture& posture = host.posture;
                for (const auto& [verdict, count] :
                     {std::pair("pass", posture.pass()),
                      {"fail", posture.fail()},
                      {"unknown", posture.unknown()},
                      {"not_applicable", posture.not_applicable()}})
                  out.Add(With(labels, "verdict", verdict), count);
              });
    out.Hosts("metsuke_host_findings",
              "Controls that failed and no waiver covers.",
              [&](const HostMetrics& host, const Labels& labels) {
                if (!host.reported) return;
                for (const v1::Severity severity : kSeverities)
                  out.Add(With(labels, "severity", Name(severity)),
                          host.failed[severity]);
              });
  }
  out.Hosts("metsuke_host_last_seen_seconds",
            "When the host was last heard of, in seconds since 1970-01-01 UTC.",
            [&](const HostMetrics& host, const Labels& labels) {
              if (host.posture.last_seen() != 0)
                out.Add(labels, static_cast<double>(host.posture.last_seen()));
            });
  out.Hosts("metsuke_host_stale",
            "1 when the host has been silent for longer than three intervals.",
            [&](const HostMetrics& host, const Labels& labels) {
              out.Add(labels, host.posture.stale() ? 1 : 0);
            });
}

void WriteControls(const FleetMetrics& fleet, Writer& out) {
  const auto family = [&](const char* name, const char* help,
                          uint32_t ControlMetrics::*count) {
    out.Begin(name, help);
    for (const auto& [id, control] : fleet.controls)
      out.Add({{"control", id}, {"severity", Name(control.severity)}},
              control.*count);
    out.End();
  };
  family("metsuke_control_failed_hosts",
         "Hosts on which the control fails and no waiver covers it.",
         &ControlMetrics::failed);
  family("metsuke_control_unknown_hosts",
         "Hosts on which the control could not be judged.",
         &ControlMetrics::unknown);
}

void WriteSums(const FleetMetrics& fleet, Writer& out) {
  uint32_t stale = 0, unreported = 0, unknown = 0, waived = 0;
  std::array<uint32_t, v1::Severity_ARRAYSIZE> worst{};
  for (const auto& [id, host] : fleet.hosts) {
    stale += host.posture.stale();
    unreported += !host.reported;
    unknown += host.posture.unknown() > 0;
    waived += host.posture.waived() > 0;
    ++worst[host.posture.worst()];
  }
  out.One("metsuke_hosts", "Hosts of the fleet.", fleet.hosts.size());
  out.One("metsuke_hosts_stale",
          "Hosts silent for longer than three intervals.", stale);
  out.One("metsuke_hosts_unreported", "Hosts that have never reported.",
          unreported);
  if (fleet.baseline.empty()) return;
  out.One("metsuke_hosts_unknown",
          "Hosts with a control that could not be judged.", unknown);
  out.One("metsuke_hosts_waived",
          "Hosts with a failed control that a waiver covers.", waived);
  out.Begin("metsuke_hosts_failed",
            "Hosts with a failed control that no waiver covers, by its worst "
            "severity.");
  for (const v1::Severity severity : kSeverities)
    out.Add({{"severity", Name(severity)}}, worst[severity]);
  out.End();
}

void WriteController(const FleetMetrics& fleet, Writer& out) {
  out.Begin("metsuke_build_info", "1; the version of the controller.");
  out.Add({{"version", kVersion}}, 1);
  out.End();
  out.Begin("metsuke_baseline_info",
            "1; the version of the baseline in force.");
  if (!fleet.baseline.empty()) out.Add({{"version", fleet.baseline}}, 1);
  out.End();
  out.One("metsuke_judged_timestamp_seconds",
          "When the hosts were judged, in seconds since 1970-01-01 UTC.",
          static_cast<double>(fleet.at));
  if (fleet.certificate_until != 0)
    out.One("metsuke_certificate_end_timestamp_seconds",
            "When the controller's certificate ends: from then on nobody can "
            "reach it.",
            static_cast<double>(fleet.certificate_until));
  out.One("metsuke_waivers_ending", "Waivers that end within 14 days.",
          fleet.waivers_ending);
  if (!fleet.night) return;
  out.One("metsuke_report_timestamp_seconds",
          "Up to when the last night's report tells.",
          static_cast<double>(fleet.night->to()));
  out.One("metsuke_report_hosts_unseen",
          "Hosts of which the last night's report could not see something.",
          fleet.night->unseen());
}

}  // namespace

std::string MetricsText(const FleetMetrics& fleet) {
  Writer out(fleet);
  WriteController(fleet, out);
  WriteSums(fleet, out);
  WriteHosts(fleet, out);
  WriteControls(fleet, out);
  return out.text();
}

}  // namespace metsuke
