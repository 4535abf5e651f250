#!/usr/bin/env bash
# Follow a run's log on a TPU VM's first host, or print the run's status in one word.
#
#   watch.sh --name NAME --zone ZONE --project PROJECT --run-name RUN [--once yes] [--dry-run]
#
#   --once  yes: the last line is gone (no such machine, or it was preempted), running, finished or stopped
set -euo pipefail
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
parse "name zone project run-name" "once" "$@"
plain --run-name "$run_name"
yes_or_no --once "$once"

look READY
case $found in
  ABSENT | PREEMPTED | TERMINATED | STOPPED) echo gone && exit 0 ;;
esac
if [ "$once" = no ]; then
  tpu ssh "$name" --worker=0 --command "tail -n 40 -F jaxrlvr/logs/$run_name.log"
  exit 0
fi
tpu ssh "$name" --worker=0 --command "cd jaxrlvr || { echo stopped; exit 0; }
if ps -p \"\$(cat logs/$run_name.pid 2>/dev/null || echo 0)\" -o args= 2>/dev/null | grep -q jaxrlvr.train; then echo running
elif [ -f runs/$run_name/summary.json ]; then echo finished
else tail -n 5 logs/$run_name.log 2>/dev/null; echo stopped; fi"
