#!/usr/bin/env python3
"""device.py: tests the vsock device that QEMU's guests use, without a guest.

A host may connect while the guest sets up its queues. The unpatched vhost-device-vsock 0.3.0 then ends the thread that
serves the guest, whose connections all time out. This test plays QEMU up to the memory table, so that the device has
the guest's memory and no queue, and then the host, and counts the device's threads.
"""

import os, socket, struct, subprocess, sys, tempfile, time
from pathlib import Path

GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 1, 2, 3, 5  # vhost-user requests
VERSION_1, PROTOCOL_FEATURES = 1 << 32, 1 << 30
MEMORY = 1 << 20  # bytes
PATIENCE = 60  # seconds


def request(qemu, number, body=b"", files=()):
    socket.send_fds(qemu, [struct.pack("<III", number, 1, len(body)) + body], files)


def give_memory(qemu):
    memory = os.memfd_create("guest")
    os.truncate(memory, MEMORY)
    request(qemu, SET_OWNER)
    request(qemu, SET_FEATURES, struct.pack("<Q", VERSION_1 | PROTOCOL_FEATURES))
    request(qemu, SET_MEM_TABLE, struct.pack("<IIQQQQ", 1, 0, 0, MEMORY, 0, 0), [memory])
    os.close(memory)
    # The device answers in order.
    request(qemu, GET_FEATURES)
    if len(qemu.recv(20)) != 20:
        sys.exit("device: it does not take the memory table")


def main():
    build = Path(__file__).resolve().parents[2] / "dev/qemu/build.sh"
    programs = os.environ.get("CAPELET_QEMU") or subprocess.check_output([build], text=True).strip()
    for name in ["vhost-device-vsock", "vhost-device-vsock-joined"]:
        with tempfile.TemporaryDirectory() as folder:
            control, host = f"{folder}/control", f"{folder}/host"
            machine = f"guest-cid=40,socket={control},uds-path={host}"
            with subprocess.Popen([f"{programs}/{name}", "--vm", machine], stderr=subprocess.DEVNULL) as device:
                threads = lambda: len(os.listdir(f"/proc/{device.pid}/task"))
                try:
                    end = time.monotonic() + PATIENCE
                    while not os.path.exists(control) and time.monotonic() < end:
                        time.sleep(0.01)
                    with socket.socket(socket.AF_UNIX) as qemu, socket.socket(socket.AF_UNIX) as connection:
                        qemu.settimeout(PATIENCE)
                        qemu.connect(control)
                        give_memory(qemu)
                        before = threads()
                        connection.connect(host)
                        connection.sendall(b"CONNECT 5000\n")
                        time.sleep(1)
                        after = threads()
                finally:
                    device.kill()
            if after != before:
                sys.exit(f"device: {name}: {before} threads before a host connects, {after} after: the guest is cut off")
    print("device: a host that connects too early does no harm")


main()
