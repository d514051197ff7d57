"""ASC MHL, both ways with the reference tool (ascmhl 1.2): it accepts what we write, we accept what
it writes, the manifests fit the schema, and on every planted fault both say the same."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

work, rushes = Path(sys.argv[1]) / "mhl", Path(sys.argv[2]).resolve()
tools = Path(sys.executable).parent
failed = 0


def run(*command):
    env = dict(os.environ, RUST_BACKTRACE="0")
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)
    return done.returncode, done.stdout + done.stderr


def theirs(command, folder, *more):
    tool = "ascmhl-debug" if command in ("verify", "xsd-schema-check") else "ascmhl"
    return run(tools / tool, command, *more, folder)


def ours(command, folder, *more):
    return run(rushes, *(["verify"] if command == "verify" else ["mhl", command]), folder, *more)


def check(what, holds, said=""):
    global failed
    if not holds:
        failed += 1
        print(f"FAILED: {what}\n{said}")


def card(name):
    """A card with nested folders, odd names, an empty file and an empty folder."""
    root = work / name
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("Clips/A001", "Clips/B002", "Audio", "empty"):
        (root / folder).mkdir(parents=True)
    for i, path in enumerate(
        ["Clips/A001/A001C001.mov", "Clips/A001/A001C002.mov", "Clips/B002/B002C001.mov", "Audio/Ümläut & <take>.wav", "notes 1.txt"]
    ):
        (root / path).write_bytes(bytes((i * 7 + j * j) % 251 for j in range(5000 * (i + 1))))
    (root / "Clips/nothing").write_bytes(b"")
    return root


def create(who, root, formats, *more):
    if who == "ours":
        return ours("create", root, "--hash", ",".join(formats), *more)
    return theirs("create", root, *itertools.chain.from_iterable(("-h", f) for f in formats), *more)


def change(root):
    path = root / "Clips/A001/A001C002.mov"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def rename(root):
    (root / "Clips/A001/A001C002.mov").rename(root / "Clips/A001/renamed.mov")


faults = {
    "nothing": lambda root: None,
    "changed": change,
    "missing": lambda root: (root / "Clips/B002/B002C001.mov").unlink(),
    "missing empty folder": lambda root: (root / "empty").rmdir(),
    "new": lambda root: (root / "Clips/new.mov").write_bytes(b"new"),
    "renamed": rename,
    "changed manifest": lambda root: (m := next((root / "ascmhl").glob("0001*.mhl"))).write_bytes(m.read_bytes() + b"\n"),
    "missing manifest": lambda root: next((root / "ascmhl").glob("0001*.mhl")).unlink(),
    "missing chain": lambda root: (root / "ascmhl/ascmhl_chain.xml").unlink(),
    "ignored file": lambda root: (root / ".DS_Store").write_bytes(b"finder"),
}

# Every fault after a generation of one and a generation of the other, verdict by verdict.
written = [
    (["xxh64"], ["ours"]),
    (["xxh128"], ["theirs"]),
    (["md5", "c4"], ["ours", "theirs"]),
    (["sha1", "xxh3", "xxh128"], ["theirs", "ours"]),
]
for fault, (formats, writers) in itertools.product(faults, written):
    root = card("card")
    for who in writers:
        code, said = create(who, root, formats)
        check(f"{who} create {formats}", code == 0, said)
    faults[fault](root)
    name = f"{fault}, {formats}, written by {writers}"
    for command in ("verify", "diff"):
        their_code, their_words = theirs(command, root)
        our_code, our_words = ours(command, root)
        check(f"{command}: {name}", (their_code == 0) == (our_code == 0), f"theirs {their_code}: {their_words}\nours {our_code}: {our_words}")
    # The next generation, by each of the tools on a copy of its own.
    codes = {}
    for who in ("ours", "theirs"):
        again = work / "again"
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(root, again)
        codes[who] = create(who, again, formats, *(["-dr"] if who == "theirs" else []))
        if codes[who][0] == 0:
            for command in ("verify", "diff"):
                their_code, their_words = theirs(command, again)
                our_code, our_words = ours(command, again)
                check(f"{command} after {who} create: {name}", their_code == our_code == 0, f"theirs {their_code}: {their_words}\nours {our_code}: {our_words}")
    check(f"create: {name}", (codes["ours"][0] == 0) == (codes["theirs"][0] == 0), f"{codes}")

# Folder digests, all six algorithms, written by each and verified by the other.
schemas = Path(sys.argv[3]) if len(sys.argv) > 3 else None
if not (schemas and schemas.is_dir()):
    schemas = None
    print("mhl: WITHOUT the check against the schema, which is not here")


def fits_schema(what, path, name="ASCMHL.xsd"):
    if schemas:
        more = ["-df"] if "Directory" in name else []
        code, said = run(tools / "ascmhl-debug", "xsd-schema-check", path, "-xsd", schemas / name, *more)
        check(f"schema of {what}", code == 0, said)


every = ["c4", "md5", "sha1", "xxh128", "xxh3", "xxh64"]
for who in ("ours", "theirs"):
    root = card("folders")
    code, said = create(who, root, every)
    check(f"{who} create with all algorithms", code == 0, said)
    code, said = theirs("verify", root, "-dh")
    check(f"their folder digests of what {who} wrote", code == 0 and "mismatch" not in said, said)
    code, said = ours("verify", root)
    check(f"our folder digests of what {who} wrote", code == 0, said)
    for manifest in (root / "ascmhl").glob("*.mhl"):
        fits_schema(f"what {who} wrote", manifest)
    fits_schema(f"the chain {who} wrote", root / "ascmhl/ascmhl_chain.xml", "ASCMHLDirectory__combined.xsd")

# A new algorithm beside an old one; ignore patterns; a history in a folder below; flattening.
for first, second in (("ours", "theirs"), ("theirs", "ours")):
    root = card("mixed")
    create(first, root / "Clips/A001", ["md5"])
    create(second, root, ["xxh64"], *(["--ignore", "*.wav"] if second == "ours" else ["-i", "*.wav"]))
    code, said = create(first, root, ["c4"])
    check(f"{first} append after {second}", code == 0, said)
    for command in ("verify", "diff"):
        for name, tool in (("theirs", theirs), ("ours", ours)):
            code, said = tool(command, root)
            check(f"{name} {command} of nested histories by {first} and {second}", code == 0, said)
    change(root)
    for name, tool in (("theirs", theirs), ("ours", ours)):
        code, said = tool("verify", root)
        check(f"{name} verify of a change below a nested history", code != 0, said)

root = card("flat")
create("ours", root, ["xxh64"])
create("theirs", root, ["md5"])
out = work / "flat-out"
shutil.rmtree(out, ignore_errors=True)
code, said = ours("flatten", root, "--out", out)
check("flatten", code == 0, said)
packing = next(out.glob("*.mhl"))
fits_schema("a packing list", packing)
code, said = theirs("verify", root, "-pl", packing)
check("their verify against our packing list", code == 0, said)
theirs_out = work / "their-flat"
shutil.rmtree(theirs_out, ignore_errors=True)
theirs_out.mkdir()
code, said = run(tools / "ascmhl", "flatten", root, theirs_out)
check("their flatten", code == 0, said)
for manifest in theirs_out.rglob("*.mhl"):
    copy = root / manifest.name
    shutil.copy(manifest, copy)
    code, said = run(rushes, "verify", copy)
    check("our verify against their packing list", code == 0, said)

# The histories that an offload writes into its copies.
root = card("A002R2EC")
create("theirs", root, ["md5"])
to = [work / "shuttle", work / "raid"]
for folder in to:
    shutil.rmtree(folder, ignore_errors=True)
code, said = run(rushes, "offload", root, "--to", to[0], "--to", to[1], "--hash", "xxh64,md5")
check("offload", code == 0, said)
for folder in to:
    for command in ("verify", "diff"):
        code, said = theirs(command, folder / root.name)
        check(f"their {command} of an offloaded card", code == 0, said)
change(to[1] / root.name)
code, said = theirs("verify", to[1] / root.name)
check("their verify of a change after an offload", code == 11, said)

print("mhl: agrees with ascmhl 1.2" if not failed else f"mhl: {failed} checks failed")
sys.exit(failed > 0)
