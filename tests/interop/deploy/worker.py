"""What a worker may be told, for the checks of everything that starts one."""

import re
import subprocess

CLASSES = ["cpu", "cpu-himem", "gpu", "filmlight"]
QUEUES = [*CLASSES, "orchestrate"]
FLAGS = {"--queue", "--server", "--namespace", "--units-at-once", "--threads", "--memory", "--metrics"}
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30,
         "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "": 1}


def size(text):
    """Bytes of `4GiB`, `4Gi`, `4g` or a number."""
    read = re.fullmatch(r"(\d+)(\w*)", str(text))
    if not read or read[2] not in UNITS:
        raise ValueError(f"{text} is no size")
    return int(read[1]) * UNITS[read[2]]


def options(arguments):
    """`worker`'s options by name, each a list; and what is wrong with them."""
    wrong, found = [], {}
    if arguments[:1] != ["worker"]:
        wrong.append(f"does not start a worker: {arguments}")
    rest = arguments[1:]
    for name, value in zip(rest[::2], rest[1::2]):
        if name not in FLAGS:
            wrong.append(f"the worker has no option {name}")
        found.setdefault(name, []).append(value)
    if len(rest) % 2:
        wrong.append(f"an option has no value: {arguments}")
    for queue in found.get("--queue", [None]):
        if queue not in QUEUES:
            wrong.append(f"there is no queue {queue}")
    return found, wrong


def flags_that_differ(rushes):
    """Options above that the command's own help does not know; None where it has no worker."""
    shown = subprocess.run([rushes, "worker", "--help"], capture_output=True, text=True)
    if shown.returncode:
        return None
    return sorted(FLAGS - set(re.findall(r"--[a-z-]+", shown.stdout)))


def every_fault_is_found(faults, check):
    """Each of `faults` (what it is, a function that breaks a fresh copy) must make `check` find more than nothing."""
    unseen = [what for what, broken in faults if not check(broken())]
    if unseen:
        raise SystemExit("these faults are not found by the check:\n" + "\n".join(unseen))
    return len(faults)
