# shellcheck shell=sh
# debs.sh: fetches what a lock file names, with an apt configuration of its own, so that any machine with apt can build,
# whatever its own release. Sourced after lib.sh. Nothing that is fetched can change a result: every file is checked by
# SHA-256. (relock.sh takes new hashes from the archive's signed index.)
#
#   CAPELET_DEBS     a folder of .deb files to take before asking apt
#   CAPELET_MIRROR   a Debian archive (URL), instead of the one that this machine's apt is configured with;
#                    its security archive is the same URL with "-security" behind it
#
# A lock file has these lines, besides comments:
#
#   release NAME           the lines below are from this Debian release, its updates or its security archive
#   NAME VERSION SHA256    a package
#   file PATH SHA256       another file of the archive
version_form='[A-Za-z0-9.+:~-]+'
# lines LOCK: its packages, each with its release in front
lines() {
  bad=$(grep -Ev "^#|^release [a-z]+\$|^file [A-Za-z0-9/._+~-]+ [0-9a-f]{64}\$|^[a-z0-9+.-]+ $version_form [0-9a-f]{64}\$" "$1" || :)
  [ -z "$bad" ] || die "$1 is damaged: $bad"
  awk '
    /^#/ { next }
    $1 == "release" { release = $2; next }
    $1 == "file" { next }
    release == "" { exit 1 }
    { print release, $0 }' "$1" || die "$1 is damaged: a package stands before the first release"
}
# lacking LOCK: its packages, each with its release in front, whose .deb is not in the cache. A file's name in the cache
# proves nothing: the cache may have been restored by anybody.
lacking() {
  lines "$1" | while read -r release name version hash; do
    echo "$hash  $cache/debs/$hash.deb" | sha256sum -c --status 2> /dev/null || echo "$release $name $version $hash"
  done
}
# debs LOCK: makes sure that every .deb of the lock file is in $cache/debs, under its SHA-256 as its name
debs() {
  lines "$1" > /dev/null
  mkdir -p "$cache/debs"
  [ -z "${CAPELET_DEBS:-}" ] || take "$1" "$CAPELET_DEBS"
  for release in $(lacking "$1" | cut -d' ' -f1 | sort -u); do fetch "$1" "$release"; done
  missing=$(lacking "$1" | cut -d' ' -f2-)
  [ -z "$missing" ] || die "cannot be fetched as locked (name, version, SHA-256):
$missing
If the archive has dropped a version, \`make relock\` locks the present one, which is another image. For the locked one,
Debian's snapshot archive keeps every package: put the files into a folder and name it in CAPELET_DEBS."
}
# deb SHA256: copies a .deb out of the cache to $private/deb and checks the copy, which nobody else can change
deb() {
  cp "$cache/debs/$1.deb" "$private/deb"
  echo "$1  $private/deb" | sha256sum -c --status || die "$cache/debs/$1.deb changed while it was used; try again"
}
# fetch LOCK RELEASE: downloads what apt can get of the lacking packages of this release
fetch() {
  apt_for "$2" || return 0
  new=$(mktemp -d)
  lacking "$1" | awk -v release="$2" '$1 == release { print $2 "=" $3 }' > "$new/names"
  say "fetching $(wc -l < "$new/names") packages of $2 through apt"
  # All at once is quick, but gets nothing if one version has left the archive.
  (cd "$new" && { xargs apt-get -qq download || xargs -n 1 apt-get -qq download < names; } < names > log 2>&1) \
    || grep '^E:' "$new/log" | head -n 5 >&2 || :
  take "$1" "$new"
  rm -rf "$new"
}
# take LOCK FOLDER: moves what the lock names from FOLDER into the cache. A file counts by its SHA-256, not by its name.
take() {
  part_deb=$cache/debs/partial.$$
  sha256sum "$2"/*.deb 2> /dev/null | while read -r hash file; do
    grep -q " $hash\$" "$1" || continue
    # The copy is checked again, because the folder's owner may change a file in the meantime.
    cp "$file" "$part_deb" && echo "$hash  $part_deb" | sha256sum -c --status && mv "$part_deb" "$cache/debs/$hash.deb"
  done
  rm -f "$part_deb"
}
# locked_file LOCK PATH TO: downloads a file that the lock names by its path in the archive
locked_file() {
  hash=$(sed -n "s|^file $2 ||p" "$1")
  [ -n "$hash" ] || die "$1 does not name $2"
  if echo "$hash  $3" | sha256sum -c --status 2> /dev/null; then return; fi
  rm -f "$3"
  read -r main security <<MIRRORS
$(unset APT_CONFIG && mirrors)
MIRRORS
  [ -n "$main" ] || die 'apt is configured with no Debian archive: name one in CAPELET_MIRROR'
  # The security archive keeps a package under another folder, sometimes for longer.
  for url in "$main$2" "${security}pool/updates/${2#pool/}"; do
    /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root download-file "$url" "$3" "SHA256:$hash" >&2 && return
    rm -f "$3"
  done
  die "cannot be fetched from the Debian archive: $2 (SHA-256 $hash)
Debian's snapshot archive keeps it: put it at $3"
}
# mirrors: the Debian archive and its security archive, as this machine's apt is configured, or CAPELET_MIRROR
mirrors() {
  if [ -n "${CAPELET_MIRROR:-}" ]; then
    echo "${CAPELET_MIRROR%/}/ ${CAPELET_MIRROR%/}-security/"
    return
  fi
  # Also archives whose lists were never downloaded. One that has a release's updates is Debian's own, not one of somebody
  # who offers packages for Debian.
  # shellcheck disable=SC2016 # apt expands it
  apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | awk '
    { sub(/\/*$/, "/", $1) }
    $1 !~ /debian/ || $3 != "main" { next }
    $2 ~ /-security$/ { if (security == "") security = $1; next }
    $2 ~ /-updates$/ { if (updates == "") updates = $1 }
    main == "" { main = $1 }
    END {
      if (updates != "") main = updates
      if (main == "") exit
      if (security == "") { security = main; sub(/\/$/, "-security/", security) }
      print main, security
    }'
}
# apt_for RELEASE: lets apt-get and apt-cache, from here on, see this release alone, in lists and state of their own, and
# brings the lists up to date. Of the machine's configuration only its way into the network stays in force.
apt_for() {
  release=$1
  # What an earlier call has set hides the machine's own configuration.
  unset APT_CONFIG
  read -r main security <<MIRRORS
$(mirrors)
MIRRORS
  [ -n "$main" ] || { say 'apt is configured with no Debian archive: name one in CAPELET_MIRROR'; return 1; }
  keyring=
  for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    [ ! -e "$keyring" ] || break
  done
  [ -e "$keyring" ] || { say 'the keyring of the Debian archive is missing: install debian-archive-keyring'; return 1; }
  apt=$cache/apt-$release
  mkdir -p "$apt/lists/partial" "$apt/archives/partial"
  exec 8> "$apt/lock"
  flock 8
  : > "$apt/status"
  {
    echo "deb [signed-by=$keyring] $main $release main"
    echo "deb [signed-by=$keyring] $main $release-updates main"
    echo "deb [signed-by=$keyring] $security $release-security main"
  } > "$apt/sources.list"
  { apt-config dump | grep -iE '^Acquire::https?::' || :; } > "$apt/apt.conf"
  cat >> "$apt/apt.conf" <<CONFIGURATION
Dir::Etc::Main "/dev/null";
Dir::Etc::Parts "/dev/null";
APT::Update::Error-Mode "any";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::Status "$apt/status";
Dir::Cache "$apt";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
CONFIGURATION
  export APT_CONFIG="$apt/apt.conf"
  # Lists of the last hour from the same archive are recent enough.
  if ! cmp -s "$apt/sources.list" "$apt/updated" || [ -z "$(find "$apt/updated" -mmin -60)" ]; then
    apt-get -qq update > "$apt/log" 2>&1 || { say "apt-get update failed for $release:"; cat "$apt/log" >&2; exec 8>&-; return 1; }
    cp "$apt/sources.list" "$apt/updated"
  fi
  # Given back here, because whatever is started later would inherit it.
  exec 8>&-
}
