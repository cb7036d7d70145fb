# Says whom dnsmasq asks for names: the servers that the hotel's own network names, so that its sign-in page and its names
# work; where it names none, the profile's. Made by `piback apply`, run with sh: before dnsmasq starts, and by
# piback-dns.service whenever one of these files changes. (dnsmasq itself would ask them all at once and take the first answer.)
servers=
# The first file that names one is taken. One that names the Pi itself (dnsmasq, systemd-resolved) leads on to the next.
for file in /etc/resolv.conf /run/dnsmasq/resolv.conf /run/NetworkManager/no-stub-resolv.conf /run/NetworkManager/resolv.conf \
    /run/systemd/resolve/resolv.conf /run/resolvconf/interfaces/[!l]* /run/resolvconf/interface/[!l]*; do
    [ -r "$file" ] || continue
    servers=$(sed -n 's/^[[:space:]]*nameserver[[:space:]][[:space:]]*\([0-9A-Fa-f:.]*\(%[A-Za-z0-9_.-]*\)\{0,1\}\).*/\1/p' "$file" |
        grep -v -e '^127' -e '^::1$' | grep -v -x -F '10.41.0.1')
    [ -z "$servers" ] || break
done
[ -n "$servers" ] || servers='9.9.9.9 1.1.1.1'
umask 022
mkdir -p /run/piback-dns
for server in $servers; do echo "server=$server"; done >/run/piback-dns/servers.new
mv /run/piback-dns/servers.new /run/piback-dns/servers
