# Sourced by scripts/cross and scripts/package: Debian packages of any release and machine, fetched and unpacked beside
# this machine's own, which are neither looked at nor changed. `here` is the folder for it.

# Prints the machine's mirror, and that of its security updates.
mirror() { PYTHONPATH=tests/lab python3 -B -c "from harness import mirror; print(mirror.$1())"; }

# Makes apt look at RELEASE (and its security updates) for amd64 and arm64, in a state of its own.
apt_of() {
    local release=$1 apt=$here/apt-$1 keys=/usr/share/keyrings/debian-archive-keyring.gpg
    export APT_CONFIG=$apt/apt.conf
    [ ! -e "$apt/current" ] || return 0
    local archive security proxies
    archive=$(mirror find) security=$(mirror security)
    proxies=$(unset APT_CONFIG; apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date) ' || true)
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    : > "$apt/status"
    printf 'deb [signed-by=%s] %s %s main\n' "$keys" "$archive" "$release" "$keys" "$security" "$release-security" > "$apt/sources.list"
    cat > "$apt/apt.conf" << CONF
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Parts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::Etc::Trusted "/dev/null";
Dir::Etc::TrustedParts "/dev/null";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
$proxies
CONF
    apt-get -qq -o APT::Update::Error-Mode=any update >&2
    : > "$apt/current"
}

# Prints the versions of PACKAGE for ARCH that apt_of's release has, the newest first.
versions_of() { apt-cache madison "$1:$2" | awk -v a="$2" '$NF == "Packages" && $(NF-1) == a { print $3 }'; }

# Unpacks PACKAGE[:ARCH][=VERSION]… into a folder.
unpack() {
    local into=$1 scratch deb
    shift
    scratch=$(mktemp -d -p "$here")
    (cd "$scratch" && apt-get -qq download "$@" >&2)
    for deb in "$scratch"/*.deb; do
        dpkg -x "$deb" "$into"
    done
    rm -rf "$scratch"
}

# Prints the newest of some folders that may not exist.
newest() { local found=() one; for one in "$@"; do [ -d "$one" ] && found+=("$one"); done; printf '%s\n' "${found[@]}" | sort -V | tail -n 1; }

# Prints the folder of Bullseye's C library for ARCH, fetched when it is not there: the oldest that piback runs on.
c_library() {
    local arch=$1 folder version
    folder=$(newest "$here"/libc6-*_"$arch")
    if [ -n "$folder" ]; then
        echo "$folder"
        return
    fi
    apt_of bullseye
    # The list may name an update that the mirror has no more; the release's own version does as well.
    for version in $(versions_of libc6 "$arch"); do
        folder=$here/libc6-${version}_$arch
        rm -rf "$folder.new"
        mkdir "$folder.new"
        (cd "$folder.new" && apt-get -qq download "libc6:$arch=$version" > apt.log 2>&1) || { rm -rf "$folder.new"; continue; }
        mv "$folder.new"/*.deb "$folder.new/libc6.deb"
        dpkg-deb -R "$folder.new/libc6.deb" "$folder.new/tree"
        mv "$folder.new/tree" "$folder"
        rm -rf "$folder.new"
        echo "$folder"
        return
    done
    echo "the mirror has no libc6 of bullseye for $arch" >&2
    exit 1
}
