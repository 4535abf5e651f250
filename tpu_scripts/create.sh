#!/usr/bin/env bash
# Create a TPU VM, unless one of that name is there already.
#
#   create.sh --name NAME --zone ZONE --project PROJECT --type TYPE --runtime RUNTIME [--spot yes] [--dry-run]
#
#   --type     accelerator type, e.g. v5litepod-8 or v6e-8
#   --runtime  the TPU software version that goes with it, e.g. v2-alpha-tpuv5-lite or v2-alpha-tpuv6e
#   --spot     yes: cheaper, and may be taken away at any time
set -euo pipefail
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
parse "name zone project type runtime" "spot" "$@"
[[ $spot == yes || $spot == no ]] || fail "--spot is yes or no, not $spot"

if exists false; then
  echo "$name is there already"
  exit 0
fi
options=(--accelerator-type "$type" --version "$runtime")
if [ "$spot" = yes ]; then options+=(--spot); fi
tpu create "$name" "${options[@]}"
