"""What a worker may be told, for the checks of everything that starts one."""

import re
import subprocess

CLASSES = ["cpu", "cpu-himem", "gpu", "filmlight"]
QUEUES = [*CLASSES, "orchestrate"]
# Flags that take a value, as the next argument or after `=`; flags that may have one, after `=` alone.
VALUED = {"--queue", "--server", "--namespace", "--units-at-once", "--threads", "--memory", "--metrics", "--grace"}
BARE = {"--gpu", "--filmlight"}
FLAGS = VALUED | BARE
# Without it the worker of a class computes elsewhere, or cannot read what it is given.
NEEDED = {"gpu": "--gpu", "filmlight": "--filmlight"}
# Seconds between the end of `--grace` and the kill: units that are given back come to their end, and the server is told.
LEAVING = range(60, 121)
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
    rest = iter(arguments[1:])
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in BARE:
            value = value if equals else ""
        elif name in VALUED:
            value = value if equals else next(rest, None)
            if value is None or value.startswith("--"):
                wrong.append(f"{name} has no value: {arguments}")
        else:
            wrong.append(f"the worker has no option {argument}")
        found.setdefault(name, []).append(value)
    for queue in found.get("--queue", [None]):
        if queue not in QUEUES:
            wrong.append(f"there is no queue {queue}")
    return found, wrong


def option_problems(found, period):
    """What a worker with the options `found` lacks, if it is killed `period` seconds after it was told to end."""
    queues, wrong = found.get("--queue", []), []
    wrong += [f"takes units of {q} without {NEEDED[q]}" for q in queues if q in NEEDED and NEEDED[q] not in found]
    wrong += [f"has {flag} and takes no units of {q}" for q, flag in NEEDED.items() if flag in found and q not in queues]
    if set(queues) & set(CLASSES) and "--memory" not in found:
        wrong.append("is not told how much memory frames may take")
    grace = found.get("--grace", [None])[-1]
    if not str(grace).isdigit():
        wrong.append(f"--grace is {grace}, which is no number of seconds: units would be given back after 30")
    elif period - int(grace) not in LEAVING:
        wrong.append(f"gives units back after {grace} s and is killed after {period} s")
    return wrong


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
