# Shared by the scripts: messages and system packages. Source it.

# Prints a message with how long `make` has been running.
say() {
  local passed=$((EPOCHSECONDS - ${STARTED:-EPOCHSECONDS}))
  printf '[%d:%02d] %s\n' $((passed / 60)) $((passed % 60)) "$*" >&2
}
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Installs missing Debian packages; on other systems, names what to install. The first argument is the purpose.
debian() {
  local purpose=$1 missing=() sudo=() log
  shift
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  have apt-get || die "install ${missing[*]}: $purpose"
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  say "installing ${missing[*]}: $purpose"
  log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq \
    --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "apt-get could not install ${missing[*]}; for Rust, enable Debian's security repository"
  fi
  rm -f "$log"
}
