#!/usr/bin/env bash
# A real Slurm on loopback, for tests: controller, node daemons and munge, all stopped by `up.sh stop DIR`. As root.
#   apt-get install -y slurm-wlm munge        (Debian; 22.05 was tried)
#   up.sh start DIR [NODES]                   then: export SLURM_CONF=DIR/slurm.conf; sinfo; sbatch …
# DIR must be an absolute path. Each of NODES has one core, whatever this machine has.
set -euo pipefail
what=${1:?start or stop}; dir=${2:?an absolute folder}; nodes=${3:-1}
case $dir in /*) ;; *) echo "an absolute folder" >&2; exit 2;; esac
export SLURM_CONF=$dir/slurm.conf
if [ "$what" = stop ]; then
  # Jobs first: daemons that end leave them running.
  timeout 10 scancel --quiet --user="$(id -un)" 2>/dev/null || true
  for _ in $(seq 50); do [ -n "$(timeout 10 squeue --noheader 2>/dev/null)" ] || break; sleep .2; done
  pids=$(cat "$dir"/slurmd*.pid "$dir/slurmctld.pid" "$dir/munged.pid" 2>/dev/null) || true
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  # The next start needs their ports.
  for _ in $(seq 50); do
    left=; for pid in $pids; do kill -0 "$pid" 2>/dev/null && left=$pid; done
    [ -n "$left" ] || exit 0
    sleep .2
  done
  for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
  exit 0
fi
mkdir -p "$dir"/{state,log,munge}
for ((i = 0; i < nodes; i++)); do mkdir -p "$dir/spool.n$i"; done
cores=1
# A job that is started again waits until the credentials of its first start have expired: two minutes by default.
credentials=5
{
  cat <<CONF
ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=26817
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=$credentials
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
MaxArraySize=64
SlurmdParameters=config_overrides
CONF
  for ((i = 0; i < nodes; i++)); do
    echo "NodeName=n$i NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((26820 + i)) CPUs=$cores RealMemory=20000 State=UNKNOWN"
  done
  echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES"
} >"$SLURM_CONF"
[ -s "$dir/munge/key" ] || { head -c 1024 /dev/urandom >"$dir/munge/key"; chmod 600 "$dir/munge/key"; }
chmod 711 "$dir/munge"
munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munged.pid" --log-file="$dir/log/munged.log" --seed-file="$dir/munge/seed"
slurmctld -f "$SLURM_CONF"
for ((i = 0; i < nodes; i++)); do slurmd -N "n$i" -f "$SLURM_CONF"; done
for _ in $(seq 60); do [ "$(sinfo -h -t idle -o %D | paste -sd+ | bc 2>/dev/null || echo 0)" = "$nodes" ] && exit 0; sleep .5; done
sinfo; echo "not all $nodes nodes are idle: see $dir/log" >&2; exit 1
