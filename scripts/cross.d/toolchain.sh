# Sourced by scripts/cross: the compiler and the linker, below `here`.

# Prints the folder of rustc-web and its libraries, for amd64, with the standard library for arm64.
fetch_rust() {
    local release wanted version libraries folder
    release=$(. /etc/os-release; echo "${VERSION_CODENAME:-}")
    [ -n "$release" ] || fail "/etc/os-release names no VERSION_CODENAME: a Debian is needed"
    apt_of "$release"
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    # The newest that is there for both machines.
    version=$(grep -Fxf <(versions_of libstd-rust-web-dev arm64) <(versions_of rustc-web amd64) | head -n 1 || true)
    [ -n "$version" ] || fail "Debian $release has no rustc-web and libstd-rust-web-dev:arm64 of one version: $(versions_of rustc-web amd64 | tr '\n' ' ')and $(versions_of libstd-rust-web-dev arm64 | tr '\n' ' ')"
    [ "$(printf '%s\n' "$wanted" "$version" | sort -V | head -n 1)" = "$wanted" ] || fail "Debian $release has Rust $version; $wanted is needed"
    folder=$here/rust-$version
    if [ ! -d "$folder" ]; then
        echo "fetching rustc-web $version" >&2
        local std
        std=libstd-rust-web-$(cut -d . -f 1,2 <<< "$version")
        # The compiler's own libraries, but not the C library: this machine's is the one that runs.
        mapfile -t libraries < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
            --no-replaces --no-enhances --no-pre-depends "$std" | grep -E '^(lib|zlib)[a-z0-9.+-]*$' | grep -vxE "libc6|libgcc-s1|$std")
        rm -rf "$folder.new"
        mkdir "$folder.new"
        unpack "$folder.new" "rustc-web:amd64=$version" "$std:amd64=$version" "libstd-rust-web-dev:amd64=$version" \
            "libstd-rust-web-dev:arm64=$version" "${libraries[@]}"
        mv "$folder.new" "$folder"
    fi
    echo "$folder"
}

# Unpacks PyPI's ziglang into a folder.
fetch_zig() {
    echo "fetching zig $ZIG" >&2
    rm -rf "$1.new"
    python3 -m pip install --quiet --root-user-action=ignore --no-deps --target "$1.new" "ziglang==$ZIG"
    mv "$1.new" "$1"
}

# Writes the commands that cargo calls.
write_wrappers() {
    local rust=$1 zig=$2 machine
    mkdir -p "$here/bin"
    cat > "$here/bin/rustc" << WRAPPER
#!/bin/sh
LD_LIBRARY_PATH=$rust/usr/lib/x86_64-linux-gnu exec $rust/usr/bin/rustc "\$@"
WRAPPER
    for machine in amd64:x86_64 arm64:aarch64; do
        # Who compiles C by it names the machine again, in words that zig does not know.
        cat > "$here/bin/link-${machine%:*}" << WRAPPER
#!/bin/sh
for word do
    shift
    case \$word in --target=*) ;; *) set -- "\$@" "\$word" ;; esac
done
exec $zig/ziglang/zig cc -target ${machine#*:}-linux-gnu.$GLIBC "\$@"
WRAPPER
    done
    cat > "$here/bin/ar" << WRAPPER
#!/bin/sh
exec $zig/ziglang/zig ar "\$@"
WRAPPER
    chmod +x "$here"/bin/*
}
