"""Three Pis at once by Ansible: changed is said when something changed, a second run changes nothing, and one bad profile harms one Pi."""

import os
import re
import shutil
import subprocess

from harness import checks
from harness.box import BoxLab
from harness.errors import expect
from harness.paths import LAB, PROJECT

USUAL = ("trixie",)
MORE = ("bookworm",)

# From PyPI: Debian's own is too old for the Python that Trixie's targets have.
ANSIBLE = "ansible-core==2.19.*"
ROLE = PROJECT / "image-build" / "ansible"

PROFILE = """
piback_command: /mnt/piback
piback_secrets: {wifi-passphrase: "%s", share-password: "a long enough word"}
piback_profile:
  version: 1
  wifi:
    interface: wlan0
    ssid: "{{ ssid }}"
    passphrase_file: /etc/piback/secrets/wifi-passphrase
    country: DE
    radio: {band: 2.4GHz, channel: 6, width: 20}
  network:
    address: 10.41.0.1/24
    dhcp: {range: .50-.100, lease: 12h}
    dns: {upstream: [9.9.9.9]}
  uplink: {interface: auto}
  share: {user: piback, password_file: /etc/piback/secrets/share-password, folder: /srv/piback}
  backup: {destination: PHOTOS, mount_root: /media/piback}
"""


def run(lab):
    tools = lab.work / "ansible"
    subprocess.run(["python3", "-m", "venv", tools], check=True)
    subprocess.run([tools / "bin" / "pip", "-q", "install", ANSIBLE], check=True)
    labs = {"pi1": lab}
    try:
        for name in ("pi2", "pi3"):
            work = lab.work.parent / f"{lab.work.name}-{name}"
            work.mkdir()
            labs[name] = BoxLab(lab.release, work, lab.binary / "piback", lab.say)
        for one in labs.values():
            one.up()
            one.wait_for_uplink()
        play(lab, tools, labs)
    finally:
        for name in ("pi2", "pi3"):
            if name in labs:
                labs[name].close()
                shutil.rmtree(labs[name].work)


def play(lab, tools, labs):
    folder = lab.work / "play"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "group_vars" / "appliances.yml").write_text(PROFILE % checks.PASSPHRASE)
    (folder / "site.yml").write_text((ROLE / "site.yml").read_text().replace("serial: [1, 5, \"20%\"]", "serial: 3"))

    def ansible(*flags, **ssids):
        lines = [
            f'{name} ansible_connection=box ansible_user=root box_init={one.box.init} ssid="{ssids.get(name, checks.HOME.ssid)}"'
            for name, one in labs.items()
        ]
        (folder / "inventory.ini").write_text("[appliances]\n" + "\n".join(lines) + "\n")
        env = os.environ | {
            "ANSIBLE_ROLES_PATH": str(ROLE / "roles"), "ANSIBLE_CONNECTION_PLUGINS": str(LAB / "harness" / "ansible"),
            "ANSIBLE_FORKS": "3", "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8",
        }
        command = [tools / "bin" / "ansible-playbook", "-i", folder / "inventory.ini", "--diff", *flags, folder / "site.yml"]
        ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=600)
        said = ran.stdout + ran.stderr
        expect(checks.PASSPHRASE not in said, f"the passphrase is in Ansible's output:\n{said}")
        recap = re.findall(r"^(pi\d)\s*: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", said, re.M)
        return {name: (int(changed), int(lost) + int(failed)) for name, changed, lost, failed in recap}, said

    def changed(done):
        return {name: changed > 0 for name, (changed, _) in done.items()}

    done, said = ansible()
    expect(all(bad == 0 for _, bad in done.values()) and len(done) == 3, f"the first run failed:\n{said}")
    expect(all(changed(done).values()), f"the first run changed something and does not say so:\n{said}")
    for one in labs.values():
        checks.joins(one)
        checks.browses(one)
        checks.nothing_is_open(one)
    done, said = ansible()
    expect(done == {name: (0, 0) for name in labs}, f"the second run is not without changes:\n{said}")

    # One gets another name: asked first, then done.
    done, said = ansible("--check", pi2="Other Name")
    expect(changed(done) == {"pi1": False, "pi2": True, "pi3": False}, f"--check does not say what would change:\n{said}")
    expect("Other Name" not in labs["pi2"].sh("cat /etc/hostapd/hostapd.conf"), "--check changed something")
    done, said = ansible(pi2="Other Name")
    expect(changed(done) == {"pi1": False, "pi2": True, "pi3": False}, f"a change of one is not one of one:\n{said}")
    expect("Other Name" in labs["pi2"].sh("cat /etc/hostapd/hostapd.conf"), "the change did not arrive")

    # Drift is mended, an error stays where it is, and the others get theirs.
    labs["pi1"].sh("nft flush ruleset")
    done, said = ansible(pi2="Other Name", pi3="x" * 40)
    expect(done["pi3"][1] == 1 and done["pi1"][1] == done["pi2"][1] == 0, f"a bad profile harms others, or nobody:\n{said}")
    expect(changed(done)["pi1"] and not changed(done)["pi2"], f"drift is not mended, or more than that:\n{said}")
    checks.joins(labs["pi3"])
    checks.quiet_plan(labs["pi1"])
