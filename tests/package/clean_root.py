# SPDX-License-Identifier: Apache-2.0
"""A small fresh Debian in a folder, to try packages in.

Whatever debootstrap mounts is mounted in a namespace of its own and gone with the command. Nothing is
removed while anything is mounted below the folder, and never across a file system: a mounted /dev must
not be emptied with it.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

# A namespace for mounts, in which nothing reaches the outside.
APART = ["unshare", "--mount", "--propagation", "private", "--"]


# What starts the programs of another architecture, as binfmt_misc knows it.
EMULATORS = {"arm64": "qemu-aarch64"}


def why_not(architecture):
    """Why there can be no clean root of the architecture here, or None."""
    if os.geteuid() != 0:
        return "a clean root needs root"
    for tool in ("debootstrap", "unshare", "chroot"):
        if shutil.which(tool) is None:
            return f"a clean root needs {tool}"
    if subprocess.run(APART + ["true"], capture_output=True, check=False).returncode != 0:
        return "this machine allows no mount namespace of our own"
    own = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True,
                         check=True).stdout.strip()
    emulator = EMULATORS.get(architecture)
    if architecture != own and not pathlib.Path(f"/proc/sys/fs/binfmt_misc/{emulator}").exists():
        return (f"the kernel starts no programs of {architecture} here; as root, with qemu-user-static "
                f"and binfmt-support: update-binfmts --enable {emulator}")
    return None


def codename():
    """Of this Debian or Ubuntu: the packages are built against its libraries."""
    for line in pathlib.Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    return "stable"


class CleanRoot:
    def __init__(self, architecture):
        self.architecture = architecture
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="wattle_root_", dir="/var/tmp"))
        self.path.chmod(0o755)

    def make(self):
        """Error text, or None. A machine without a network has no root."""
        command = APART + ["debootstrap", "--arch", self.architecture, "--variant=minbase",
                           codename(), str(self.path)]
        if os.environ.get("WATTLE_DEBIAN_MIRROR"):
            command.append(os.environ["WATTLE_DEBIAN_MIRROR"])
        done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
        return None if done.returncode == 0 else done.stdout[-2000:] + done.stderr[-2000:]

    def run(self, *command, processor=None):
        """(exit status, output) of a command in the root; of an emulated processor where named."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
               "HOME": "/root", "LC_ALL": "C.UTF-8"}
        if processor:
            env["QEMU_CPU"] = processor
        for name in ("http_proxy", "https_proxy"):
            if name in os.environ:
                env[name] = os.environ[name]
        done = subprocess.run(APART + ["chroot", str(self.path), *command], env=env, timeout=900,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def remove(self):
        mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
        below = [line for line in mounts if line.split()[4].startswith(str(self.path))]
        if below:
            raise RuntimeError(f"{self.path} is left there, as something is mounted in it: {below}")
        subprocess.run(["rm", "-rf", "--one-file-system", "--", str(self.path)], check=True)
