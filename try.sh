#!/usr/bin/env bash
# Tries Metsuke on this machine: builds it, starts controller and agent on
# loopback, enrols this host with a one-time token over mutual TLS and shows
# its posture. Touches nothing outside build/ and .try/ but the package
# manager; nothing listens outside loopback.
#
#   ./try.sh [--no-install] [--simulate N] [--json]
#   ./try.sh ctl ARGS…      metsukectl ARGS… against it
#   ./try.sh --stop         ends what it started
#   ./try.sh --reset        ends it and forgets everything
set -euo pipefail
cd "$(dirname "$0")"
bin=$PWD/build/bin try=$PWD/.try log=$PWD/.try/log
controller=127.0.0.1:7443 enrol=127.0.0.1:7444

install=1 json="" simulate=0 step_number=0
die() { echo "try.sh: $*" >&2; exit 1; }

# One line a step; details in .try/log.
step() { step_number=$((step_number + 1)); printf '[%s/5] %-9s %s\n' "$step_number" "$1" "$2" >&2; }
run() {
  echo "+ $*" >>"$log"
  ("$@") >>"$log" 2>&1 </dev/null && return
  echo "try.sh: this failed: $*" >&2
  tail -n 20 "$log" >&2
  echo "try.sh: all of it is in .try/log; to try again: ./try.sh" >&2
  exit 1
}

alive() { [ -f "$try/run/$1.pid" ] && kill -0 "$(cat "$try/run/$1.pid")" 2>/dev/null && grep -qa "metsuke-$1" "/proc/$(cat "$try/run/$1.pid")/cmdline" 2>/dev/null; }

# Whether it was built anew since it was started.
outdated() { [[ $(readlink "/proc/$(cat "$try/run/$1.pid")/exe") == *" (deleted)" ]]; }

end() { # end NAME, if it runs
  local pid
  alive "$1" || return 0
  pid=$(cat "$try/run/$1.pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
  kill -9 "$pid" 2>/dev/null || true
}

stop() {
  local name
  for name in agent collect enrol controller ca; do end $name; done
  rm -f "$try"/run/*.pid
}

case ${1:-} in
  ctl) shift; exec "$bin/metsukectl" --config "$try/ctl/ctl.yaml" "$@" ;;
  --stop) stop; exit 0 ;;
  --reset) stop; rm -rf "$try"; exit 0 ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --no-install) install= ;;
    --json) json=1 ;;
    --simulate) simulate=${2:?--simulate needs a number}; shift ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
  esac
  shift
done
[[ $simulate =~ ^[0-9]{1,5}$ ]] || die "--simulate: $simulate is not a number of hosts"
mkdir -p "$try/run"
chmod 0711 "$try" "$try/run"
: >"$log"

step packages "what the build needs"
if [ -n "$install" ]; then run packaging/install.sh build run; fi
step build "into build/, programs in build/bin/"
[ -f build/build.ninja ] || run cmake --preset release
run ninja -C build programs

# Two uids as the units will have; without root both are ours, and what needs
# privilege will be reported as not seen.
if [ "$(id -u)" = 0 ]; then
  ca_uid=64101 controller_uid=64102 enrol_uid=64103 collect_uid=64104 agent_uid=64105
  as() { # as UID [CAPABILITIES] COMMAND…; replaces the shell that runs it
    local uid=$1 caps=-all; shift
    [[ $1 == +* ]] && { caps=-all,$1; shift; }
    exec setsid setpriv --reuid="$uid" --regid="$uid" --clear-groups --no-new-privs \
      --inh-caps="$caps" --ambient-caps="$caps" --bounding-set="$caps" "$@"
  }
  own() { chown "$1:$1" "$2"; }
else
  ca_uid=$(id -u) controller_uid=$ca_uid enrol_uid=$ca_uid collect_uid=$ca_uid agent_uid=$ca_uid
  as() { shift; [[ $1 == +* ]] && shift; exec setsid "$@"; }
  own() { :; }
fi
folder() { mkdir -p "$2"; own "$1" "$2"; chmod 0700 "$2"; } # folder UID PATH

start() { # start NAME UID [+CAPABILITIES] COMMAND…
  local name=$1; shift
  if alive "$name"; then
    outdated "$name" || return 0
    end "$name"
  fi
  echo "+ start $name: $*" >>"$log"
  : >"$try/run/$name.log"
  as "$@" >>"$try/run/$name.log" 2>&1 </dev/null &
  echo $! >"$try/run/$name.pid"
}
wait_for() { # wait_for NAME TEST…
  local name=$1; shift
  for _ in $(seq 100); do
    "$@" >/dev/null 2>&1 && return
    kill -0 "$(cat "$try/run/$name.pid")" 2>/dev/null || break
    sleep 0.1
  done
  "$@" >/dev/null 2>&1 && return
  echo "try.sh: metsuke-$name did not come up:" >&2
  tail -n 20 "$try/run/$name.log" >&2
  exit 1
}
listens() { (exec 3<>"/dev/tcp/${1%:*}/${1#*:}"); }

step start "controller $controller, enrolment $enrol, SQLite in .try/"
folder "$ca_uid" "$try/ca"
if [ ! -f "$try/ca/root.pem" ]; then
  run as "$ca_uid" "$bin/metsuke-ca" --state "$try/ca" init
  for role in "controller trial $controller_uid" "enrol trial $enrol_uid" "operator $(id -un) $(id -u)"; do
    set -- $role
    to=$try/$1; [ "$1" = operator ] && to=$try/ctl
    folder "$ca_uid" "$try/ca/out"
    run as "$ca_uid" "$bin/metsuke-ca" --state "$try/ca" issue "$1" "$2" --out "$try/ca/out"
    rm -rf "$to"; cp -r "$try/ca/out" "$to"; rm -rf "$try/ca/out"
    if [ "$(id -u)" = 0 ]; then chown -R "$3:$3" "$to"; fi
    chmod 0700 "$to"
  done
fi
folder "$controller_uid" "$try/state"
cat >"$try/run/ca.yaml" <<EOF
state: $try/ca
socket: $try/run/ca/socket
controller_uid: $controller_uid
enrol_uid: $enrol_uid
EOF
before=$(cat "$try/run/controller.yaml" 2>/dev/null || true)
cat >"$try/run/controller.yaml" <<EOF
listen: $controller
state: $try/state
certificate: $try/controller/certificate.pem
key: $try/controller/key.pem
root: $try/controller/root.pem
authority: $try/run/ca/socket
interval_seconds: 60
EOF
# Simulated hosts say that they have the addresses of this one.
if [ "$simulate" -gt 0 ] || [ -d "$try/swarm" ]; then
  echo "never_knocks: true" >>"$try/run/controller.yaml"
fi
[ "$before" = "$(cat "$try/run/controller.yaml")" ] || end controller
cat >"$try/run/enrol.yaml" <<EOF
listen: $enrol
certificate: $try/enrol/certificate.pem
key: $try/enrol/key.pem
authority: $try/run/ca/socket
EOF
cat >"$try/ctl/ctl.yaml" <<EOF
controller: $controller
certificate: $try/ctl/certificate.pem
key: $try/ctl/key.pem
root: $try/ctl/root.pem
EOF
cat >"$try/run/agent.yaml" <<EOF
controller: $controller
enrol: $enrol
state: $try/agent
collect: $try/run/collect/socket
EOF
for name in ca collect; do
  uid=${name}_uid; mkdir -p "$try/run/$name"; own "${!uid}" "$try/run/$name"; chmod 0711 "$try/run/$name"
done
start ca "$ca_uid" "$bin/metsuke-ca" --config "$try/run/ca.yaml"
wait_for ca test -S "$try/run/ca/socket"
start controller "$controller_uid" "$bin/metsuke-controller" --config "$try/run/controller.yaml"
wait_for controller listens $controller
start enrol "$enrol_uid" "$bin/metsuke-enrol" --config "$try/run/enrol.yaml"
wait_for enrol listens $enrol
ctl() { "$bin/metsukectl" --config "$try/ctl/ctl.yaml" "$@"; }
run ctl baseline apply playbooks/baseline

step enrol "this host, with a one-time token over mutual TLS"
start collect "$collect_uid" +dac_read_search,+sys_ptrace,+audit_control "$bin/metsuke-collect" \
  --socket "$try/run/collect/socket" --agent-uid "$agent_uid"
wait_for collect test -S "$try/run/collect/socket"
folder "$agent_uid" "$try/agent"
if [ ! -f "$try/agent/identity.pem" ]; then
  token=$(ctl token create --ttl 10m 2>>"$log") || run ctl token create
  echo "+ metsuke-agent enrol" >>"$log"
  (as "$agent_uid" "$bin/metsuke-agent" --config "$try/run/agent.yaml" enrol --token-file -) <<<"$token" >>"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "enrolment failed; see .try/log"; }
fi
start agent "$agent_uid" "$bin/metsuke-agent" --config "$try/run/agent.yaml"
# This host, and not only what an earlier trial knew of it.
reported() { ctl host list -o jsonl 2>>"$log" | grep -F "\"host\":\"$(uname -n)\"" | grep '"stale":false' | grep -qv '"os_name":""'; }
wait_for agent reported

if [ "$simulate" -gt 0 ]; then
  echo "      simulating $simulate hosts beside it" >&2
  "$bin/metsuke-collect" --once -o binary >"$try/run/tables" 2>>"$log" || die "metsuke-collect --once failed; see .try/log"
  ctl token create --ttl 1h --uses "$simulate" 2>>"$log" |
    "$bin/metsuke-swarm" --config "$try/run/agent.yaml" --tables "$try/run/tables" --state "$try/swarm" --hosts "$simulate" >>"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "the simulation failed; see .try/log"; }
fi

step posture "of this host"
if [ -n "$json" ]; then
  ctl -o json --exit-zero posture
else
  ctl --exit-zero posture
  [ "$simulate" -gt 0 ] || { echo; ctl --exit-zero posture "$(uname -n)"; }
  cat >&2 <<EOF

Next:  ./try.sh ctl control list                 ./try.sh ctl posture HOST --advice
       ./try.sh ctl query "SELECT port, program, user FROM ports"
       ./try.sh --simulate 20                    ./try.sh --stop
EOF
fi
