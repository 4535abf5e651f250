# shellcheck shell=bash disable=SC2034
# Sourced by the scripts beside it: flags become variables, and `run` prints a command before it runs it.

dry_run=false
name='' zone='' project='' type='' runtime='' spot='no' git='' local='' run_name='' config='' path='' out=''
rest=()

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

usage() { sed -n '2,/^set /{s/^# \{0,1\}//p}' "$0"; }

# parse "REQUIRED FLAGS" "OPTIONAL FLAGS" ARGUMENTS...: exit 2 for what is missing or unknown; after -- comes `rest`.
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
    [[ $1 == --?* && $known == *" $flag "* ]] || fail "unknown argument $1; --help lists what there is"
    if [[ $# -lt 2 || -z $2 || $2 == --* ]]; then fail "$1 needs a value"; fi
    printf -v "${flag//-/_}" '%s' "$2"
    shift 2
  done
  for flag in $required; do
    local variable=${flag//-/_}
    [ -n "${!variable}" ] || fail "--$flag is required: there is no default; --help says what it is"
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

# exists ANSWER: whether the TPU VM is there; a dry run takes ANSWER (true or false) for it. A failing list is no "no".
exists() {
  local listing=(gcloud compute tpus tpu-vm list --zone "$zone" --project "$project" '--format=value(name.basename())')
  show "${listing[@]}"
  if "$dry_run"; then [ "$1" = true ]; return; fi
  local names
  names=$("${listing[@]}") || exit 1
  grep -qxF -- "$name" <<<"$names"
}
