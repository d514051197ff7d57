#!/usr/bin/env python3
"""The manifests for Kubernetes: against its schemas (strict: no unknown field), against KEDA's and Prometheus' operator's,
and against each other. Then the same check of manifests that were broken on purpose, each of which must be found.

    manifests.py KUBECTL DEPLOY-FOLDER WORK-FOLDER
"""

import copy
import os
import pathlib
import re
import shutil
import subprocess
import sys

import kubernetes_validate
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as prometheus

import worker

# KEDA 2.20 is tested with 1.33 to 1.35.
KUBERNETES = ["1.33", "1.37"]
TYPES = {"ScaledObject": keda.ScaledObject, "TriggerAuthentication": keda.TriggerAuthentication,
         "PodMonitor": prometheus.PodMonitor}
# What the scaler `temporal` of KEDA 2.20 reads (pkg/scalers/temporal_scaler.go), less what is deprecated. `FromEnv` may
# follow some of the names.
TRIGGER = {"endpoint", "endpointFromEnv", "namespace", "namespaceFromEnv", "taskQueue", "taskQueueFromEnv", "queueTypes",
           "targetQueueSize", "activationTargetQueueSize", "workerDeploymentName", "workerDeploymentBuildId",
           "minConnectTimeout", "unsafeSsl", "tlsServerName"}
CLUSTER_WIDE = {"Namespace", "PriorityClass", "PersistentVolume"}
# Claims that whoever has what they stand for makes.
OF_OTHERS = {"filmlight"}


def schema_problems(document):
    kind = document["kind"]
    if kind in TYPES:
        try:
            read = TYPES[kind].model_validate(document)
        except ValueError as e:
            return [str(e)]
        # The types let unknown fields pass; they are then missing in what was read.
        back = read.model_dump(by_alias=True, exclude_unset=True, mode="json")
        return [] if back == document else [f"fields that {kind} does not have"]
    found = []
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as e:
            found.append(f"{version}: {e.message} at {'.'.join(map(str, e.path))}")
    return found


def matches(selector, labels):
    return bool(selector) and selector.items() <= labels.items()


def container_problems(name, pod, limits, config):
    """The one container of a worker, its options and its probes."""
    if len(pod["containers"]) != 1 or pod.get("initContainers"):
        return ["not one container"]
    box = pod["containers"][0]
    options, wrong = worker.options(box["args"])
    wrong += worker.option_problems(options, pod.get("terminationGracePeriodSeconds", 30))
    if options.get("--queue") != [name]:
        wrong.append(f"asks the queue {options.get('--queue')}")
    ports = {p.get("name"): p["containerPort"] for p in box.get("ports", [])}
    if options.get("--metrics") != [f"0.0.0.0:{ports.get('metrics')}"]:
        wrong.append("metrics are not served at the port that has their name")
    for probe, path in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]:
        asked = box.get(probe, {}).get("httpGet", {})
        if asked.get("path") != path or asked.get("port") not in ports:
            wrong.append(f"{probe} asks {asked or 'nothing'}")
    if "--memory" in options and worker.size(options["--memory"][0]) > 0.75 * worker.size(limits.get("memory", 0)):
        wrong.append("frames in flight may take more than three quarters of the memory")
    if limits.get("memory") != box["resources"]["requests"].get("memory"):
        wrong.append("memory that is asked for and the limit differ")
    if ("nvidia.com/gpu" in limits) != (name == "gpu"):
        wrong.append("a GPU for the wrong class")
    rights = box.get("securityContext", {})
    if (rights.get("allowPrivilegeEscalation"), rights.get("readOnlyRootFilesystem"), rights.get("capabilities"),
            rights.get("privileged", False)) != (False, True, {"drop": ["ALL"]}, False):
        wrong.append("more rights than a worker needs")
    for source in box["envFrom"]:
        if "configMapRef" in source and source["configMapRef"]["name"] not in config:
            wrong.append(f"no ConfigMap {source['configMapRef']['name']}")
        if "secretRef" in source and not source["secretRef"].get("optional"):
            wrong.append(f"cannot start without the secret {source['secretRef']['name']}, which is not here")
    known = {e["name"] for e in box.get("env", [])}
    wrong += [f"$({v}) is set nowhere" for v in re.findall(r"\$\((\w+)\)", " ".join(box["args"])) if v not in known]
    return wrong


def scratch_problems(pod, limits, config, claims, writable):
    wrong = []
    volumes = {v["name"]: v for v in pod["volumes"]}
    mounts = {m["name"]: m for m in pod["containers"][0]["volumeMounts"]}
    if volumes.keys() != mounts.keys():
        wrong.append(f"volumes {sorted(volumes)} and mounts {sorted(mounts)}")
    wrong += [f"{n} is no volume for a worker" for n, v in volumes.items()
              if v.keys() - {"name", "emptyDir", "persistentVolumeClaim"}]
    wrong += [f"{n} is writable" for n, m in mounts.items() if n not in writable and not m.get("readOnly")]
    claimed = {v["persistentVolumeClaim"]["claimName"] for v in volumes.values() if "persistentVolumeClaim" in v}
    wrong += [f"nobody makes the claim {c}" for c in claimed - set(claims) - OF_OTHERS]
    scratch = volumes.get("scratch", {}).get("emptyDir", {})
    if not scratch.get("sizeLimit"):
        wrong.append("scratch has no limit")
    elif worker.size(scratch["sizeLimit"]) > worker.size(limits.get("ephemeral-storage", 0)):
        wrong.append("scratch may be larger than what the pod may write")
    where = {data.get("RUSHES_SCRATCH") for data in config.values()}
    if "scratch" in mounts and mounts["scratch"]["mountPath"] not in where:
        wrong.append("scratch is not where workers are told that it is")
    return wrong


def deployment_problems(d, by_kind, images, writable):
    name = d["metadata"]["name"].removeprefix("rushes-")
    pod, template = d["spec"]["template"]["spec"], d["spec"]["template"]["metadata"]["labels"]
    box = pod["containers"][0]
    limits = box["resources"]["limits"]
    config = {n: c["data"] for n, c in by_kind["ConfigMap"].items()}
    wrong = container_problems(name, pod, limits, config) + scratch_problems(
        pod, limits, config, by_kind["PersistentVolumeClaim"], writable)
    selector = d["spec"]["selector"]["matchLabels"]
    if not matches(selector, template) or template.get("app.kubernetes.io/component") != name:
        wrong.append(f"selects {selector} and makes {template}")
    if any(o is not d and matches(selector, o["spec"]["template"]["metadata"]["labels"])
           for o in by_kind["Deployment"].values()):
        wrong.append("selects pods of another class")
    if not all(matches(t["labelSelector"]["matchLabels"], template) for t in pod.get("topologySpreadConstraints", [])) \
            or not pod.get("topologySpreadConstraints"):
        wrong.append("is not spread over nodes")
    if box["image"] not in images:
        wrong.append(f"the image {box['image']} is none of {sorted(images)}")
    if "replicas" in d["spec"]:
        wrong.append("says how many replicas, which KEDA does")
    if pod.get("serviceAccountName") not in by_kind["ServiceAccount"] or pod.get("automountServiceAccountToken") is not False:
        wrong.append("runs under the wrong account, or is handed its token")
    if pod.get("priorityClassName") not in by_kind["PriorityClass"]:
        wrong.append(f"no priority {pod.get('priorityClassName')}")
    wrong += [f"{k} is for no worker" for k in ("hostNetwork", "hostPID", "hostIPC") if pod.get(k)]
    rights = pod["securityContext"]
    if not rights.get("runAsNonRoot") or rights.get("runAsUser", 0) == 0 \
            or rights.get("seccompProfile") != {"type": "RuntimeDefault"}:
        wrong.append("runs as root or without seccomp")
    for kind in ("PodDisruptionBudget", "ScaledObject"):
        if d["metadata"]["name"] not in by_kind[kind]:
            wrong.append(f"has no {kind}")
    return wrong


def scaling_problems(s, by_kind):
    target = by_kind["Deployment"].get(s["spec"]["scaleTargetRef"]["name"])
    if target is None or target["metadata"]["name"] != s["metadata"]["name"]:
        return [f"scales {s['spec']['scaleTargetRef']['name']}"]
    wrong, spec = [], s["spec"]
    name = target["metadata"]["name"]
    told = {k for c in by_kind["ConfigMap"].values() for k in c["data"]}
    for trigger in spec["triggers"]:
        m = trigger["metadata"]
        wrong += [f"the scaler has no {k}" for k in m.keys() - TRIGGER]
        wrong += [f"{k}: workers are not told {v}" for k, v in m.items() if k.endswith("FromEnv") and v not in told]
        if trigger["type"] != "temporal" or not {"endpoint", "endpointFromEnv"} & m.keys():
            wrong.append("does not ask Temporal")
        if m.get("taskQueue") != name:
            wrong.append(f"looks at the task queue {m.get('taskQueue')}")
        if m.get("queueTypes") != ("workflow" if name == "rushes-orchestrate" else "activity"):
            wrong.append(f"looks at tasks of the type {m.get('queueTypes')}")
        if not str(m.get("targetQueueSize")).isdigit() or int(m["targetQueueSize"]) < 1:
            wrong.append(f"targetQueueSize is {m.get('targetQueueSize')}")
        asked = trigger.get("authenticationRef", {}).get("name")
        if asked and asked not in by_kind["TriggerAuthentication"]:
            wrong.append(f"no TriggerAuthentication {asked}")
    if not spec["minReplicaCount"] <= spec["maxReplicaCount"]:
        wrong.append("at least more than at most")
    # Units that run are not seen by the scaler: the last worker must not be taken away under one.
    grace = target["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    if spec["minReplicaCount"] == 0 and spec.get("cooldownPeriod", 0) < grace:
        wrong.append("goes to none before a unit may be done")
    return wrong


def problems(documents, images, classes=worker.QUEUES, writable=("scratch",)):
    found = []
    by_kind = {k: {} for k in ["Deployment", "ConfigMap", "ServiceAccount", "PriorityClass", "PodDisruptionBudget",
                               "ScaledObject", "TriggerAuthentication", "Service", "PodMonitor", "Namespace", "PersistentVolumeClaim"]}
    for d in documents:
        where = f"{d['kind']} {d['metadata']['name']}"
        if d["metadata"]["name"] in by_kind.setdefault(d["kind"], {}):
            found.append(f"{where}: there are two")
        by_kind[d["kind"]][d["metadata"]["name"]] = d
        found += [f"{where}: {p}" for p in schema_problems(d)]
        if d["kind"] not in CLUSTER_WIDE and d["metadata"].get("namespace") not in by_kind["Namespace"]:
            found.append(f"{where}: in the namespace {d['metadata'].get('namespace')}, which is not made here")
    if found:
        return found  # what follows takes fields for granted
    there = sorted(n.removeprefix("rushes-") for n in by_kind["Deployment"])
    if there != sorted(classes):
        found.append(f"workers of the classes {there}")
    for n, d in by_kind["Deployment"].items():
        try:
            found += [f"Deployment {n}: {p}" for p in deployment_problems(d, by_kind, images, writable)]
        except (KeyError, ValueError) as e:
            found.append(f"Deployment {n}: misses or misspells {e}")
    for n, s in by_kind["ScaledObject"].items():
        found += [f"ScaledObject {n}: {p}" for p in scaling_problems(s, by_kind)]
    for n, b in by_kind["PodDisruptionBudget"].items():
        target = by_kind["Deployment"].get(n)
        if target is None or b["spec"]["selector"] != target["spec"]["selector"]:
            found.append(f"PodDisruptionBudget {n}: is about other pods than the Deployment of its name")
    pods = [d["spec"]["template"] for d in by_kind["Deployment"].values()]
    named = [{p.get("name") for p in t["spec"]["containers"][0].get("ports", [])} for t in pods]
    for n, s in by_kind["Service"].items():
        if not all(matches(s["spec"]["selector"], t["metadata"]["labels"]) for t in pods) \
                or not all(p["targetPort"] in ports for p in s["spec"]["ports"] for ports in named):
            found.append(f"Service {n}: leaves workers out")
    for n, m in by_kind["PodMonitor"].items():
        if not all(matches(m["spec"]["selector"]["matchLabels"], t["metadata"]["labels"]) for t in pods) \
                or not all(e["port"] in ports for e in m["spec"]["podMetricsEndpoints"] for ports in named):
            found.append(f"PodMonitor {n}: leaves workers out")
    enforced = [n["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") for n in by_kind["Namespace"].values()]
    if enforced != ["restricted"]:
        found.append(f"the namespace enforces {enforced}")
    return found


def faults(documents):
    """Manifests broken in one place each."""
    def change(kind, name, path, value):
        def broken():
            copied = copy.deepcopy(documents)
            at = next(d for d in copied if d["kind"] == kind and d["metadata"]["name"] == name)
            *way, last = path
            for step in way:
                at = at[step]
            if value is None:
                del at[last]
            else:
                at[last] = value
            return copied
        return f"{kind} {name}: {'.'.join(map(str, path))} = {value}", broken

    def told(name, old, new):
        def broken():
            copied = copy.deepcopy(documents)
            box = next(d for d in copied if d["kind"] == "Deployment" and d["metadata"]["name"] == name)
            box = box["spec"]["template"]["spec"]["containers"][0]
            at = box["args"].index(old[0])
            assert box["args"][at:at + len(old)] == old, f"{name} is not told {old}"
            box["args"][at:at + len(old)] = new
            return copied
        return f"Deployment {name}: {' '.join(old)} -> {' '.join(new)}", broken

    def without(kind, name):
        return f"no {kind} {name}", lambda: [d for d in documents if (d["kind"], d["metadata"]["name"]) != (kind, name)]

    pod, box = ["spec", "template", "spec"], ["spec", "template", "spec", "containers", 0]
    trigger = ["spec", "triggers", 0, "metadata"]
    return [
        change("Deployment", "rushes-cpu", [*pod, "containres"], []),
        change("Deployment", "rushes-cpu", [*box, "resources", "limits", "memory"], "lots"),
        change("Deployment", "rushes-cpu", ["spec", "template", "metadata", "labels", "app.kubernetes.io/component"], "gpu"),
        change("Deployment", "rushes-cpu", ["spec", "selector", "matchLabels"], {"app.kubernetes.io/name": "rushes"}),
        change("Deployment", "rushes-cpu", ["spec", "replicas"], 3),
        change("Deployment", "rushes-cpu", ["metadata", "namespace"], "default"),
        change("Deployment", "rushes-cpu", [*box, "image"], "rushes:latest"),
        told("rushes-cpu", ["--queue", "cpu"], ["--queue", "gpu"]),
        told("rushes-cpu", ["--queue"], ["--que"]),
        told("rushes-cpu", ["--memory", "5GiB"], ["--memory", "7GiB"]),
        told("rushes-cpu", ["--memory", "5GiB"], []),
        told("rushes-cpu", ["--memory", "5GiB"], ["--memory"]),
        told("rushes-cpu", ["--grace", "840"], []),
        told("rushes-cpu", ["--grace", "840"], ["--grace", "14m"]),
        told("rushes-cpu", ["--grace", "840"], ["--grace", "900"]),
        told("rushes-cpu", ["--grace", "840"], ["--grace", "30"]),
        told("rushes-orchestrate", ["--grace", "30"], ["--grace", "90"]),
        told("rushes-gpu", ["--gpu=best"], []),
        told("rushes-gpu", ["--gpu=best"], ["--gpu", "best"]),
        told("rushes-filmlight", ["--filmlight"], []),
        told("rushes-cpu", ["--memory", "5GiB"], ["--memory", "5GiB", "--gpu"]),
        change("Deployment", "rushes-cpu", [*box, "env"], None),
        change("Deployment", "rushes-cpu", [*box, "readinessProbe"], None),
        change("Deployment", "rushes-cpu", [*box, "livenessProbe", "httpGet", "path"], "/readyz"),
        change("Deployment", "rushes-cpu", [*box, "ports", 0, "name"], "http"),
        change("Deployment", "rushes-cpu", [*box, "securityContext", "privileged"], True),
        change("Deployment", "rushes-cpu", [*box, "securityContext", "readOnlyRootFilesystem"], False),
        change("Deployment", "rushes-cpu", [*box, "volumeMounts", 0, "mountPath"], "/tmp"),
        change("Deployment", "rushes-cpu", [*box, "envFrom", 0, "configMapRef", "name"], "rushes"),
        change("Deployment", "rushes-cpu", [*pod, "volumes", 0, "emptyDir", "sizeLimit"], "500Gi"),
        change("Deployment", "rushes-cpu", [*pod, "volumes", 0], {"name": "scratch", "hostPath": {"path": "/"}}),
        change("Deployment", "rushes-cpu", [*pod, "securityContext", "runAsUser"], 0),
        change("Deployment", "rushes-cpu", [*pod, "hostNetwork"], True),
        change("Deployment", "rushes-cpu", [*pod, "serviceAccountName"], "default"),
        change("Deployment", "rushes-cpu", [*pod, "priorityClassName"], "rushes"),
        change("Deployment", "rushes-cpu", [*pod, "terminationGracePeriodSeconds"], 30),
        change("Deployment", "rushes-cpu", [*pod, "topologySpreadConstraints"], None),
        change("Deployment", "rushes-gpu", [*box, "resources", "limits", "nvidia.com/gpu"], None),
        change("Deployment", "rushes-filmlight", [*box, "volumeMounts", 1, "readOnly"], False),
        change("Deployment", "rushes-filmlight", [*pod, "volumes", 1, "persistentVolumeClaim", "claimName"], "fl"),
        change("PodMonitor", "rushes", ["metadata", "namespace"], None),
        change("TriggerAuthentication", "rushes-temporal", ["metadata", "namespace"], "default"),
        without("Deployment", "rushes-gpu"),
        without("PodDisruptionBudget", "rushes-cpu"),
        change("PodDisruptionBudget", "rushes-cpu", ["spec", "selector", "matchLabels", "app.kubernetes.io/component"], "gpu"),
        without("ScaledObject", "rushes-cpu"),
        change("ScaledObject", "rushes-cpu", ["spec", "minReplicas"], 1),
        change("ScaledObject", "rushes-cpu", ["spec", "minReplicaCount"], "one"),
        change("ScaledObject", "rushes-cpu", ["spec", "minReplicaCount"], 90),
        change("ScaledObject", "rushes-cpu", ["spec", "scaleTargetRef", "name"], "rushes-none"),
        change("ScaledObject", "rushes-cpu", [*trigger, "taskQueue"], "rushes-gpu"),
        change("ScaledObject", "rushes-cpu", [*trigger, "queueTypes"], "workflow"),
        change("ScaledObject", "rushes-cpu", [*trigger, "queueSize"], "4"),
        change("ScaledObject", "rushes-cpu", [*trigger, "targetQueueSize"], 4),
        change("ScaledObject", "rushes-cpu", [*trigger, "endpointFromEnv"], "TEMPORAL_HOST"),
        change("ScaledObject", "rushes-gpu", ["spec", "cooldownPeriod"], 60),
        change("ScaledObject", "rushes-gpu", ["spec", "triggers", 0, "authenticationRef", "name"], "nobody"),
        without("TriggerAuthentication", "rushes-temporal"),
        without("Namespace", "rushes"),
        change("Namespace", "rushes", ["metadata", "labels", "pod-security.kubernetes.io/enforce"], "privileged"),
        change("Service", "rushes-metrics", ["spec", "ports", 0, "targetPort"], "http"),
        change("PodMonitor", "rushes", ["spec", "podMetricsEndpoints", 0, "port"], "http"),
        change("PodMonitor", "rushes", ["spec", "endpoints"], []),
        ("one twice", lambda: [*documents, documents[-1]]),
    ]


def rendered(kubectl, folder):
    made = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True)
    if made.returncode:
        raise SystemExit(f"kustomize refuses {folder}: {made.stderr}")
    return list(yaml.safe_load_all(made.stdout))


def images_of(deploy):
    """What the Dockerfile makes, by name and version."""
    version = re.search(r'^version = "(.*)"', (deploy.parent / "Cargo.toml").read_text(), re.M)[1]
    return {f"{n}:{version}" for n in re.findall(r"^FROM \S+ AS (rushes\S*)", (deploy / "Dockerfile").read_text(), re.M)}


def main():
    kubectl, deploy, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
    images = images_of(deploy)

    # A manifest that nobody lists is one that nobody applies.
    listed = set(yaml.safe_load((deploy / "kubernetes/kustomization.yaml").read_text())["resources"])
    there = {p.name for p in (deploy / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    wrong = [f"in the folder or in kustomization.yaml, not in both: {n}" for n in listed ^ there]

    # With everything that may be put in, by an overlay that says no more than it must.
    overlay = work / "overlay"
    shutil.rmtree(overlay, ignore_errors=True)
    overlay.mkdir(parents=True)
    base = os.path.relpath(deploy / "kubernetes", overlay.resolve())
    parts = sorted(p.parent.name for p in (deploy / "kubernetes/components").glob("*/kustomization.yaml"))
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(
        {"resources": [base], "components": [f"{base}/components/{p}" for p in parts]}))
    plain, whole = rendered(kubectl, deploy / "kubernetes"), rendered(kubectl, overlay)
    wrong += problems(plain, images) + problems(whole, images)
    if len(whole) <= len(plain):
        wrong.append("the components bring nothing")
    if wrong:
        raise SystemExit("\n".join(dict.fromkeys(wrong)))
    seen = worker.every_fault_is_found(faults(whole), lambda documents: problems(documents, images))
    print(f"kubernetes: {len(whole)} objects agree with Kubernetes {', '.join(KUBERNETES)}, KEDA and each other; "
          f"{seen} faults were found")


if __name__ == "__main__":
    main()
