#!/bin/sh
# The tests run `snakemake --profile slurm` on a real SLURM: install Debian's where possible.
PATH=$PATH:/usr/sbin:/sbin
command -v slurmctld >/dev/null 2>&1 && command -v slurmdbd >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing SLURM for the tests of --profile slurm ..."
  packages="slurmctld slurmd slurmdbd slurm-client munge mariadb-server"
  { apt-get update && DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends $packages; } >/dev/null 2>&1 && exit 0
fi
echo "NOTE: SLURM is missing and cannot be installed: the tests of --profile slurm are SKIPPED."
