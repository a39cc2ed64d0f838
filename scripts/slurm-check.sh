#!/usr/bin/env bash
# A few cells on a real Slurm of two nodes on this machine, in less than a minute, where Slurm is and may be started; else says why not.
#   apt-get install -y slurm-wlm munge      (Debian; as root)
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "no run on a real Slurm: $*"; exit 0; }

[ "$(id -u)" = 0 ] || skip "its daemons are started as root"
for program in slurmctld slurmd munged scontrol; do
  command -v "$program" >/dev/null || skip "there is no $program (Debian: apt-get install slurm-wlm munge)"
done
# Whether it can be started here is not what is tested.
try="$(mktemp -d)"
trap 'rm -rf "$try"' EXIT
started=yes
tests/cluster/up.sh start "$try/slurm" 1 >"$try/said" 2>&1 || started=no
tests/cluster/up.sh stop "$try/slurm"
[ "$started" = yes ] || skip "it does not start here: $(tail -n 1 "$try/said")"

cargo test --release -- --ignored cluster::slurm::a_few_cells
