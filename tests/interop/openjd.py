"""Job templates, checked and run by openjd-cli, make what `rushes` makes by itself.

    openjd.py RUSHES CARD FOLDER
"""

import json
import pathlib
import shutil
import subprocess
import sys

rushes, card, work = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
openjd = pathlib.Path(sys.executable).parent / "openjd"
OPTIONS = ["--exr", "zip", "--on-bad-frame", "hold", "--frames-per-unit", "6"]


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{args} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def files(out):
    """All that was made, but for what is kept for later runs and the page, which has a date."""
    made = {}
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = path.relative_to(out)
        if name.parts[0] not in (".rushes", "report") and not name.name.startswith("job."):
            made[str(name)] = path.read_bytes()
    return made


def same(one, other, what):
    one, other = files(one), files(other)
    assert "manifest.json" in one and len(one) > 3, one.keys()
    assert one.keys() == other.keys(), one.keys() ^ other.keys()
    differs = [name for name in one if one[name] != other[name]]
    assert not differs, f"{what}: {differs}"


def submit(template, *parameters):
    run(openjd, "check", template)
    return run(openjd, "run", template, "-p", f"Rushes={rushes}", *parameters, "--verbose")


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)

# Plates, in chunks; the template as JSON in the output folder, where it knows the order.
run(rushes, "plates", card, "--out", work / "plates", *OPTIONS)
template = work / "by-farm" / "job.json"
run(rushes, "export", "openjd", "plates", card, "--out", work / "by-farm", "--template", template, *OPTIONS)
log = submit(template)
same(work / "plates", work / "by-farm", "plates")
# 16 frames, 6 at a time, evenly: not the units of the plan.
for chunk in ["--frames=0-5", "--frames=6-10", "--frames=11-15"]:
    assert chunk in log, log

# The same with chunks of another size, as whoever submits it may ask for.
template = work / "by-five" / "job.json"
run(rushes, "export", "openjd", "plates", card, "--out", work / "by-five", "--template", template, *OPTIONS)
job = json.loads(template.read_text())
for step in job["steps"][:-1]:
    step["parameterSpace"]["taskParameterDefinitions"][0]["chunks"]["defaultTaskCount"] = 5
template.write_text(json.dumps(job))
submit(template)
same(work / "plates", work / "by-five", "plates in other chunks")

# Dailies: a movie needs its whole clip. As YAML, elsewhere.
run(rushes, "dailies", card, "--out", work / "dailies", *OPTIONS)
template = work / "dailies.yaml"
run(rushes, "export", "openjd", "dailies", card, "--out", work / "whole", "--template", template, *OPTIONS)
submit(template)
same(work / "dailies", work / "whole", "dailies")
template = work.parent / "openjd-elsewhere.yml"
run(rushes, "export", "openjd", "proxies", card, "--out", work / "elsewhere", "--template", template, *OPTIONS)
order = next((work / "elsewhere" / ".rushes" / "orders").iterdir())
submit(template, "-p", f"Order={order}")
run(rushes, "verify", work / "elsewhere")

print("openjd: templates check, and their tasks make what a run makes")
