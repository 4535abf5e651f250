#!/usr/bin/env bash
# Create a TPU VM of one host or several, unless one of that name exists. A preempted VM is deleted and recreated, a stopped
# one is started.
#
#   create.sh --name NAME --zone ZONE --project PROJECT --type TYPE --runtime RUNTIME [--spot yes] [--dry-run]
#
#   --type     accelerator type, e.g. v5litepod-8 (one host) or v5litepod-64 (sixteen)
#   --runtime  the matching TPU software version, e.g. v2-alpha-tpuv5-lite or v2-alpha-tpuv6e
#   --spot     yes: cheaper, but may be preempted at any time
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
  *) echo "$name exists already: $found" && exit 0 ;;
esac
options=(--accelerator-type "$type" --version "$runtime")
if [ "$spot" = yes ]; then options+=(--spot); fi
tpu create "$name" "${options[@]}"
