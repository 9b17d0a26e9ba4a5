// Operators' call for findings that other programs read.

#include <string>
#include <unordered_set>

#include "controller/judge/finding.h"
#include "controller/judge/verdicts.h"
#include "controller/operator.h"
#include "controller/operator_call.h"
#include "proto/status.h"

namespace metsuke {
namespace {

// Of findings in one message: well below what a message may have.
constexpr size_t kPieceBytes = 256 << 10;

// Sends hosts, one after the other, with their findings.
class Writer {
 public:
  Writer(Verdicts& verdicts, bool past,
         grpc::ServerWriter<v1::ExportReply>* writer)
      : verdicts_(verdicts), past_(past), writer_(writer) {}

  // Says what all that follows was judged by.
  void Head(int64_t at) {
    reply_.mutable_head()->set_at(at);
    reply_.mutable_head()->set_baseline(verdicts_.baseline().version);
  }

  absl::Status Host(const FleetHost& host, bool stale,
                    const HostStates& states) {
    Flush();
    *reply_.mutable_host() = host.entry;
    reply_.mutable_host()->set_stale(stale);
    // Of the past it is known since when somebody was silent, and no more.
    if (past_ && !stale) reply_.mutable_host()->clear_last_seen();
    v1::HostPosture& posture = *reply_.mutable_posture();
    posture.set_host(host.entry.host());
    posture.set_last_seen(reply_.host().last_seen());
    posture.set_stale(stale);
    if (!HasReported(host)) {
      Unreported(posture);
      return absl::OkStatus();
    }
    const TableDigests& tables = states[host.state]->tables;
    ASSIGN_OR_RETURN(const auto judged, verdicts_.Judged(tables));
    const Waived waived = verdicts_.WaivedOn(tables, *judged, host.entry.id());
    SetScore(verdicts_.baseline(),
             CountWaived(verdicts_.baseline(), *judged, waived), posture);
    for (size_t i = 0; i < judged->judgements.size(); ++i) {
      v1::Finding& finding = Next();
      SetFinding(verdicts_.baseline().controls[i].control,
                 *judged->judgements[i], finding);
      if (const auto waiver = waived.find(i); waiver != waived.end())
        SetWaived(*waiver->second, finding);
    }
    return absl::OkStatus();
  }

  // False when nobody listens any more.
  bool Flush() {
    alive_ = alive_ && writer_->Write(reply_);
    reply_.Clear();
    bytes_ = 0;
    return alive_;
  }
  bool alive() const { return alive_; }

 private:
  // Of a host that nobody has looked at nothing passes.
  void Unreported(v1::HostPosture& posture) {
    const CompiledBaseline& baseline = verdicts_.baseline();
    const std::vector<v1::Verdict> none(baseline.controls.size(),
                                        v1::VERDICT_UNKNOWN);
    SetScore(baseline, Count(baseline, none, {}), posture);
    Judgement unknown;
    unknown.reason = HostText(std::string("the host has not reported"));
    for (const CompiledControl& control : baseline.controls)
      SetFinding(control.control, unknown, Next());
  }

  // Evidence may be large; most findings have none.
  v1::Finding& Next() {
    if (reply_.findings_size() > 0)
      bytes_ += reply_.findings(reply_.findings_size() - 1).ByteSizeLong();
    if (bytes_ > kPieceBytes) Flush();
    return *reply_.add_findings();
  }

  Verdicts& verdicts_;
  const bool past_;
  grpc::ServerWriter<v1::ExportReply>* writer_;
  v1::ExportReply reply_;
  size_t bytes_ = 0;
  bool alive_ = true;
};

}  // namespace

grpc::Status OperatorService::Export(
    grpc::ServerContext*, const v1::ExportRequest* request,
    grpc::ServerWriter<v1::ExportReply>* replies) {
  const auto judge = baseline_.judge();
  if (!judge)
    return ToGrpc(absl::NotFoundError(
        "no baseline is in force; metsukectl baseline apply FILES puts one"));
  const int64_t present = Now();
  if (request->at() > present)
    return ToGrpc(
        absl::InvalidArgumentError("what is asked about lies in the future"));
  const auto registers = registers_.At(request->at());
  if (!registers.ok()) return ToGrpc(registers.status());
  const int64_t at = request->at() != 0 ? request->at() : present;
  Verdicts verdicts(*judge, Bodies(), (*registers)->digests, (*registers)->rows,
                    at);
  Writer writer(verdicts, request->at() != 0, replies);
  writer.Head(at);
  std::unordered_set<std::string> told;
  const absl::Status read = store_.VisitFleet(
      {request->selector(), request->host()}, request->at(),
      [&](const FleetHost& host,
          const HostStates& states) -> absl::Status {
        // One that took another name meanwhile comes again.
        if (!told.insert(host.entry.id()).second) return absl::OkStatus();
        RETURN_IF_ERROR(
            writer.Host(host, Stale(host.entry.last_seen(), at), states));
        return writer.alive() ? absl::OkStatus()
                              : absl::CancelledError("nobody listens");
      });
  if (!read.ok()) return ToGrpc(read);
  writer.Flush();
  return grpc::Status::OK;
}

}  // namespace metsuke
