#!/usr/bin/env python3
"""The Compose file, as `docker-compose config` reads it, and the Dockerfile. Both also broken on purpose, each fault of
which must be found.

    containers.py DOCKER-COMPOSE DEPLOY-FOLDER RUSHES
"""

import copy
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import yaml

import worker

# What orders ask of the server beside its defaults: shows share by their weights.
SERVER = {"matching.enableFairness": True}


def compose(program, file):
    made = subprocess.run([program, "-f", file, "--profile", "*", "config", "--format", "json"], capture_output=True, text=True)
    if made.returncode:
        raise SystemExit(f"docker-compose refuses {file}: {made.stderr}")
    return json.loads(made.stdout)


def seconds(text):
    hours, minutes, rest = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text).groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(rest or 0)


def pinned(image):
    """Whether a tag (or a digest) says which version, so that it is not whatever is newest."""
    name, _, tag = image.rpartition(":")
    return bool(name) and "/" not in tag and bool(re.search(r"\d+\.\d+|@sha256", tag + image.partition("@")[1]))


def compose_problems(c, targets):
    found, queues = [], set()
    for name, s in c["services"].items():
        wrong = []
        if not pinned(s["image"]):
            wrong.append(f"the image {s['image']} is whatever is newest")
        if "no-new-privileges:true" not in s.get("security_opt", []) or s.get("privileged"):
            wrong.append("may get more rights")
        wrong += [f"port {p['published']} is open to the network" for p in s.get("ports", []) if p.get("host_ip") != "127.0.0.1"]
        if s.get("restart") == "unless-stopped" and "healthcheck" not in s:
            # Nobody waits for the pages that show what happens.
            if name != "ui":
                wrong.append("nobody knows whether it is well")
        wrong += [f"waits for {n} without a condition" for n, d in s.get("depends_on", {}).items()
                  if d["condition"] == "service_started"]
        if (s.get("command") or [""])[0] == "worker":
            wrong += worker_problems(s, c, targets, queues)
        found += [f"service {name}: {w}" for w in wrong]
    if queues != set(worker.QUEUES):
        found.append(f"workers for the queues {sorted(queues)}")
    return found


def worker_problems(s, c, targets, queues):
    options, wrong = worker.options(s["command"])
    wrong += worker.option_problems(options, seconds(s.get("stop_grace_period", "10s")))
    queues.update(options.get("--queue", []))
    if s["build"]["target"] not in targets or s["image"].split(":")[0] != s["build"]["target"]:
        wrong.append(f"builds {s['build']['target']} and calls it {s['image']}")
    if not s.get("read_only") or s.get("cap_drop") != ["ALL"] or s.get("cap_add"):
        wrong.append("has more rights than a worker needs")
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", s.get("user", "")):
        wrong.append(f"runs as {s.get('user', 'root')}")
    scratch = dict(t.split(":", 1) for t in s.get("tmpfs", []))
    environment = s["environment"]
    limit = re.search(r"size=(\w+)", scratch.get(environment.get("RUSHES_SCRATCH"), ""))
    if not limit:
        wrong.append("has no scratch of limited size")
    elif worker.size(limit[1]) + worker.size(options.get("--memory", ["0"])[0]) > worker.size(s.get("mem_limit", 0)) \
            and options["--queue"] != ["orchestrate"]:
        wrong.append("frames in flight and scratch may take more memory than it has")
    host, _, port = environment.get("TEMPORAL_ADDRESS", "").partition(":")
    if host not in c["services"] or port not in {str(p["target"]) for p in c["services"][host].get("ports", [])}:
        wrong.append(f"asks {environment.get('TEMPORAL_ADDRESS')}, where there is no server")
    if environment.get("TEMPORAL_NAMESPACE") != c["services"]["namespace"]["environment"]["TEMPORAL_NAMESPACE"]:
        wrong.append("works in a namespace that nobody makes")
    port = options.get("--metrics", [":none"])[0].split(":")[1]
    if f"/127.0.0.1/{port} " not in " ".join(s["healthcheck"]["test"]):
        wrong.append("is asked at another port than it answers at")
    return wrong


def dynamic_problems(text):
    """Of the settings that the server reads while it runs."""
    read = yaml.safe_load(text)
    return [f"dynamic.yaml: {key} is {read.get(key)}" for key, value in SERVER.items()
            if read.get(key) != [{"value": value, "constraints": {}}]]


def instructions(text):
    """The Dockerfile's, whole: lines that go on are joined, comments left out."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [i.strip() for i in re.sub(r"\\\n\s*", " ", lines).splitlines() if i.strip()]


def dockerfile_problems(text, ignore, deploy):
    found, top = [], deploy.parent
    cargo = tomllib.loads((top / "Cargo.toml").read_text())
    command = tomllib.loads((top / "crates/cli/Cargo.toml").read_text())
    arguments, stages, name = {}, {}, None
    for i in instructions(text):
        word, rest = i.split(None, 1)
        if word == "FROM":
            base, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()
            stages[name] = {"base": base, "all": []}
        elif name is None:
            key, _, value = rest.partition("=")
            arguments[key] = value
        else:
            stages[name]["all"].append((word, rest))
    for key, image in arguments.items():
        if not pinned(image) and not re.search(r"-\d{8}", image):
            found.append(f"{key}: {image} is whatever is newest")
    releases = {w for image in arguments.values() for w in re.findall(r"[a-z]+", image.rpartition(":")[2])} - {"slim"}
    if len(releases) != 1:
        found.append(f"built on one Debian and run on another: {releases}")
    rust = re.search(r"rust:(\d+)\.(\d+)", arguments["RUST_IMAGE"])
    asked = cargo["workspace"]["package"]["rust-version"].split(".")
    if not rust or [int(n) for n in rust.groups()] < [int(n) for n in asked[:2]]:
        found.append(f"{arguments['RUST_IMAGE']} is older than what the workspace asks for")

    called = set()
    for name, stage in stages.items():
        base = re.fullmatch(r"\$\{(\w+)\}", stage["base"])
        if not (base and base[1] in arguments or stage["base"] in stages or stage["base"] == "scratch"):
            found.append(f"stage {name}: on {stage['base']}, which is pinned nowhere")
        for word, rest in stage["all"]:
            called.update(re.findall(r"image/([\w.]+\.sh)", rest))
            source = re.search(r"--from=(\S+)", rest)
            if word == "COPY" and source and source[1] not in stages:
                found.append(f"stage {name}: copies from {source[1]}")
        if name.startswith("rushes"):
            whole, at = [], name
            while at in stages:
                whole, at = stages[at]["all"] + whole, stages[at]["base"]
            users = [r for w, r in whole if w == "USER"]
            if not users or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]):
                found.append(f"stage {name}: runs as {users[-1:] or 'root'}")
            labels = " ".join(r for w, r in whole if w == "LABEL")
            found += [f"stage {name}: no label {k}" for k in ("title", "description", "version", "revision", "licenses")
                      if f"org.opencontainers.image.{k}=" not in labels]
            version = [r for w, r in whole if w == "ARG" and r.startswith("VERSION=")]
            if version != [f"VERSION={cargo['workspace']['package']['version']}"]:
                found.append(f"stage {name}: {version} is not the workspace's version")
            if not any(w == "ENV" and "RUSHES_SCRATCH=/scratch" in r for w, r in whole):
                found.append(f"stage {name}: has no scratch")
    # account.sh is called by the others.
    there = {p.name for p in (deploy / "image").glob("*.sh")}
    found += [f"image/{n}: in the folder or in the Dockerfile, not in both" for n in (called | {"account.sh"}) ^ there]
    features = set(re.search(r"FEATURES=(\S+)", text)[1].split(","))
    missing = features - command["features"].keys()
    found += [f"the command has no feature {f}" for f in missing]

    # The context has all that the workspace's manifests name.
    kept = [line[1:] for line in ignore.splitlines() if line.startswith("!")]
    needed = ["Cargo.toml", "Cargo.lock", "LICENSE-MIT", "LICENSE-APACHE", "src", "deploy/image",
              *(p["path"].split("/")[0] for p in cargo.get("test", [])), *(m.split("/")[0] for m in cargo["workspace"]["members"])]
    found += [f"{n} is left out of the context" for n in dict.fromkeys(needed)
              if not any(fnmatch.fnmatch(n, k) for k in kept)]
    if not ignore.startswith("#") or "\n*\n" not in ignore:
        found.append("the context is not empty but for what is named")
    return found, stages, missing


def compose_faults(c):
    def change(service, key, value):
        def broken():
            copied = copy.deepcopy(c)
            copied["services"][service][key] = value
            return copied
        return f"service {service}: {key} = {value}", broken

    def without(service):
        return f"no service {service}", lambda: {**c, "services": {n: s for n, s in c["services"].items() if n != service}}

    def told(service, old, new):
        command = c["services"][service]["command"]
        at = command.index(old[0])
        assert command[at:at + len(old)] == old, f"{service} is not told {old}"
        return change(service, "command", [*command[:at], *new, *command[at + len(old):]])

    cpu = c["services"]["cpu"]
    return [
        change("cpu", "image", "rushes-ffmpeg"), change("cpu", "image", "rushes-ffmpeg:latest"), change("cpu", "image", "rushes-gpu:0.1.0"),
        change("ui", "image", "temporalio/ui:latest"), change("cpu", "read_only", False), change("cpu", "cap_drop", []),
        change("cpu", "cap_add", ["SYS_ADMIN"]), change("cpu", "security_opt", []), change("cpu", "user", "0:0"),
        change("cpu", "tmpfs", []), change("cpu", "tmpfs", ["/scratch:mode=1777"]), change("cpu", "mem_limit", "4294967296"),
        change("cpu", "stop_grace_period", "10s"), change("cpu", "stop_grace_period", "30m"),
        told("cpu", ["--grace", "540"], []), told("cpu", ["--grace", "540"], ["--grace=600"]), told("cpu", ["--grace", "540"], ["--grace", "9m"]),
        told("filmlight", ["--memory", "4GiB"], []), told("cpu", ["--memory", "4GiB"], []), told("filmlight", ["--filmlight"], []),
        told("gpu", ["--gpu=best"], []), told("gpu", ["--gpu=best"], ["--gpu", "best"]), told("cpu", ["--queue"], ["--filmlight", "--queue"]),
        change("cpu", "command", [*cpu["command"], "--fast"]),
        change("cpu", "command", ["worker", "--queue", "none"]), change("temporal", "ports", [{"target": 7233, "published": "7233"}]),
        change("cpu", "environment", {**cpu["environment"], "TEMPORAL_ADDRESS": "server:7233"}),
        change("cpu", "environment", {**cpu["environment"], "TEMPORAL_NAMESPACE": "default"}),
        change("cpu", "healthcheck", {"test": ["CMD", "true"]}), without("orchestrate"), without("gpu"),
        change("cpu", "depends_on", {"temporal": {"condition": "service_started"}}),
    ]


def dynamic_faults(text):
    def replaced(old, new):
        assert old in text, old
        return f"dynamic.yaml: {old} -> {new}", lambda: text.replace(old, new)
    return [replaced("enableFairness", "enableFairnes"), replaced("value: true", "value: false"), replaced("value: true", "enabled: true")]


def dockerfile_faults(text, ignore):
    def replaced(old, new):
        assert old in text, old
        return f"{old} -> {new}", lambda: (text.replace(old, new), ignore)
    return [
        replaced("rust:1.98.0-slim-trixie", "rust:latest"), replaced("rust:1.98.0", "rust:1.80.0"),
        replaced("debian:trixie-20260803-slim", "debian:bookworm-20260803-slim"), replaced("${DEBIAN_IMAGE}", "debian"),
        replaced("USER 65532:65532", "USER rushes"), replaced("USER 65532:65532", ""), replaced("--from=root", "--from=rot"),
        replaced("image.licenses", "image.license"), replaced("ARG VERSION=0.1.0", "ARG VERSION=0.0.9"),
        replaced("image/root.sh", "image/rot.sh"), replaced("FEATURES=filmlight,", "FEATURES=filmlite,"),
        replaced("RUSHES_SCRATCH=/scratch", "RUSHES_SCRATCH=/tmp"),
        ("crates left out of the context", lambda: (text, ignore.replace("!crates\n", ""))),
        ("everything in the context", lambda: (text, ignore.replace("\n*\n", "\n"))),
    ]


def main():
    program, deploy, rushes = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    text, ignore = (deploy / "Dockerfile").read_text(), (deploy / "Dockerfile.dockerignore").read_text()
    wrong, stages, missing = dockerfile_problems(text, ignore, deploy)
    c = compose(program, deploy / "compose.yaml")
    wrong += compose_problems(c, stages)
    dynamic = (deploy / "temporal/dynamic.yaml").read_text()
    wrong += dynamic_problems(dynamic)
    # Without a profile there is all that units need.
    plain = subprocess.run([program, "-f", deploy / "compose.yaml", "config", "--services"], capture_output=True, text=True, check=True)
    if not {"temporal", "orchestrate", "cpu"} <= set(plain.stdout.split()):
        wrong.append(f"without a profile there are only {plain.stdout.split()}")
    differ = worker.flags_that_differ(rushes)
    wrong += [f"`rushes worker` has no option {f}" for f in differ or []]
    if wrong:
        raise SystemExit("\n".join(wrong))
    if differ is None:
        print(f"CONTAINERS: {rushes} HAS NO WORKER; its options are checked against what was agreed, not against its help")
    if missing:
        print(f"CONTAINERS: THE COMMAND DOES NOT HAVE THE FEATURES YET THAT IMAGES ARE BUILT WITH: {', '.join(sorted(missing))}")
    seen = worker.every_fault_is_found(compose_faults(c), lambda broken: compose_problems(broken, stages))
    seen += worker.every_fault_is_found(dynamic_faults(dynamic), dynamic_problems)
    seen += worker.every_fault_is_found(dockerfile_faults(text, ignore), lambda broken: dockerfile_problems(*broken, deploy)[0])
    print(f"containers: {len(c['services'])} services and {len(stages)} stages agree with each other; {seen} faults were found")


if __name__ == "__main__":
    main()
