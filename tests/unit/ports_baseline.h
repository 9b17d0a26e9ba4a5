// A baseline of two controls that look at open ports.

#ifndef METSUKE_TESTS_UNIT_PORTS_BASELINE_H_
#define METSUKE_TESTS_UNIT_PORTS_BASELINE_H_

namespace metsuke {

// Weighs differently: a telnet port costs more than an FTP port.
inline constexpr char kPortsBaseline[] = R"(
controls:
- id: no-telnet
  statements: [BZ-01]
  title: {en: No telnet, ja: telnet がない}
  severity: critical
  violations: SELECT port FROM ports WHERE port = 23
  flags: {ports: [{port: 23}]}
  clears: {ports: [{port: 22}]}
- id: no-ftp
  statements: [BZ-01]
  title: {en: No FTP, ja: FTP がない}
  severity: low
  violations: SELECT port FROM ports WHERE port = 21
  flags: {ports: [{port: 21}]}
  clears: {ports: [{port: 22}]}
)";

}  // namespace metsuke

#endif  // METSUKE_TESTS_UNIT_PORTS_BASELINE_H_
