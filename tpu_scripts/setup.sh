#!/usr/bin/env bash
# Install the project and its dependencies on every host of a TPU VM. Run it again to update both.
#
#   setup.sh --name NAME --zone ZONE --project PROJECT (--git URL | --local DIR) [--bucket BUCKET] [--dry-run]
#
#   --git     a repository that the hosts can clone
#   --local   a checkout on this machine, whose committed files are copied
#   --bucket  a Cloud Storage bucket to mount as runs/ on every host: required for several hosts; a run in it survives a
#             preempted machine
set -euo pipefail
# shellcheck source=arguments.sh
. "$(dirname "$0")/arguments.sh"
parse "name zone project" "git local bucket" "$@"
[[ -n $git && -z $local || -z $git && -n $local ]] || fail "name one source: --git URL or --local DIR"
[ -z "$bucket" ] || plain --bucket "$bucket"

if [ -n "$git" ]; then
  printf -v url %q "$git"
  source="if [ -d jaxrlvr/.git ]; then git -C jaxrlvr pull --ff-only; else git clone $url jaxrlvr; fi"
else
  [ -f "$local/pyproject.toml" ] || fail "--local $local is not a checkout of the project: it has no pyproject.toml"
  archive=${TMPDIR:-/tmp}/jaxrlvr-$name.tar.gz
  run git -C "$local" archive --format=tar.gz --output="$archive" HEAD
  tpu scp "$archive" "$name:jaxrlvr.tar.gz" --worker=all
  source='mkdir -p jaxrlvr && tar -xzf jaxrlvr.tar.gz -C jaxrlvr'
fi

# The images' own Python may be older than 3.11; uv installs a newer one.
# shellcheck disable=SC2016  # expanded on the hosts
install='export PATH="$HOME/.local/bin:$PATH"
command -v uv >/dev/null || curl -LsSf https://astral.sh/uv/install.sh | sh
cd jaxrlvr
[ -d .venv ] || uv venv --python 3.12 .venv
uv pip install --quiet --python .venv/bin/python -e ".[tpu]"'

mount=''
if [ -n "$bucket" ]; then
  # Orbax renames a checkpoint's directory once it is complete; a bucket without folders does that file by file.
  # shellcheck disable=SC2016
  mount='
if ! command -v gcsfuse >/dev/null; then
  curl -fsSL https://packages.cloud.google.com/apt/doc/apt-key.gpg | sudo tee /usr/share/keyrings/cloud.google.asc >/dev/null
  echo "deb [signed-by=/usr/share/keyrings/cloud.google.asc] https://packages.cloud.google.com/apt \
gcsfuse-$(lsb_release -cs) main" | sudo tee /etc/apt/sources.list.d/gcsfuse.list >/dev/null
  sudo apt-get -qq update && sudo apt-get -qq install -y gcsfuse
fi
mkdir -p runs
mountpoint -q runs || gcsfuse --implicit-dirs --rename-dir-limit=1000000 '"$bucket runs"
fi
tpu ssh "$name" --worker=all --command "set -e; $source
$install$mount"
