"""probe"""
from harness import checks
USUAL = ("trixie",)
MORE = ()
def run(lab):
    lab.boot()
    lab.mount_binary()
    lab.sh("install -m 755 /mnt/piback /usr/local/bin/piback")
    checks.init(lab, "piback")
    checks.apply(lab, "piback")
    checks.joins(lab)
    checks.sign_in(lab)
    lab.say(lab.run("piback status").output)
    lab.say(lab.run("kill -STOP $(cat /run/dnsmasq/dnsmasq.pid); time piback plan; piback status | head -12; piback plan --check; echo rc $?; time piback apply --yes; piback status | head -12").output)
    lab.sh("mkdir -p /media/piback/X/DCIM; echo hello >/media/piback/X/DCIM/IMG_2.JPG; chmod -R a+rX /media/piback")
    S = f"in_ipad smbclient -t 60 -A /tmp/share --option='client min protocol=SMB3_00' //{checks.HOME.address}/Drives"
    lab.say(lab.run(f"({S} -c 'open X/DCIM/IMG_2.JPG; !sleep 20' >/run/open 2>&1 </dev/null & ); sleep 12; cat /run/open; smbstatus --locks; smbstatus -L; ps aux | grep smbcl; sleep 5; {S} -c 'open X\\\\DCIM\\\\IMG_2.JPG; volume'").output)
    raise Exception("end")
