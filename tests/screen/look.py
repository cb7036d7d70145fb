"""A desktop without a monitor, wayvnc with the configuration that it is given, and viewers that knock: run in namespaces of
its own, `unshare --net --mount`. Prints what each of them saw, as JSON.

usage: look.py CONFIG USER PASSWORD
"""

import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

WIFI, HOTEL, PORT = "10.41.0.1", "192.168.7.50", 5900
VENCRYPT, X509_PLAIN = 19, 262
NOBODY = 65534


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def network():
    """The Wi-Fi's address and the uplink's, each on a link of its own."""
    run("ip", "link", "set", "lo", "up")
    for name, address in (("wlan0", WIFI), ("eth0", HOTEL)):
        run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}-far")
        run("ip", "addr", "add", f"{address}/24", "dev", name)
        run("ip", "link", "set", name, "up")
        run("ip", "link", "set", f"{name}-far", "up")


def exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def greeting(address):
    """The version that is spoken and the ways to log in; or why nobody answers."""
    try:
        stream = socket.create_connection((address, PORT), timeout=5)
    except OSError as error:
        return None, {"refused": type(error).__name__}
    version = exactly(stream, 12)
    stream.sendall(version)
    return stream, {"version": version.decode().strip(), "types": list(exactly(stream, exactly(stream, 1)[0]))}


def viewer(user, password):
    """Logs in through TLS (VeNCrypt, X509Plain) and asks for the screen; its size, or why not."""
    stream, _ = greeting(WIFI)
    stream.sendall(bytes([VENCRYPT]))
    exactly(stream, 2)
    stream.sendall(b"\0\2")
    assert exactly(stream, 1) == b"\0", "VeNCrypt 0.2 is not spoken"
    kinds = struct.unpack(">" + "I" * (count := exactly(stream, 1)[0]), exactly(stream, 4 * count))
    assert X509_PLAIN in kinds, kinds
    stream.sendall(struct.pack(">I", X509_PLAIN))
    assert exactly(stream, 1) == b"\1", "X509Plain is refused"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream = context.wrap_socket(stream)
    user, password = user.encode(), password.encode()
    stream.sendall(struct.pack(">II", len(user), len(password)) + user + password)
    try:
        if struct.unpack(">I", exactly(stream, 4))[0] != 0:
            return {"in": False}
        stream.sendall(b"\1")
        width, height = struct.unpack(">HH", exactly(stream, 4))
        depth = exactly(stream, 16)[0]
        exactly(stream, struct.unpack(">I", exactly(stream, 4))[0])
        # Everything, uncompressed: the picture's bytes come.
        stream.sendall(struct.pack(">BxHi", 2, 1, 0) + struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
        assert exactly(stream, 1) == b"\0", "no picture"
        _, _, _, wide, high, encoding = struct.unpack(">xHHHHHi", exactly(stream, 15))
        picture = len(exactly(stream, wide * high * depth // 8)) if encoding == 0 else -1
        return {"in": True, "size": [width, height], "picture": picture}
    except (ConnectionError, ssl.SSLError):
        return {"in": False}


def known(config, version):
    """The lines that this wayvnc knows: RSA-AES and PAM came with 0.7."""
    if version >= (0, 7):
        return config
    return "".join(l for l in config.splitlines(True) if not l.startswith(("rsa_private_key_file", "enable_pam")))


def main():
    path, user, password = sys.argv[1:]
    config = open(path).read()
    network()
    work = tempfile.mkdtemp()
    os.environ.update(
        XDG_RUNTIME_DIR=work, HOME=work, WLR_BACKENDS="headless", WLR_RENDERER="pixman", WLR_LIBINPUT_NO_DEVICES="1"
    )
    version = subprocess.run(["wayvnc", "-V"], capture_output=True, text=True).stdout
    version = tuple(int(n) for n in re.search(r"wayvnc: v?(\d+)\.(\d+)", version).groups())
    # Keys are made here, as they are on a Pi; the configuration names their place there.
    for line, made in re.findall(r"(?m)^(\w+_file=(/etc/wayvnc/\S+))$", config):
        config = config.replace(line, line.replace("/etc/wayvnc", work))
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes",
        "-keyout", f"{work}/tls_key.pem", "-out", f"{work}/tls_cert.pem", "-subj", "/CN=pi", "-days", "1")
    run("openssl", "genrsa", "-traditional", "-out", f"{work}/rsa_key.pem", "2048")
    with open(f"{work}/config", "w") as file:
        file.write(known(config, version))
    log = open(f"{work}/log", "w+")
    with open(f"{work}/sway", "w") as file:
        file.write("xwayland disable\noutput HEADLESS-1 resolution 640x480\n")
    for name in [work] + [f"{work}/{name}" for name in os.listdir(work)]:
        os.chown(name, NOBODY, NOBODY)
    # A desktop is a user's.
    as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    started = [subprocess.Popen([*as_user, "sway", "-c", f"{work}/sway"], stdout=log, stderr=log)]
    try:
        display = wait(lambda: [n for n in os.listdir(work) if re.fullmatch(r"wayland-\d+", n)], "no desktop", log)
        os.environ["WAYLAND_DISPLAY"] = display[0]
        started.append(subprocess.Popen([*as_user, "wayvnc", "-C", f"{work}/config"], stdout=log, stderr=log))
        wait(lambda: greeting(WIFI)[0], "wayvnc does not answer", log)
        seen = {"wifi": greeting(WIFI)[1], "hotel": greeting(HOTEL)[1], "loopback": greeting("127.0.0.1")[1]}
        seen["owner"] = viewer(user, password)
        seen["stranger"] = viewer(user, password + "x")
        seen["nobody"] = viewer("", "")
        seen["rsa"] = version >= (0, 7)
        print(json.dumps(seen))
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            process.wait()


def wait(look, why, log):
    for _ in range(150):
        if found := look():
            return found
        time.sleep(0.1)
    log.seek(0)
    sys.exit(f"{why}:\n{log.read()}")


main()
