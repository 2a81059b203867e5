#!/usr/bin/env bash
# cluster.sh DIR: a temporary SLURM cluster on 127.0.0.1, which runs as long as it is used.
#
# Starts two nodes with two GPUs each and two without, all on this machine, and an accounting database
# in which the user has one account, `tests`. DIR/ready appears when the nodes accept jobs. Users hold
# a shared lock on DIR/users (flock -s). When the last lock is released, all jobs and daemons are ended.
# Needs root and Debian's packages (tests/install_slurm.sh). Partitions: batch (the default; all nodes
# but gpu2), scavenge (gpu2; `urgent` preempts its jobs, which are requeued), urgent.
set -euo pipefail
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
PORT=${SLURM_TEST_PORT:-16810}
HOST=$(hostname -s)
NODES=(gpu1 gpu2 cpu1 cpu2)

# Run a client with a timeout.
client() { timeout 10 "$@" </dev/null; }

# until_true SECONDS COMMAND ...
until_true() {
  local end=$((SECONDS + $1))
  shift
  until client "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "cluster.sh: timed out: $*" >&2; return 1; }
    sleep 0.1
  done
}

no_jobs() { [ -z "$(client squeue --noheader)" ]; }
all_idle() { [ "$(client sinfo --noheader --Node --states=idle --format=%N | sort -u | wc -l)" = 4 ]; }

# The process id in a daemon's pid file, if that process is still the daemon.
pid_of() {
  local pid
  pid=$(cat "$DIR/run/$1.pid" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "${1%%-*}" && echo "$pid"
}

stop() {
  trap - EXIT
  rm -f "$DIR/ready"
  # Jobs outlive slurmd, so they are canceled first.
  if pid_of slurmctld >/dev/null; then
    client scancel --user="$(id -un)" || true
    for _ in $(seq 100); do no_jobs && break; sleep 0.1; done
  fi
  for daemon in "${NODES[@]/#/slurmd-}" slurmctld slurmdbd mariadbd munged; do
    pid=$(pid_of "$daemon") || continue
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do pid_of "$daemon" >/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
  done
  for file in slurm.conf gres.conf; do
    [ "$(readlink "/etc/slurm/$file")" = "$DIR/etc/$file" ] && rm -f "/etc/slurm/$file"
  done
  return 0
}

export SLURM_CONF=$DIR/etc/slurm.conf
for file in slurm.conf gres.conf; do
  if [ -e /etc/slurm/$file ] && [ ! -L /etc/slurm/$file ]; then
    echo "cluster.sh: this machine has its own SLURM (/etc/slurm/$file)" >&2
    exit 1
  fi
done
stop # whatever a killed cluster.sh left running
trap stop EXIT
trap 'exit 1' INT TERM HUP

rm -rf "$DIR"/{etc,log,run,state,spool,dev,db}
mkdir -p "$DIR"/{etc,log,run,state,spool,dev,db} /etc/slurm
chmod 755 "$DIR" "$DIR"/{run,etc}
for gpu in 0 1; do mknod "$DIR/dev/gpu$gpu" c 1 3; done # stand-ins: clones of /dev/null

# munge authenticates clients to the daemons; it gets its own key and socket.
head -c 1024 /dev/urandom >"$DIR/etc/munge.key"
chmod 400 "$DIR/etc/munge.key"
/usr/sbin/munged --force --key-file="$DIR/etc/munge.key" --socket="$DIR/run/munge.sock" \
  --pid-file="$DIR/run/munged.pid" --log-file="$DIR/log/munged.log" --seed-file="$DIR/run/seed"
until_true 10 test -S "$DIR/run/munge.sock"

cat >"$DIR/etc/slurm.conf" <<CONF
ClusterName=tests
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# cred_expire is also how long a requeued job waits: 120 s by default.
AuthInfo=socket=$DIR/run/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
# No cgroups and no systemd, as in a container.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,batch_sched_delay=0,sched_min_interval=100000,sched_interval=2
# Memory is sampled once a second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
KillWait=10
MinJobAge=3600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT + 5))
AccountingStoragePass=$DIR/run/munge.sock
AccountingStorageEnforce=associations
GresTypes=gpu
# More than the machine has: the jobs request what full-size ones need and use little of it.
NodeName=DEFAULT CPUs=16 RealMemory=256000 State=UNKNOWN
NodeName=gpu1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 1)) Gres=gpu:fake:2
NodeName=gpu2 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 2)) Gres=gpu:fake:2
NodeName=cpu1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 3))
NodeName=cpu2 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 4))
PartitionName=DEFAULT State=UP MaxTime=2-0 DefaultTime=10 PreemptMode=off
PartitionName=batch Nodes=gpu1,cpu[1-2] Default=YES PriorityTier=10
PartitionName=urgent Nodes=gpu2 PriorityTier=20
PartitionName=scavenge Nodes=gpu2 PriorityTier=1 PreemptMode=requeue GraceTime=0
CONF
cat >"$DIR/etc/gres.conf" <<CONF
AutoDetect=off
NodeName=gpu[1-2] Name=gpu Type=fake File=$DIR/dev/gpu[0-1]
CONF
# SLURM_CONF does not reach Snakemake's jobs, so the configuration has to be in /etc/slurm.
for file in slurm.conf gres.conf; do ln -sfn "$DIR/etc/$file" "/etc/slurm/$file"; done

# The accounting database.
mariadb=(mariadb --no-defaults --user=root "--socket=$DIR/run/mariadbd.sock")
mariadb-install-db --no-defaults --user=root --datadir="$DIR/db" --skip-test-db \
  --auth-root-authentication-method=normal >"$DIR/log/mariadb-install.log" 2>&1
/usr/sbin/mariadbd --no-defaults --user=root --datadir="$DIR/db" --skip-networking \
  --socket="$DIR/run/mariadbd.sock" --pid-file="$DIR/run/mariadbd.pid" \
  --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 \
  --innodb-flush-log-at-trx-commit=0 >"$DIR/log/mariadbd.log" 2>&1 </dev/null &
until_true 30 "${mariadb[@]}" --execute="SELECT 1"
client "${mariadb[@]}" --execute="CREATE DATABASE slurm_acct_db"
cat >"$DIR/etc/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$DIR/run/munge.sock
DbdHost=$HOST
CommunicationParameters=NoInAddrAny
DbdAddr=127.0.0.1
DbdPort=$((PORT + 5))
SlurmUser=root
LogFile=$DIR/log/slurmdbd.log
PidFile=$DIR/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
CONF
chmod 600 "$DIR/etc/slurmdbd.conf"
# The client library of slurmdbd reads the path of the socket from this variable.
export MYSQL_UNIX_PORT=$DIR/run/mariadbd.sock
/usr/sbin/slurmdbd
until_true 30 sacctmgr --noheader list cluster
sacctmgr --immediate add cluster tests >/dev/null
sacctmgr --immediate add account tests Cluster=tests >/dev/null
sacctmgr --immediate add user "$(id -un)" Account=tests >/dev/null

# Start the daemons before this script opens the users' lock, which they would inherit.
/usr/sbin/slurmctld -c
until_true 30 scontrol ping
for node in "${NODES[@]}"; do
  mkdir -p "$DIR/spool/$node"
  /usr/sbin/slurmd -N "$node"
done
for _ in $(seq 300); do all_idle && break; sleep 0.1; done
all_idle || { client sinfo --Node --long >&2; exit 1; }
touch "$DIR/ready"

# Wait until the last user is done. A new user now waits for the end and starts another cluster.
exec 9>"$DIR/users"
flock --exclusive 9
stop
