#!/usr/bin/env bash
# Train on a TPU slice of a GKE cluster: fill in jobset.yaml and pass it to kubectl. Repeating the command with the same
# arguments changes nothing while the run is in progress.
#
#   gke.sh --run-name RUN --image IMAGE --accelerator KIND --topology SHAPE --hosts N --chips N --bucket BUCKET
#          [--config FILE] [--service-account NAME] [--queue NAME] [--out FILE] [--dry-run] [-- ARGUMENTS]
#
#   --image            a container image of this project, built with tpu_scripts/Dockerfile
#   --accelerator      node label cloud.google.com/gke-tpu-accelerator, e.g. tpu-v5-lite-podslice
#   --topology         node label cloud.google.com/gke-tpu-topology, e.g. 4x4
#   --hosts, --chips   machines in the slice, TPU chips on each: 4 and 4 for a v5e slice of 4x4
#   --bucket           a Cloud Storage bucket that holds the runs
#   --service-account  a Kubernetes account that may write to it, default "default"
#   --queue            the Kueue queue, default multislice-queue, the name that xpk gives it
#   --out              write the filled-in manifest to this file
#   ARGUMENTS          for python -m jaxrlvr.train, e.g. --policy.mesh.fsdp 16
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=arguments.sh
. "$here/arguments.sh"
parse "run-name image accelerator topology hosts chips bucket" "config service-account queue out" "$@"
[[ $run_name =~ ^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$ ]] ||
  fail "--run-name $run_name: Kubernetes accepts at most 40 lower-case letters, digits and dashes, a letter first"
[[ $topology =~ ^[0-9]+x[0-9]+(x[0-9]+)?$ ]] || fail "--topology $topology: use a shape like 4x4 or 2x2x4"
[[ $image =~ ^[A-Za-z0-9][A-Za-z0-9./:@_-]*$ ]] || fail "--image $image: use a name like REGION-docker.pkg.dev/PROJECT/REPO/jaxrlvr:TAG"
for flag in accelerator bucket service_account queue; do plain "--${flag//_/-}" "${!flag}"; done
for flag in hosts chips; do [[ ${!flag} =~ ^[1-9][0-9]*$ ]] || fail "--$flag ${!flag}: use a whole number, 1 or more"; done

quoted() {  # as JSON, which is valid YAML
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}
arguments=$(quoted "${config:-configs/qwen3_1p7b.py}")
for word in ${rest[@]+"${rest[@]}"}; do arguments+=", $(quoted "$word")"; done

manifest=$(<"$here/jobset.yaml")
for field in run_name image accelerator topology hosts chips bucket service_account queue arguments; do
  manifest=${manifest//"{$field}"/"${!field}"}
done
show kubectl apply -f -
printf '%s\n' "$manifest"
if "$dry_run"; then exit 0; fi
if [ -n "$out" ]; then printf '%s\n' "$manifest" >"$out"; fi
printf '%s\n' "$manifest" | kubectl apply -f -
