# What network scenarios say in the guest. Sourced before every script of theirs.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/busybox

# Run a command with the world's tools and the network of the appliance, the iPad or the hotel.
in_world() { chroot /run/world "$@"; }
in_ipad() { nsenter --net=/run/netns/ipad chroot /run/world "$@"; }
in_hotel() { nsenter --net=/run/netns/hotel chroot /run/world "$@"; }

# Until a command succeeds, for 60 seconds: a machine that does something else besides is slow, not wrong.
wait_until() {
    for _ in $(seq 600); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "not within 60 s: $*" >&2
    return 1
}

# Whether TCP port $2 of address $1 answers the hotel. bash, because it takes an IPv6 address with its interface.
hotel_reaches() {
    nsenter --net=/run/netns/hotel timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' - "$1" "$2"
}
