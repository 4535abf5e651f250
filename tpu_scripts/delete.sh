#!/usr/bin/env bash
# Delete a TPU VM and everything on it, unless it is gone already. Fetch first what is to be kept.
#
#   delete.sh --name NAME --zone ZONE --project PROJECT [--dry-run]
set -euo pipefail
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
parse "name zone project" "" "$@"

look READY
if [ "$found" = ABSENT ]; then
  echo "$name is gone already"
  exit 0
fi
tpu delete "$name" --quiet
