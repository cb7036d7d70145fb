# Sourced: wires between a box and the networks around it, each in a namespace of its own.

# systemd, NetworkManager and dhcpcd ask udev's database whether a device is ready, and no udev is here to fill it. Says so of
# device $3 with index $2 in the tree $1.
ready() {
    printf 'I:1000000\nE:ID_NET_NAME=%s\nE:SYSTEMD_ALIAS=/sys/subsystem/net/devices/%s\nE:NM_UNMANAGED=0\nG:systemd\nQ:systemd\nV:1\n' \
        "$3" "$3" >"$1/run/udev/data/n$2"
    : >"$1/run/udev/tags/systemd/n$2"
}

# In the tree $1, lays a wire: the box's end has index $2, name $3 and address $6, the other end lies in namespace $4 as $5,
# unplugged.
wire() {
    ready "$1" "$2" "$3"
    inside ip netns add "$4"
    inside ip -n "$4" link set lo up
    inside ip link add index "$2" name "$3" address "$6" type veth peer name "$5" netns "$4"
}
