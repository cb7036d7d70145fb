"""No cable: a second radio joins the hotel's Wi-Fi, the iPad goes out through it, nobody comes in, and the roles stay when both swap names."""

import json

from harness import checks, second_radio
from harness.errors import expect
from harness.second_radio import KEY, NET, OWN, SSID

# For `scripts/lab --all` until it was seen green from end to end, and its seconds are known.
USUAL = ()
MORE = ("trixie",)

FOLDER = "/etc/NetworkManager/system-connections"
JOIN = f"piback uplink join '{SSID}'"


def run(lab):
    lab.boot_fast()
    lab.link(False)
    second_radio.install(lab)
    second_radio.open_hotel(lab)
    checks.init(lab, "piback")
    # NetworkManager has given both radios made-up addresses by now: they look for networks.
    lab.sh(f"sed -i '/^wifi:/,/^$/s/^  interface: .*/  interface: \"{OWN}\"/' {checks.PROFILE}")
    checks.apply(lab, "piback")
    it_joins_only_with_the_passphrase(lab)
    checks.joins(lab)
    the_sign_in_page(lab)
    checks.browses(lab)
    checks.sign_in(lab)
    nobody_comes_in(lab)
    roles_stay_when_names_swap(lab)
    it_is_forgotten(lab)


def it_joins_only_with_the_passphrase(lab):
    heard = last(lab, "piback uplink scan --json")
    client = second_radio.names(lab)[1]
    expect(heard["interface"] == client, f"{heard['interface']} is asked, and the second radio is {client}")
    network = [one for one in heard["networks"] if one["ssid"] == SSID]
    expect(network and network[0]["security"] == "WPA2" and not network[0]["joined"], f"the hotel is not heard: {heard}")
    lab.sh(f"umask 077; echo 'not the passphrase' >/run/wrong; cat >/run/key <<'END'\n{KEY}\nEND")
    for typed, said in {
        f"{JOIN} --passphrase-file /run/wrong": "does not take this passphrase",
        JOIN: "wants a passphrase",
        "piback uplink join Nobody": "no network Nobody can be heard",
    }.items():
        ran = lab.run(typed)
        expect(ran.status == 1 and said in ran.output, f"{typed} ended with {ran.status}:\n{ran.output}")
        nothing_is_left(lab)
    ran = lab.run(f"{JOIN} --passphrase-file /run/key")
    expect(ran.ok(), f"it could not be joined: {ran.status}\n{ran.output}")
    expect(f"{NET}." in ran.output, f"it is joined without an address:\n{ran.output}")
    files = lab.sh(f"cd {FOLDER} && stat -c '%a %U %n' *").split("\n")
    expect(len(files) == 1 and files[0].startswith("600 root piback-uplink-"), f"its file: {files}")


def the_sign_in_page(lab):
    """Until somebody signs in, on the iPad, there is no internet; then there is."""
    in_use(lab, "sign-in needed")
    lab.sh("in_ipad curl -sS --max-time 20 http://203.0.113.80/cgi-bin/sign-in")
    in_use(lab, "yes")


def nobody_comes_in(lab):
    address = address_of(lab)
    lab.sh(f"in_hotel ip route replace {checks.HOME.subnet} via {address}")
    for way_in in (address, checks.HOME.address):
        checks.closed_towards(lab, way_in)
        expect(not lab.run(f"hotel_reaches {way_in} 80").ok(), f"the page on {way_in} is open towards the hotel")
    # It is there for the iPad, or this would prove nothing.
    lab.sh(f"wait_until in_ipad curl -s -m 10 -o /dev/null http://{checks.HOME.address}/")
    ran = lab.run(f"in_ipad smbclient //{checks.HOME.address}/Pi -t 60 -A /tmp/share -c ls")
    expect(ran.ok(), f"the iPad can't use the share:\n{ran.output}")


def roles_stay_when_names_swap(lab):
    """The kernel finds the radios in another order at the next boot."""
    before = second_radio.names(lab)
    lab.sh("touch /etc/lab-swapped; sync")
    lab.cut_power()
    lab.start()
    lab.link(False)
    lab.machine.wait_for_boot()
    lab.open_hotel()
    second_radio.open_hotel(lab)
    lab.settle()
    expect(second_radio.names(lab) == before[::-1], f"the names did not swap: {second_radio.names(lab)}")
    lab.wait_and_clock(checks.SERVES)
    serves = lab.sh("iw dev | awk '$1 == \"Interface\" { name = $2 } $1 == \"type\" && $2 == \"AP\" { print name }'")
    expect(serves == before[1], f"{serves} is the access point, and the profile's radio is {before[1]} now")
    lab.wait_and_clock(f"ip -4 -o addr show dev {before[0]} | grep -q 'inet {NET}'", seconds=240)
    checks.joins(lab)
    # The hotel has forgotten who signed in.
    the_sign_in_page(lab)
    checks.browses(lab)
    checks.closed_towards(lab, address_of(lab))


def it_is_forgotten(lab):
    client = second_radio.names(lab)[1]
    lab.sh(f"piback uplink forget '{SSID}'")
    nothing_is_left(lab)
    lab.wait_and_clock(f"! ip -4 -o addr show dev {client} | grep -q .", seconds=60)
    ran = lab.run(f"piback uplink forget '{SSID}'")
    expect(ran.status == 1, f"forgetting twice ended with {ran.status}:\n{ran.output}")
    ran = lab.run("piback plan --check")
    expect(ran.ok(), f"joining and forgetting left something to apply:\n{ran.output}")


def nothing_is_left(lab):
    left = lab.sh(f"ls {FOLDER}; nmcli -t -f NAME connection | grep piback || true")
    expect(not left, f"of a network that is not joined this is left: {left}")


def in_use(lab, internet):
    said = last(lab, "piback uplink --json")
    client = second_radio.names(lab)[1]
    used = [way["interface"] for way in said["ways"] if way["in_use"] and way["kind"] == "wifi"]
    expect(used == [client] and said["internet"] == internet, f"not {client} with {internet}: {said}")


def address_of(lab):
    return lab.sh(f"ip -4 -o addr show dev {second_radio.names(lab)[1]} | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'")


def last(lab, command):
    """The last line of what it says in JSON."""
    return json.loads(lab.sh(f"{command} 2>/dev/null").splitlines()[-1])
