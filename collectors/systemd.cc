#include "collectors/systemd.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "collectors/collector.h"
#include "collectors/descriptor.h"
#include "collectors/errno_status.h"
#include "proto/status.h"

namespace metsuke {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kService[] = "org.freedesktop.systemd1";
constexpr char kManagerPath[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kTimer[] = "org.freedesktop.systemd1.Timer";
constexpr auto kPatience = std::chrono::seconds(5);

absl::Status Failure(int error, std::string_view what) {
  if (error == -ETIMEDOUT)
    return absl::DeadlineExceededError(
        fmt::format("systemd: {}: no answer in {} s", what, kPatience.count()));
  return ErrnoStatus(-error, fmt::format("systemd: {}", what));
}

// What a bus or systemd refuses with.
absl::Status Failure(const sd_bus_error& error, int code,
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
  return name.empty() ? Failure(code, what) : absl::UnavailableError(text);
}

// Speaks the hand-shake, for no longer than a call may take: sd-bus itself
// would wait for a minute and a half.
absl::Status MakeReady(sd_bus* bus) {
  const auto until = Clock::now() + kPatience;
  while (true) {
    const int ready = sd_bus_is_ready(bus);
    if (ready < 0) return Failure(ready, "connect");
    if (ready > 0) return absl::OkStatus();
    const int worked = sd_bus_process(bus, nullptr);
    if (worked < 0) return Failure(worked, "connect");
    if (worked > 0) continue;
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(
        until - Clock::now());
    if (left.count() <= 0) return Failure(-ETIMEDOUT, "connect");
    const int waited = sd_bus_wait(bus, static_cast<uint64_t>(left.count()));
    if (waited < 0 && waited != -EINTR) return Failure(waited, "connect");
  }
}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

// Reads each element of an array of structures by `read`, which returns what
// sd_bus_message_read of one structure returns.
template <typename Read>
absl::Status ForEach(sd_bus_message* message, const char* element, Read read) {
  int result = sd_bus_message_enter_container(message, 'a', element);
  while (result > 0) result = read();
  if (result < 0) return Failure(result, "the answer");
  result = sd_bus_message_exit_container(message);
  return result < 0 ? Failure(result, "the answer") : absl::OkStatus();
}

// Calls `take` for each unit of a list of them.
template <typename Take>
absl::Status ForEachUnit(sd_bus_message* m, Take take) {
  return ForEach(m, "(ssssssouso)", [&] {
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

// Reads a list of strings.
absl::Status ReadStrings(sd_bus_message* m, std::vector<std::string>& strings) {
  return ForEach(m, "s", [&] {
    const char* text;
    const int r = sd_bus_message_read(m, "s", &text);
    if (r > 0) strings.push_back(Text(text));
    return r;
  });
}

// Reads a property by `read`, as far as the bus goes.
template <typename Read>
absl::Status InVariant(sd_bus_message* m, const char* type, Read read) {
  const int entered = sd_bus_message_enter_container(m, 'v', type);
  if (entered < 0) return Failure(entered, "the answer");
  RETURN_IF_ERROR(read());
  const int left = sd_bus_message_exit_container(m);
  return left < 0 ? Failure(left, "the answer") : absl::OkStatus();
}

bool IsTemplate(std::string_view unit) {
  return unit.find("@.") != std::string_view::npos;
}

bool IsInstance(std::string_view unit) {
  return unit.find('@') != std::string_view::npos && !IsTemplate(unit);
}

// "OnBootUSec", as the property is called, is OnBootSec= in a unit file.
std::string Setting(std::string_view base) {
  if (base.ends_with("USec"))
    return std::string(base.substr(0, base.size() - 4)) + "Sec";
  return std::string(base);
}

void AddExpression(const char* base, const std::string& expression,
                   std::string& schedule) {
  if (!schedule.empty()) schedule += "; ";
  schedule += Setting(Text(base)) + "=" + expression;
}

// Reads the value of one property of a timer, if it is one that is wanted.
absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          TimerFacts& facts) {
  const char *base, *text;
  uint64_t span, next;
  int result;
  if (name == "TimersCalendar") {
    result = sd_bus_message_enter_container(m, 'v', "a(sst)");
    if (result < 0) return Failure(result, "the answer");
    RETURN_IF_ERROR(ForEach(m, "(sst)", [&] {
      const int r = sd_bus_message_read(m, "(sst)", &base, &text, &next);
      if (r > 0) AddExpression(base, Text(text), facts.schedule);
      return r;
    }));
    result = sd_bus_message_exit_container(m);
  } else if (name == "TimersMonotonic") {
    result = sd_bus_message_enter_container(m, 'v', "a(stt)");
    if (result < 0) return Failure(result, "the answer");
    RETURN_IF_ERROR(ForEach(m, "(stt)", [&] {
      const int r = sd_bus_message_read(m, "(stt)", &base, &span, &next);
      if (r > 0) AddExpression(base, TimeSpan(span), facts.schedule);
      return r;
    }));
    result = sd_bus_message_exit_container(m);
  } else if (name == "Unit") {
    result = sd_bus_message_read(m, "v", "s", &text);
    if (result >= 0) facts.unit = Text(text);
  } else if (name == "Persistent") {
    int persistent = 0;
    result = sd_bus_message_read(m, "v", "b", &persistent);
    facts.persistent = persistent != 0;
  } else if (name == "LastTriggerUSec") {
    result = sd_bus_message_read(m, "v", "t", &facts.last_trigger);
    if (facts.last_trigger == UINT64_MAX) facts.last_trigger = 0;
  } else {
    result = sd_bus_message_skip(m, "v");
  }
  return result < 0 ? Failure(result, "the answer") : absl::OkStatus();
}

absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          SocketFacts& facts) {
  const char *kind, *text;
  int result;
  if (name == "Listen") {
    return InVariant(m, "a(ss)", [&] {
      return ForEach(m, "(ss)", [&] {
        const int r = sd_bus_message_read(m, "(ss)", &kind, &text);
        if (r > 0 && Text(kind) == "Stream")
          facts.streams.push_back(Text(text));
        return r;
      });
    });
  } else if (name == "Triggers") {
    return InVariant(m, "as", [&] { return ReadStrings(m, facts.starts); });
  } else if (name == "Accept") {
    int accept = 0;
    result = sd_bus_message_read(m, "v", "b", &accept);
    facts.accept = accept != 0;
  } else if (name == "ActiveState" || name == "BindIPv6Only") {
    result = sd_bus_message_read(m, "v", "s", &text);
    if (result >= 0)
      (name == "ActiveState" ? facts.active : facts.bind_ipv6_only) =
          Text(text);
  } else {
    result = sd_bus_message_skip(m, "v");
  }
  return result < 0 ? Failure(result, "the answer") : absl::OkStatus();
}

absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          ServiceFacts& facts) {
  if (name == "ExecStart")
    return InVariant(m, "a(sasbttttuii)", [&]() -> absl::Status {
      absl::Status status;
      RETURN_IF_ERROR(ForEach(m, "(sasbttttuii)", [&] {
        int r = sd_bus_message_enter_container(m, 'r', "sasbttttuii");
        if (r <= 0) return r;
        r = sd_bus_message_skip(m, "s");  // the program, as in the arguments
        if (r < 0) return r;
        status = ReadStrings(m, facts.commands.emplace_back());
        if (!status.ok()) return 0;
        r = sd_bus_message_skip(m, "bttttuii");
        if (r >= 0) r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
      }));
      return status;
    });
  if (name == "Environment")
    return InVariant(m, "as",
                     [&] { return ReadStrings(m, facts.environment); });
  if (name == "EnvironmentFiles")
    return InVariant(m, "a(sb)", [&] {
      return ForEach(m, "(sb)", [&] {
        const char* path;
        int optional;
        const int r = sd_bus_message_read(m, "(sb)", &path, &optional);
        if (r > 0) facts.environment_files.push_back(Text(path));
        return r;
      });
    });
  const int result = sd_bus_message_skip(m, "v");
  return result < 0 ? Failure(result, "the answer") : absl::OkStatus();
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
  if (result < 0) return Failure(result, "connect");
  descriptor.Release();  // the bus closes it
  sd_bus_set_bus_client(made, 1);
  sd_bus_set_method_call_timeout(made,
                                 std::chrono::microseconds(kPatience).count());
  result = sd_bus_start(made);
  if (result < 0) return Failure(result, "connect");
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
      result < 0 ? Failure(error, result, method) : absl::OkStatus();
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
      result < 0 ? Failure(error, result, method) : absl::OkStatus();
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
  RETURN_IF_ERROR(ForEach(reply.get(), "(ss)", [&] {
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
    return Failure(r, "the answer");
  return Text(state);
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
  if (encoded < 0) return Failure(encoded, unit);
  ASSIGN_OR_RETURN(
      const Reply reply,
      Call(made, "org.freedesktop.DBus.Properties", "GetAll", interface));
  sd_bus_message* m = reply.get();
  absl::Status status;
  RETURN_IF_ERROR(ForEach(m, "{sv}", [&] {
    int r = sd_bus_message_enter_container(m, 'e', "sv");
    if (r <= 0) return r;
    const char* name = nullptr;
    r = sd_bus_message_read(m, "s", &name);
    if (r < 0) return r;
    status = read(m, Text(name));
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
