"""Ansible's way into a box: its namespaces, as root. `box_init` is the number of its first process."""

import shlex
import subprocess
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
    name: box
    short_description: runs commands in a box of the lab
    description: Enters the namespaces of a process.
    options:
      init:
        description: the number of the box's first process
        required: true
        vars:
          - name: box_init
"""


class Connection(ConnectionBase):
    transport = "box"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def enter(self, *command):
        init = self.get_option("init")
        spaces = ("--mount", "--net", "--uts", "--ipc", "--cgroup", "--pid", "--root", "--wd")
        clean = ("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")
        bounded = ("setpriv", "--bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm")
        return ["nsenter", f"--target={init}", *spaces, *bounded, *clean, *command]

    def exec_command(self, cmd, in_data=None, sudoable=True):
        ran = subprocess.run(self.enter("sh", "-c", cmd), input=in_data, capture_output=True, check=False)
        return ran.returncode, ran.stdout, ran.stderr

    def put_file(self, in_path, out_path):
        self.cat(f"cat >{shlex.quote(out_path)}", Path(in_path).read_bytes())

    def fetch_file(self, in_path, out_path):
        Path(out_path).write_bytes(self.cat(f"cat {shlex.quote(in_path)}", b""))

    def cat(self, script, data):
        ran = subprocess.run(self.enter("sh", "-c", script), input=data, capture_output=True, check=False)
        if ran.returncode:
            raise AnsibleError(ran.stderr.decode(errors="replace"))
        return ran.stdout

    def close(self):
        self._connected = False
