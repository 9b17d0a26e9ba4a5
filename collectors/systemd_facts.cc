#include "collectors/systemd_facts.h"

#include "collectors/bus_message.h"

namespace metsuke {
namespace {

// "OnBootUSec", as the property is called, is OnBootSec= in a unit file.
std::string Setting(std::string_view base) {
  if (base.ends_with("USec"))
    return std::string(base.substr(0, base.size() - 4)) + "Sec";
  return std::string(base);
}

void AddExpression(const char* base, const std::string& expression,
                   std::string& schedule) {
  if (!schedule.empty()) schedule += "; ";
  schedule += Setting(BusText(base)) + "=" + expression;
}

}  // namespace

absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          TimerFacts& facts) {
  const char *base, *text;
  uint64_t span, next;
  int result;
  if (name == "TimersCalendar") {
    return InVariant(m, "a(sst)", [&] {
      return ForEachElement(m, "(sst)", [&] {
        const int r = sd_bus_message_read(m, "(sst)", &base, &text, &next);
        if (r > 0) AddExpression(base, BusText(text), facts.schedule);
        return r;
      });
    });
  } else if (name == "TimersMonotonic") {
    return InVariant(m, "a(stt)", [&] {
      return ForEachElement(m, "(stt)", [&] {
        const int r = sd_bus_message_read(m, "(stt)", &base, &span, &next);
        if (r > 0) AddExpression(base, TimeSpan(span), facts.schedule);
        return r;
      });
    });
  } else if (name == "Unit") {
    result = sd_bus_message_read(m, "v", "s", &text);
    if (result >= 0) facts.unit = BusText(text);
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
  return result < 0 ? BusFailure(result, "the answer") : absl::OkStatus();
}

absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          SocketFacts& facts) {
  const char *kind, *text;
  int result;
  if (name == "Listen") {
    return InVariant(m, "a(ss)", [&] {
      return ForEachElement(m, "(ss)", [&] {
        const int r = sd_bus_message_read(m, "(ss)", &kind, &text);
        if (r > 0 && BusText(kind) == "Stream")
          facts.streams.push_back(BusText(text));
        return r;
      });
    });
  } else if (name == "Triggers") {
    return InVariant(m, "as", [&] { return ReadStringList(m, facts.starts); });
  } else if (name == "Accept") {
    int accept = 0;
    result = sd_bus_message_read(m, "v", "b", &accept);
    facts.accept = accept != 0;
  } else if (name == "ActiveState" || name == "BindIPv6Only") {
    result = sd_bus_message_read(m, "v", "s", &text);
    if (result >= 0)
      (name == "ActiveState" ? facts.active : facts.bind_ipv6_only) =
          BusText(text);
  } else {
    result = sd_bus_message_skip(m, "v");
  }
  return result < 0 ? BusFailure(result, "the answer") : absl::OkStatus();
}

absl::Status ReadProperty(sd_bus_message* m, std::string_view name,
                          ServiceFacts& facts) {
  if (name == "ExecStart")
    return InVariant(m, "a(sasbttttuii)", [&]() -> absl::Status {
      absl::Status status;
      RETURN_IF_ERROR(ForEachElement(m, "(sasbttttuii)", [&] {
        int r = sd_bus_message_enter_container(m, 'r', "sasbttttuii");
        if (r <= 0) return r;
        r = sd_bus_message_skip(m, "s");  // the program, as in the arguments
        if (r < 0) return r;
        status = ReadStringList(m, facts.commands.emplace_back());
        if (!status.ok()) return 0;
        r = sd_bus_message_skip(m, "bttttuii");
        if (r >= 0) r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
      }));
      return status;
    });
  if (name == "Environment")
    return InVariant(m, "as",
                     [&] { return ReadStringList(m, facts.environment); });
  if (name == "EnvironmentFiles")
    return InVariant(m, "a(sb)", [&] {
      return ForEachElement(m, "(sb)", [&] {
        const char* path;
        int optional;
        const int r = sd_bus_message_read(m, "(sb)", &path, &optional);
        if (r > 0) facts.environment_files.push_back(BusText(path));
        return r;
      });
    });
  const int result = sd_bus_message_skip(m, "v");
  return result < 0 ? BusFailure(result, "the answer") : absl::OkStatus();
}

}  // namespace metsuke
