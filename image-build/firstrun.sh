#!/bin/bash
# For a stock Raspberry Pi OS Bookworm: the kernel's command line names this file, and systemd runs it once, at the first
# boot, before there is a network; then the Pi starts again. It belongs on the card's boot partition as `firstrun.sh`,
# beside the package and `piback.yaml`; see image-build/README.md for what `cmdline.txt` must say.
#
# Where Raspberry Pi Imager made a file of this name (user, password, Wi-Fi), keep its lines, and put the ones from "The
# package" to "done" before its `rm -f`.
set +e
boot=/boot/firmware
[ -d "$boot" ] || boot=/boot

# The package: it needs nothing that is not there. Its unit takes piback.yaml over at the next boot.
deb=$(ls "$boot"/piback_*_"$(dpkg --print-architecture)".deb 2> /dev/null | sort -V | tail -n 1)
if [ -n "$deb" ] && dpkg -i "$deb"; then
    echo "piback is installed; the next boot takes piback.yaml over"
else
    # Where a laptop sees it.
    echo "piback could not be installed: is its .deb for $(dpkg --print-architecture) beside this file?" | tee "$boot/piback-status.txt"
fi
# done

rm -f "$boot/firstrun.sh"
# Once is enough, also where something went wrong.
sed -i 's| systemd\.[^ ]*||g' "$boot/cmdline.txt"
exit 0
