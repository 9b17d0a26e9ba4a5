// What the journal's catalogue explains (packaging/catalog): messages that ask
// somebody to act. An id is MESSAGE_ID of its record, and never means anything
// else (`journalctl --new-id128` makes one).

#ifndef METSUKE_PROTO_MESSAGE_IDS_H_
#define METSUKE_PROTO_MESSAGE_IDS_H_

namespace metsuke {

// Of an agent.
inline constexpr char kCollectorSilent[] = "b0acdfb9b75c4586a076823d4e85c8f5";
inline constexpr char kRecordsLost[] = "38566dd7209542df9a9312e2d74ffb72";
inline constexpr char kNotRecorded[] = "b96bf5809e1042f39c229563095cb53a";
inline constexpr char kControllerSilent[] = "896e3c2f0a374282888e7494b6117d65";
inline constexpr char kCertificateNotRenewed[] =
    "0987ad5ce0cc4c3fa260da95cb3afe89";

// Of a controller.
inline constexpr char kHostLostRecords[] = "45e0943a372f4047bc8c8261adee79e3";
inline constexpr char kAgentNewer[] = "ee382e7773294121bf8ba680eabef9c0";
inline constexpr char kEnrolmentRefused[] = "a6e04041ff464b029ef920b1b5cebe2b";
inline constexpr char kNothingStored[] = "aa3e840bac6e425287508bf96de154e2";
inline constexpr char kReportKept[] = "a693fd7bddab43af99de3abd85821817";
inline constexpr char kReportNotMade[] = "d12ebd0fc652453d83adb0afbd35d88d";
inline constexpr char kDeliveryGivenUp[] = "1257a33e88124097b5e884229f0409b9";

}  // namespace metsuke

#endif  // METSUKE_PROTO_MESSAGE_IDS_H_
