#!/usr/bin/env bash
# Create a TPU VM, of one host or several, unless one of that name is there already. One that was taken away is deleted and
# made anew, one that was stopped is started.
#
#   create.sh --name NAME --zone ZONE --project PROJECT --type TYPE --runtime RUNTIME [--spot yes] [--dry-run]
#
#   --type     accelerator type, e.g. v5litepod-8 (one host) or v5litepod-64 (sixteen)
#   --runtime  the TPU software version that goes with it, e.g. v2-alpha-tpuv5-lite or v2-alpha-tpuv6e
#   --spot     yes: cheaper, and may be taken away at any time
set -euo pipefail
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
parse "name zone project type runtime" "spot" "$@"
yes_or_no --spot "$spot"

look ABSENT
case $found in
  ABSENT) ;;
  PREEMPTED | TERMINATED) tpu delete "$name" --quiet ;;
  STOPPED) tpu start "$name" && exit 0 ;;
  *) echo "$name is there already: $found" && exit 0 ;;
esac
options=(--accelerator-type "$type" --version "$runtime")
if [ "$spot" = yes ]; then options+=(--spot); fi
tpu create "$name" "${options[@]}"
