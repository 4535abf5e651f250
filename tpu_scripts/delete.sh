#!/usr/bin/env bash
# Delete a TPU VM and everything on it, if it exists. Fetch what you want to keep first.
#
#   delete.sh --name NAME --zone ZONE --project PROJECT [--dry-run]
set -euo pipefail
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
parse "name zone project" "" "$@"

look READY
if [ "$found" = ABSENT ]; then
  echo "$name does not exist"
  exit 0
fi
tpu delete "$name" --quiet
