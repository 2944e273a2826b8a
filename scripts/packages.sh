# What the scripts share: messages, and packages of the system. To be sourced.

# A message, and how long `make` has been running.
say() {
  local passed=$((EPOCHSECONDS - ${STARTED:-EPOCHSECONDS}))
  printf '[%d:%02d] %s\n' $((passed / 60)) $((passed % 60)) "$*" >&2
}
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Installs the Debian packages that are missing; elsewhere says what to install by hand. The first argument says what for.
debian() {
  local purpose=$1 missing=() sudo=() log
  shift
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  have apt-get || die "$purpose: please install ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  say "installing ${missing[*]}: $purpose"
  log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq \
    --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "apt-get could not install ${missing[*]}; Rust comes from Debian's security repository, is it enabled?"
  fi
  rm -f "$log"
}
