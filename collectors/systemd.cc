#include "collectors/systemd.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "collectors/bus_message.h"
#include "collectors/collector.h"
#include "collectors/descriptor.h"
#include "collectors/errno_status.h"
#include "collectors/systemd_facts.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kService[] = "org.freedesktop.systemd1";
constexpr char kManagerPath[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kTimer[] = "org.freedesktop.systemd1.Timer";

// What a bus or systemd refuses with.
absl::Status Refusal(const sd_bus_error& error, int code,
                     std::string_view what) {
  const std::string_view name = error.name == nullptr ? "" : error.name;
  constexpr std::string_view kBus = "org.freedesktop.DBus.Error.";
  const std::string text = fmt::format(
      "systemd: {}: {}", what, error.message == nullptr ? name : error.message);
  if (name == fmt::format("{}ServiceUnknown", kBus) ||
      name == fmt::format("{}NameHasNoOwner", kBus) ||
      name.starts_with(fmt::format("{}Spawn.", kBus)))
    return Absent("systemd does not run here");
  if (name == fmt::format("{}AccessDenied", kBus))
    return absl::PermissionDeniedError(text);
  if (name == fmt::format("{}NoReply", kBus) ||
      name == fmt::format("{}Timeout", kBus))
    return absl::DeadlineExceededError(text);
  return name.empty() ? BusFailure(code, what) : absl::UnavailableError(text);
}

// Speaks the hand-shake, for no longer than a call may take: sd-bus itself
// would wait for a minute and a half.
absl::Status MakeReady(sd_bus* bus) {
  const auto until = Clock::now() + kBusPatience;
  while (true) {
    const int ready = sd_bus_is_ready(bus);
    if (ready < 0) return BusFailure(ready, "connect");
    if (ready > 0) return absl::OkStatus();
    const int worked = sd_bus_process(bus, nullptr);
    if (worked < 0) return BusFailure(worked, "connect");
    if (worked > 0) continue;
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
        until - Clock::now());
    if (left.count() <= 0) return BusFailure(-ETIMEDOUT, "connect");
    const int waited = sd_bus_wait(bus, static_cast<uint64_t>(left.count()));
    if (waited < 0 && waited != -EINTR) return BusFailure(waited, "connect");
  }
}

// Calls `take` for each unit of a list of them.
template <typename Take>
absl::Status ForEachUnit(sd_bus_message* m, Take take) {
  return ForEachElement(m, "(ssssssouso)", [&] {
    const char *name, *description, *load, *active, *sub, *following, *path,
        *job, *job_path;
    uint32_t id;
    const int r = sd_bus_message_read(m, "(ssssssouso)", &name, &description,
                                      &load, &active, &sub, &following, &path,
                                      &id, &job, &job_path);
    if (r > 0) take(Unit{name, description, load, active, sub, ""});
    return r;
  });
}

bool IsTemplate(std::string_view unit) {
  return unit.find("@.") != std::string_view::npos;
}

bool IsInstance(std::string_view unit) {
  return unit.find('@') != std::string_view::npos && !IsTemplate(unit);
}

}  // namespace

absl::StatusOr<Systemd> Systemd::Connect(const Host& host) {
  absl::StatusOr<int> fd = host.Bus();
  if (absl::IsNotFound(fd.status())) {
    // sd_booted(3): this folder stands wherever systemd is process 1.
    if (absl::IsNotFound(host.Stat("/run/systemd/system").status()))
      return Absent("systemd does not run here");
    return absl::UnavailableError(
        "systemd runs, but there is no system bus to ask it over; install "
        "dbus");
  }
  RETURN_IF_ERROR(fd.status());
  Descriptor descriptor(*fd);
  sd_bus* made = nullptr;
  int result = sd_bus_new(&made);
  Bus bus(made);
  if (result >= 0) result = sd_bus_set_fd(made, *fd, *fd);
  if (result < 0) return BusFailure(result, "connect");
  descriptor.Release();  // the bus closes it
  sd_bus_set_bus_client(made, 1);
  sd_bus_set_method_call_timeout(made,
                                 std::chrono::microseconds(kBusPatience).count());
  result = sd_bus_start(made);
  if (result < 0) return BusFailure(result, "connect");
  RETURN_IF_ERROR(MakeReady(made));
  return Systemd(std::move(bus));
}

absl::StatusOr<Systemd::Reply> Systemd::CallForPattern(
    const char* method, const std::string& pattern, const char* state) {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message* reply = nullptr;
  const auto call = [&](auto... states) {
    return sd_bus_call_method(bus_.get(), kService, kManagerPath, kManager,
                              method, &error, &reply, "asas", states..., 1,
                              pattern.c_str());
  };
  const int result = state == nullptr ? call(0) : call(1, state);
  absl::Status status =
      result < 0 ? Refusal(error, result, method) : absl::OkStatus();
  sd_bus_error_free(&error);
  if (!status.ok()) return status;
  return Reply(reply);
}

absl::StatusOr<Systemd::Reply> Systemd::Call(const char* path,
                                             const char* interface,
                                             const char* method,
                                             const std::string& argument) {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  sd_bus_message* reply = nullptr;
  const int result =
      sd_bus_call_method(bus_.get(), kService, path, interface, method, &error,
                         &reply, "s", argument.c_str());
  absl::Status status =
      result < 0 ? Refusal(error, result, method) : absl::OkStatus();
  sd_bus_error_free(&error);
  if (!status.ok()) return status;
  return Reply(reply);
}

absl::StatusOr<std::map<std::string, std::string>> Systemd::UnitFiles(
    const std::string& pattern) {
  ASSIGN_OR_RETURN(const Reply reply,
                   CallForPattern("ListUnitFilesByPatterns", pattern));
  std::map<std::string, std::string> states;
  const char *path, *state;
  RETURN_IF_ERROR(ForEachElement(reply.get(), "(ss)", [&] {
    const int r = sd_bus_message_read(reply.get(), "(ss)", &path, &state);
    if (r > 0)
      states[std::string(path).substr(std::string_view(path).rfind('/') + 1)] =
          state;
    return r;
  }));
  return states;
}

absl::StatusOr<std::string> Systemd::FileState(const std::string& unit) {
  const auto reply = Call(kManagerPath, kManager, "GetUnitFileState", unit);
  if (absl::IsUnavailable(reply.status())) return std::string();  // no file
  RETURN_IF_ERROR(reply.status());
  const char* state = nullptr;
  if (const int r = sd_bus_message_read(reply->get(), "s", &state); r < 0)
    return BusFailure(r, "the answer");
  return BusText(state);
}

absl::StatusOr<std::vector<std::string>> Systemd::ActiveUnits(
    std::string_view suffix) {
  ASSIGN_OR_RETURN(const Reply reply,
                   CallForPattern("ListUnitsByPatterns",
                                  "*" + std::string(suffix), "active"));
  std::vector<std::string> names;
  RETURN_IF_ERROR(ForEachUnit(
      reply.get(), [&](const Unit& unit) { names.push_back(unit.name); }));
  std::ranges::sort(names);
  return names;
}

absl::StatusOr<std::vector<Unit>> Systemd::Units(std::string_view suffix) {
  const std::string pattern = "*" + std::string(suffix);
  ASSIGN_OR_RETURN(auto files, UnitFiles(pattern));
  ASSIGN_OR_RETURN(const Reply reply,
                   CallForPattern("ListUnitsByPatterns", pattern));
  std::map<std::string, Unit> units;
  RETURN_IF_ERROR(ForEachUnit(
      reply.get(), [&](const Unit& unit) { units[unit.name] = unit; }));
  for (auto& [name, unit] : units) {
    if (const auto file = files.find(name); file != files.end()) {
      unit.enabled = file->second;
    } else if (IsInstance(name) && unit.load == "loaded") {
      ASSIGN_OR_RETURN(unit.enabled, FileState(name));
    }
  }
  for (const auto& [name, state] : files) {
    if (state == "alias") continue;
    const bool masked = state == "masked" || state == "masked-runtime";
    units.try_emplace(name, Unit{name, "", masked ? "masked" : "", "inactive",
                                 "dead", state});
  }
  std::vector<Unit> sorted;
  for (auto& [name, unit] : units) sorted.push_back(std::move(unit));
  return sorted;
}

template <typename Read>
absl::Status Systemd::ForEachProperty(const std::string& unit,
                                      const char* interface, Read read) {
  char* made = nullptr;
  const int encoded =
      sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &made);
  const std::unique_ptr<char, decltype(&free)> path(made, free);
  if (encoded < 0) return BusFailure(encoded, unit);
  ASSIGN_OR_RETURN(
      const Reply reply,
      Call(made, "org.freedesktop.DBus.Properties", "GetAll", interface));
  sd_bus_message* m = reply.get();
  absl::Status status;
  RETURN_IF_ERROR(ForEachElement(m, "{sv}", [&] {
    int r = sd_bus_message_enter_container(m, 'e', "sv");
    if (r <= 0) return r;
    const char* name = nullptr;
    r = sd_bus_message_read(m, "s", &name);
    if (r < 0) return r;
    status = read(m, BusText(name));
    if (!status.ok()) return 0;
    r = sd_bus_message_exit_container(m);
    return r < 0 ? r : 1;
  }));
  return status;
}

absl::StatusOr<TimerFacts> Systemd::Timer(const std::string& timer) {
  TimerFacts facts;
  if (IsTemplate(timer)) return facts;  // no unit: only its instances are
  RETURN_IF_ERROR(ForEachProperty(
      timer, kTimer, [&](sd_bus_message* m, const std::string& name) {
        return ReadProperty(m, name, facts);
      }));
  return facts;
}

absl::StatusOr<ServiceFacts> Systemd::Service(const std::string& service) {
  ServiceFacts facts;
  RETURN_IF_ERROR(ForEachProperty(
      service, "org.freedesktop.systemd1.Service",
      [&](sd_bus_message* m, const std::string& name) {
        return ReadProperty(m, name, facts);
      }));
  return facts;
}

absl::StatusOr<SocketFacts> Systemd::Socket(const std::string& socket) {
  SocketFacts facts;
  RETURN_IF_ERROR(ForEachProperty(
      socket, "", [&](sd_bus_message* m, const std::string& name) {
        return ReadProperty(m, name, facts);
      }));
  return facts;
}

std::string TimeSpan(uint64_t microseconds) {
  constexpr std::pair<const char*, uint64_t> kUnits[] = {{"w", 604800000000},
                                                         {"d", 86400000000},
                                                         {"h", 3600000000},
                                                         {"min", 60000000},
                                                         {"s", 1000000},
                                                         {"ms", 1000},
                                                         {"us", 1}};
  if (microseconds == 0) return "0";
  if (microseconds == UINT64_MAX) return "infinity";
  std::string text;
  for (const auto& [unit, size] : kUnits) {
    if (microseconds < size) continue;
    text += fmt::format("{}{}{}", text.empty() ? "" : " ", microseconds / size,
                        unit);
    microseconds %= size;
  }
  return text;
}

}  // namespace metsuke
