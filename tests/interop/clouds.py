"""Objects are put, raced for, read and listed at a server of other people: Azurite, Microsoft's own stand-in for Azure's blobs.

    clouds.py TEST FOLDER

TEST is the test binary `s3` of crates/storage. Azurite comes from npm, into FOLDER. It is in memory, and ends with this.
"""

import base64
import email.utils
import hashlib
import hmac
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

test, work = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
AZURITE = "azurite@3.35.0"
# Those of every emulator, as Microsoft's documentation has them.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_container(address, name):
    """As Authorize with Shared Key says; the client does not make containers."""
    headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    said = "".join(f"{k}:{v}\n" for k, v in headers.items())
    text = "PUT" + "\n" * 12 + said + f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    headers |= {"Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}", "Content-Length": "0"}
    request = urllib.request.Request(f"{address}/{ACCOUNT}/{name}?restype=container", method="PUT", headers=headers)
    assert urllib.request.urlopen(request).status == 201


def connects(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


work.mkdir(parents=True, exist_ok=True)
azurite = work / "node_modules/.bin/azurite-blob"
if not azurite.exists():
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", work, AZURITE], check=True)
port = free_port()
server = subprocess.Popen(
    [azurite, "--blobPort", str(port), "--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
    cwd=work,
)
try:
    since = time.monotonic()
    while not connects(port):
        assert server.poll() is None and time.monotonic() - since < 60, "Azurite does not come up"
        time.sleep(0.1)
    address = f"http://127.0.0.1:{port}"
    make_container(address, "reels")
    env = {k: v for k, v in os.environ.items() if not k.startswith("AZURE_")}
    env |= {"AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": address}
    env["RUSHES_TEST_CLOUD"] = "az://reels/A 001"
    command = [test, "--ignored", "--exact", "clouds::a_server_of_others_does_what_is_asked_of_it"]
    ran = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    assert "1 passed" in ran.stdout, ran.stdout
finally:
    server.terminate()
    server.wait()
print("clouds: Azurite agrees")
