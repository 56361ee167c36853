#!/usr/bin/env python3
"""Boots the release's kernel with probe.c as /init in QEMU's nitro-enclave machine, and checks the facts that it
prints: the command line, the source of randomness, refused calls, core scheduling, vsock under load, the end of the
machine. Another guest, whose two CPUs are threads of one core, shows that core scheduling keeps programs apart.

test.py [joined]

With "joined" two guests load each other. They are joined as Nitro joins parent and enclave, to test the patches
reproducible/patches/vsock-*.

Environment variables: KERNEL (a bzImage), EIF_BUILD (the program), CAPELET_QEMU (the folder that dev/qemu/build.sh
prints). What they do not name is built before the first guest starts."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMMAND_LINE = (ROOT / "reproducible/command-line").read_text().strip()
# The calls that the kernel must refuse, by their error. probe.c makes them as root.
REFUSED = {
    "ENOSYS": "io_uring_setup bpf userfaultfd kexec_load init_module process_vm_readv add_key shmget io_setup "
    "modify_ldt iopl".split(),
    "EAFNOSUPPORT": ["socket inet", "socket packet"],
    "EINVAL": ["unshare user", "write kernel.yama.ptrace_scope"],
    "ENOENT": ["open /dev/mem", "open /proc/kcore"],
    "EPERM": ["ptrace"],
}


def output(*command):
    """Runs a command that must succeed, and returns its standard output."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def kernel():
    return os.environ.get("KERNEL") or output(ROOT / "reproducible/kernel.sh") + "/bzImage"


def eif_build():
    return os.environ.get("EIF_BUILD") or output(ROOT / "reproducible/binaries.sh") + "/eif-build"


def compiled_in():
    """The command line that is compiled into the kernel."""
    for line in (ROOT / "reproducible/kernel.config").read_text().splitlines():
        if line.startswith("CONFIG_CMDLINE="):
            return line.split("=", 1)[1].strip('"')
    raise SystemExit("reproducible/kernel.config has no CONFIG_CMDLINE")


def image(folder):
    """Builds an .eif with the probe as its only program."""
    output("gcc", "-static", "-O2", "-o", folder / "probe", HERE / "probe.c")
    (folder / "list").write_text(
        f"dir /dev 0755 0 0\nnod /dev/console 0600 0 0 c 5 1\nfile /init {folder}/probe 0555 0 0\n"
        "dir /proc 0555 0 0\ndir /sys 0555 0 0\n"
    )
    tool = eif_build()
    output(tool, "cpio", "--list", folder / "list", "--to", folder / "ramdisk")
    output(tool, "build", "--kernel", kernel(), "--command-line", COMMAND_LINE, "--ramdisk", folder / "ramdisk",
           "--to", folder / "probe.eif")  # fmt: skip
    return folder / "probe.eif"


class Guest:
    """A running machine. `vsock` is the socket through which the host reaches it."""

    def __init__(self, folder, eif, **environment):
        folder.mkdir(exist_ok=True)
        self.folder, self.vsock = folder, folder / "vsock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / "vsock_9000"))
        self.listener.listen()
        threading.Thread(target=self.heartbeat, daemon=True).start()
        self.started = time.monotonic()
        self.process = subprocess.Popen([ROOT / "dev/qemu/boot.sh", folder, eif], env=os.environ | environment)

    def heartbeat(self):
        peer, _ = self.listener.accept()
        self.alive = time.monotonic() - self.started
        peer.sendall(peer.recv(1))

    def facts(self):
        """Waits until the probe is ready, and returns the facts on the console."""
        for _ in range(1500):
            text = (self.folder / "console").read_text() if (self.folder / "console").exists() else ""
            if "probe: ready" in text:
                return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
            if self.process.poll() is not None:
                raise SystemExit(f"the machine ended early:\n{text}")
            time.sleep(0.2)
        raise SystemExit(f"the probe was not ready after five minutes:\n{text}")

    def connect(self, port, patience=300):
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(patience)
        stream.connect(str(self.vsock))
        stream.sendall(b"CONNECT %d\n" % port)
        answer = b""
        while not answer.endswith(b"\n"):
            byte = stream.recv(1)
            if not byte:
                raise ConnectionError(f"the guest refused a connection to port {port}")
            answer += byte
        return stream

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()


def echo(guest, size, results):
    data = os.urandom(size)
    with guest.connect(7000) as stream:
        writer = threading.Thread(target=stream.sendall, args=(data,))
        writer.start()
        got = bytearray()
        while len(got) < size and (part := stream.recv(1 << 16)):
            got += part
        writer.join()
    results.append(bytes(got) == data)


def share(fact):
    """The share of the moments in which two processes ran at once, from a fact like "3 of 4000"."""
    both, moments = map(int, fact.split(" of "))
    return both / moments


def siblings(folder, eif):
    """Guests with two threads of one core: processes with different cookies do not run at once. Without cookies they do,
    in nearly every moment on an idle host. A busy one may run both CPUs at once so rarely that it shows nothing."""
    for attempt in range(6):
        guest = Guest(folder / f"siblings{attempt}", eif, CPUS="2,threads=2")
        try:
            facts = guest.facts()
        finally:
            guest.kill()
        assert facts["core scheduling"] == "allowed", facts
        control, apart = facts["beside without cookies"], facts["beside with cookies"]
        # A process that did not run for two seconds shows nothing either.
        if "did not run" not in (control, apart) and share(control) > 0.003:
            # The kernel stops a sibling by an interrupt. Until it arrives, both run.
            assert share(apart) < share(control) / 10, f"with cookies {apart}, without {control}"
            print(f"moments in which two processes ran on one core: {apart} with cookies, {control} without")
            return
    raise SystemExit(
        f"moments in which two processes ran at once: {control} without cookies, {apart} with them: the host is too busy"
    )


def alone(folder):
    """One guest: its facts, 64 echoes at once, its end. Then guests with sibling threads."""
    eif = image(folder)
    guest = Guest(folder / "guest", eif)
    try:
        facts = guest.facts()
        words = facts["cmdline"].split()
        expected = f"{compiled_in()} {COMMAND_LINE}".split()
        assert words[: len(expected)] == expected, words
        assert all(word.startswith("virtio_mmio.device=") for word in words[len(expected) :]), words
        assert facts["rng_current"] == "nsm-hwrng" and facts["ptrace_scope"] == "3", facts
        for error, names in REFUSED.items():
            for name in names:
                assert facts[name] == error, (name, facts[name])
        assert facts["heartbeat"] == "answered"
        # Its two CPUs are two cores.
        assert facts["core scheduling"] == "ENODEV", facts
        results, start = [], time.monotonic()
        threads = [threading.Thread(target=echo, args=(guest, 1 << 20, results)) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [True] * 64, results
        speed = 128 / (time.monotonic() - start)
        try:
            guest.connect(7002)
        except ConnectionError:
            pass  # The machine ended before it answered.
        start = time.monotonic()
        status = guest.process.wait(60)
        assert status == 0, status
        print(f"every fact is as expected; heartbeat after {guest.alive:.1f} s (/init: {facts['uptime'].split()[0]} s), "
              f"64 echoes at {speed:.0f} MB/s, ended in {time.monotonic() - start:.1f} s")  # fmt: skip
    finally:
        guest.kill()
    siblings(folder, eif)


def joined(folder):
    """Two joined guests that load each other."""
    eif = image(folder)
    tool = os.environ["CAPELET_QEMU"]
    sockets = [folder / f"vhost{i}" for i in range(2)]
    vms = [f"guest-cid={40 + i},socket={sockets[i]},uds-path={folder}/guest{i}/vsock" for i in range(2)]
    for i in range(2):
        (folder / f"guest{i}").mkdir()
    backend = subprocess.Popen([f"{tool}/vhost-device-vsock-joined", "--vm", vms[0], "--vm", vms[1]])
    guests = []
    try:
        guests = [Guest(folder / f"guest{i}", eif, VHOST=str(sockets[i]), MEMORY="1G") for i in range(2)]
        for guest in guests:
            guest.facts()
        answers = {}

        def load(i):
            with guests[i].connect(7001, 150) as stream:
                stream.sendall(bytes([5]))
                answers[i] = stream.recv(100).decode().strip()

        start = time.monotonic()
        threads = [threading.Thread(target=load, args=(i,)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == {i: "refused 5000, whole 100" for i in range(2)}, f"perhaps a deadlock: {answers}"
        print(f"two joined guests: {answers[0]} each way, {time.monotonic() - start:.1f} s")
    finally:
        for guest in guests:
            guest.kill()
        backend.terminate()


if __name__ == "__main__":
    os.environ.setdefault("CAPELET_QEMU", output(ROOT / "dev/qemu/build.sh"))
    with tempfile.TemporaryDirectory() as temporary:
        (joined if sys.argv[1:] == ["joined"] else alone)(pathlib.Path(temporary))
