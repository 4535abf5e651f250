#!/usr/bin/env bash
# Train on all hosts of a TPU VM together, in the background. Leaves an active run alone and resumes a stopped one.
#
#   run.sh --name NAME --zone ZONE --project PROJECT --run-name RUN [--config FILE] [--dry-run] [-- ARGUMENTS]
#
#   --run-name  the run directory on the hosts is jaxrlvr/runs/RUN; each host logs to jaxrlvr/logs/RUN.log
#   --config    default configs/qwen3_1p7b.py
#   ARGUMENTS   for python -m jaxrlvr.train, e.g. --policy.mesh.fsdp 8; pass the same ones to resume
set -euo pipefail
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
parse "name zone project run-name" "config" "$@"
plain --run-name "$run_name"

printf -v file %q "${config:-configs/qwen3_1p7b.py}"
more=''
if [ ${#rest[@]} -gt 0 ]; then printf -v more ' %q' "${rest[@]}"; fi
# The hosts of a slice find each other automatically; runs/ may be a bucket that they share, logs/ is local to each.
tpu ssh "$name" --worker=all --command "cd jaxrlvr && mkdir -p runs logs || exit 1
if ps -p \"\$(cat logs/$run_name.pid 2>/dev/null || echo 0)\" -o args= 2>/dev/null | grep -q jaxrlvr.train; then
  echo '$run_name is running already'; exit 0
fi
if [ -f runs/$run_name/config.json ]; then set -- --resume runs/$run_name
else set -- $file --run-dir runs/$run_name; fi
nohup .venv/bin/python -m jaxrlvr.train \"\$@\"$more >>logs/$run_name.log 2>&1 </dev/null &
echo \$! >logs/$run_name.pid
echo 'started; its log is jaxrlvr/logs/$run_name.log'"
