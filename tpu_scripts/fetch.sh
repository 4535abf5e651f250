#!/usr/bin/env bash
# Copy a directory below jaxrlvr/ from a TPU VM's first host to this machine, without checkpoints.
#
#   fetch.sh --name NAME --zone ZONE --project PROJECT --path PATH --out DIR [--dry-run]
#
#   --path  relative to jaxrlvr/ on the host, e.g. runs/first or my-model
#   --out   a directory here; files of the same name are replaced
set -euo pipefail
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
parse "name zone project path out" "" "$@"
[[ $path != /* && $path != *..* ]] || fail "--path $path must be a path below jaxrlvr/ on the host"

printf -v wanted %q "${path%/}"
archive=jaxrlvr-fetch.tar.gz
tpu ssh "$name" --worker=0 --command "tar -czf $archive --exclude='*/checkpoints' -C jaxrlvr $wanted"
run mkdir -p "$out"
tpu scp "$name:$archive" "$out/$archive" --worker=0
run tar -xzf "$out/$archive" -C "$out"
run rm "$out/$archive"
