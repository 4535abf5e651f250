# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: parses flags into variables; `run` prints a command before executing it.

dry_run=false
name='' zone='' project='' type='' runtime='' spot='no' git='' local='' bucket=''
run_name='' config='' path='' out='' once='no' every='60' tries='3'
image='' accelerator='' topology='' hosts='' chips='' service_account='default' queue='multislice-queue'
rest=()

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

usage() { sed -n '2,/^set /{s/^# \{0,1\}//p}' "$0"; }

# parse "REQUIRED FLAGS" "OPTIONAL FLAGS" ARGUMENTS...: exits with 2 for a missing or unknown flag; `rest` is all after --.
parse() {
  local required=$1 known=" $1 $2 " flag
  shift 2
  while [ $# -gt 0 ]; do
    flag=${1#--}
    case $1 in
      --help) usage && exit 0 ;;
      --dry-run) dry_run=true && shift && continue ;;
      --) rest=("${@:2}") && break ;;
    esac
    [[ $1 == --?* && $known == *" $flag "* ]] || fail "unknown argument $1; --help lists the arguments"
    if [[ $# -lt 2 || -z $2 || $2 == --* ]]; then fail "$1 needs a value"; fi
    printf -v "${flag//-/_}" '%s' "$2"
    shift 2
  done
  for flag in $required; do
    local variable=${flag//-/_}
    [ -n "${!variable}" ] || fail "--$flag is required and has no default; --help describes it"
  done
}

show() {
  printf '+'
  printf ' %q' "$@"
  printf '\n'
}

run() {
  show "$@"
  "$dry_run" || "$@"
}

tpu() { run gcloud compute tpus tpu-vm "$@" --zone "$zone" --project "$project"; }

# look ANSWER: sets `found` to the TPU VM's state (READY, PREEMPTED, ...) or ABSENT; a dry run uses ANSWER instead. If the
# listing fails, exits with 1 rather than assuming ABSENT.
look() {
  local listing=(gcloud compute tpus tpu-vm list --zone "$zone" --project "$project" '--format=value(name.basename(),state)')
  show "${listing[@]}"
  found=$1
  if "$dry_run"; then return; fi
  local lines
  lines=$("${listing[@]}") || exit 1
  found=$(awk -v name="$name" '$1 == name { print $2 }' <<<"$lines")
  found=${found:-ABSENT}
}

yes_or_no() { [[ $2 == yes || $2 == no ]] || fail "$1 is yes or no, not $2"; }

plain() { [[ $2 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || fail "$1 $2: use letters, digits, dots, dashes and underscores"; }
