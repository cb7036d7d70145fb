#!/bin/sh
# Run by the unit that the lab hands to the image's systemd (harness/image.py), before anything of the image's own starts:
# the world around the appliance, and the lab's agents. Everything of it lives in /run.
set -eu
mkdir -p /run/world /run/lab-repository /run/systemd/system
cp /run/lab/lab-agent@.service /run/systemd/system/
# A login prompt on the kernel's console.
ln -s /dev/null /run/systemd/system/serial-getty@ttyAMA0.service
sh /run/lab/world.sh
systemctl daemon-reload
systemctl --no-block start lab-agent@agent.service lab-agent@diagnosis.service
