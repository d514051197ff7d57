#!/usr/bin/env python3
"""The overlay and the share that deploy/README.md shows, as their reader would use them. Then the same of a text that was
broken on purpose.

    readme.py KUBECTL DEPLOY-FOLDER WORK-FOLDER
"""

import pathlib
import re
import shutil
import sys

import yaml

import manifests
import worker


def problems(kubectl, deploy, folder, text, images):
    """Of the overlay that is shown, to the letter, beside a copy of the manifests where it looks for them."""
    shown = re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)
    overlay = [b for b in shown if b.startswith("resources:")]
    share = [b for b in shown if "kind: PersistentVolume\n" in b]
    if (len(overlay), len(share)) != (1, 1):
        return [f"README.md: shows {len(overlay)} overlays and {len(share)} shares"]
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "overlay").mkdir(parents=True)
    shutil.copytree(deploy / "kubernetes", folder / "rushes/deploy/kubernetes")
    (folder / "overlay/kustomization.yaml").write_text(overlay[0])
    (folder / "overlay/share.yaml").write_text(share[0])
    try:
        documents = manifests.rendered(kubectl, folder / "overlay")
    except SystemExit as e:
        return [f"README.md: {e}"]
    asked = yaml.safe_load(overlay[0])
    renamed = {f"{i['newName']}@{i['digest']}" for i in asked["images"]}
    left_out = {p["target"].get("name", "").removeprefix("rushes-") for p in asked["patches"] if "$patch: delete" in p["patch"]}
    found = manifests.problems(documents, images | renamed, [q for q in worker.QUEUES if q not in left_out], ("scratch", "media"))
    found += [f"leaves out {q}, which is not there" for q in left_out - set(worker.QUEUES)]
    claims = {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "PersistentVolumeClaim"}
    volumes = {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "PersistentVolume"}
    found += [f"the claim {n} has no volume" for n, c in claims.items() if c["volumeName"] not in volumes]
    for d in documents:
        if d["kind"] == "Deployment" and "media" not in {v["name"] for v in d["spec"]["template"]["spec"]["volumes"]}:
            found.append(f"{d['metadata']['name']} does not see the share")
    return [f"README.md: {f}" for f in found]


def faults(text):
    def replaced(old, new):
        assert text.count(old) == 1, old
        return f"README.md: {old} -> {new}", lambda: text.replace(old, new)
    return [
        replaced("components/pod-monitor]", "components/pod-monitors]"),
        replaced("resources: [../rushes/deploy/kubernetes, share.yaml]", "resources: [../rushes/deploy/kubernetes]"),
        replaced("metadata: { name: media, namespace: rushes }", "metadata: { name: media }"),
        replaced("claimName: media", "claimName: cards"),
        replaced("volumeName: rushes-media", "volumeName: media"),
        replaced("persistentVolumeClaim: { claimName: media }", "nfs: { server: filer.example.com, path: /media }"),
        replaced("target: { name: rushes-filmlight }", "target: { name: rushes-filmlite }"),
        replaced("name: rushes-ffmpeg, newName", "name: rushes-ffmpg, nwName"),
    ]


def main():
    kubectl, deploy, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]) / "readme"
    text, images = (deploy / "README.md").read_text(), manifests.images_of(deploy)
    wrong = problems(kubectl, deploy, work, text, images)
    if wrong:
        raise SystemExit("\n".join(wrong))
    seen = worker.every_fault_is_found(faults(text), lambda broken: problems(kubectl, deploy, work, broken, images))
    print(f"README: its overlay brings up what it says; {seen} faults were found")


if __name__ == "__main__":
    main()
