// The reports of the nights, and since when which control fails on which host.

#ifndef METSUKE_CONTROLLER_STORE_REPORTS_H_
#define METSUKE_CONTROLLER_STORE_REPORTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/store/sql.h"
#include "controller/store/store.h"

namespace metsuke {

// A state of the host begins at `since`; notes it when a report has been begun
// that tells beyond that. In an open transaction.
absl::Status NoteLate(Database& database, const std::string& host,
                      int64_t since);

// Store::BeginReport in an open transaction.
absl::Status SetHorizon(Database& database, int64_t until);

// Store::PutReport in an open transaction.
absl::Status StoreReport(Database& database, const NightReport& report);

// Store::Reports.
absl::StatusOr<std::vector<v1::ReportEntry>> SelectReports(Database& database);

// Store::ReadReport.
absl::StatusOr<std::string> SelectReport(Database& database,
                                         const std::string& day,
                                         const std::string& selector);

// Store::VisitFindings.
absl::Status SelectFindings(Database& database, int64_t at,
                            const Store::TakeFinding& take);

// Store::Behind.
absl::StatusOr<std::map<std::string, int64_t>> SelectBehind(Database& database);

// Store::TablesSince.
absl::StatusOr<std::map<std::string, int64_t>> SelectTablesSince(
    Database& database, const std::string& id, int64_t at);

// Store::TableTimes.
absl::StatusOr<std::map<std::string, std::vector<int64_t>>> SelectTableTimes(
    Database& database, const std::string& id, int64_t from, int64_t to);

// Store::Losses.
absl::StatusOr<std::vector<HostLoss>> SelectLosses(Database& database,
                                                   int64_t from, int64_t to);

// Forgets reports that ended and findings that closed before `before`, in an
// open transaction.
absl::Status ForgetReports(Database& database, int64_t before);

}  // namespace metsuke

#endif  // METSUKE_CONTROLLER_STORE_REPORTS_H_
