#!/usr/bin/env bash
# See a run through to its end: create, set up and run, and repeat after every preemption or stop of the run.
#
#   keep.sh --name NAME --zone ZONE --project PROJECT --type TYPE --runtime RUNTIME (--git URL | --local DIR)
#           --bucket BUCKET --run-name RUN [--spot yes] [--config FILE] [--every SECONDS] [--tries N] [--dry-run]
#           [-- ARGUMENTS]
#
#   --every  seconds between checks, default 60
#   --tries  stops of the run itself, on the same machine, before giving up, default 3
# The other arguments are those of create.sh, setup.sh and run.sh. The script continues until the run is finished: leave it
# open in a terminal multiplexer, or start it again at any time.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=arguments.sh
. "$here/arguments.sh"
parse "name zone project type runtime bucket run-name" "git local spot config every tries" "$@"
[[ $every =~ ^[0-9.]+$ ]] || fail "--every $every: use a number of seconds"
[[ $tries =~ ^[1-9][0-9]*$ ]] || fail "--tries $tries: use a whole number, 1 or more"

where=(--name "$name" --zone "$zone" --project "$project")
if "$dry_run"; then where+=(--dry-run); fi
source=(--local "$local")
if [ -n "$git" ]; then source=(--git "$git"); fi
run_arguments=(--run-name "$run_name" --config "${config:-configs/qwen3_1p7b.py}")
if [ ${#rest[@]} -gt 0 ]; then run_arguments+=(-- "${rest[@]}"); fi

step() {  # exit code 2, a bad argument, ends everything; any other failure is retried
  local code=0
  bash "$here/$1.sh" "${where[@]}" "${@:2}" || code=$?
  if [ "$code" = 2 ]; then exit 2; fi
  return "$code"
}

stops=0 status=gone
while [ "$stops" -lt "$tries" ]; do
  if step create --type "$type" --runtime "$runtime" --spot "$spot" && step setup "${source[@]}" --bucket "$bucket" &&
    step run "${run_arguments[@]}"; then
    status=running
  fi
  while [ "$status" = running ]; do
    if ! "$dry_run"; then sleep "$every"; fi
    said=$(step watch --run-name "$run_name" --once yes) && status=$(tail -n 1 <<<"$said") && printf '%s\n' "$said"
    if "$dry_run"; then exit 0; fi
  done
  if [ "$status" = finished ]; then exit 0; fi
  if [ "$status" = stopped ]; then stops=$((stops + 1)); else stops=0; fi
  sleep "$every"
done
echo "error: $run_name stopped $tries times; its log above gives the reason" >&2
exit 1
