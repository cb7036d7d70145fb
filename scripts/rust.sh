# Sourced by every script that needs cargo: says at once what to type when there is no Rust, or one that is too old.

need_rust() {
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    have=$(cargo --version 2> /dev/null) || no_rust "There is no Rust here: no cargo that runs."
    have=${have#cargo }
    have=${have%% *}
    if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" != "$wanted" ]; then
        no_rust "The Rust here is $have, and piback needs $wanted or newer."
    fi
    if ! command -v cc > /dev/null; then
        echo "There is no C compiler here, which Rust links with. Type:" >&2
        echo "    sudo apt-get install gcc libc6-dev" >&2
        exit 69
    fi
}

# What is missing, and the one command that brings it here. 69 is EX_UNAVAILABLE of sysexits.h.
no_rust() {
    local type='sudo apt-get install curl && curl -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env'
    # Debian has rustup since its release 13.
    local release
    release=$(sed -n 's/^VERSION_ID="*\([0-9]*\).*/\1/p' /etc/os-release 2> /dev/null || true)
    if [ "${release:-0}" -ge 13 ]; then
        type='sudo apt-get install rustup gcc libc6-dev && rustup default stable'
    fi
    if command -v rustup > /dev/null; then
        type='rustup toolchain install stable && rustup default stable'
    fi
    printf '%s Type:\n    %s\n' "$1" "$type" >&2
    exit 69
}
