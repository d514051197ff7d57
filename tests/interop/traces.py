"""An order is one trace, whichever processes work on it, and what workers serve is what Prometheus reads.

    traces.py RUSHES CARD FOLDER

A collector by grpcio and OpenTelemetry's own protocol definitions, a Temporal server, an orchestrating worker and one that
makes units, each a process of its own.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent import futures

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

rushes, card, work = (pathlib.Path(a).resolve() for a in sys.argv[1:4])
temporal = pathlib.Path(sys.executable).parent / "temporal"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self):
        self.spans = {}

    def Export(self, request, context):
        for of_process in request.resource_spans:
            said = {a.key: a.value for a in of_process.resource.attributes}
            for scope in of_process.scope_spans:
                for span in scope.spans:
                    self.spans[span.span_id] = (span, said["process.pid"].int_value, said["service.name"].string_value)
        return trace_service_pb2.ExportTraceServiceResponse()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds=60):
    since = time.monotonic()
    while True:
        try:
            return what()
        except OSError as e:
            if time.monotonic() - since > seconds:
                raise SystemExit(f"it does not come up: {e}") from e
            time.sleep(0.1)


def metrics(port):
    text = wait_for(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)).read().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def attribute(span, key):
    return next((a.value for a in span.attributes if a.key == key), None)


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
collector = Collector()
server = grpc.server(futures.ThreadPoolExecutor(4))
trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
at = server.add_insecure_port("127.0.0.1:0")
server.start()
address = f"127.0.0.1:{free_port()}"
env = os.environ | {
    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{at}",
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "TEMPORAL_ADDRESS": address,
}
started = []


def start(*args):
    started.append(subprocess.Popen([str(a) for a in args], env=env, stdout=subprocess.DEVNULL))
    return started[-1]


try:
    host, port = address.split(":")
    start(temporal, "server", "start-dev", "--ip", host, "--port", port, "--headless", "--log-level", "error")

    def healthy():
        asked = subprocess.run([temporal, "operator", "cluster", "health", "--address", address], capture_output=True)
        if asked.returncode != 0:
            raise OSError(asked.stderr.decode())

    wait_for(healthy)
    ours, sdks = free_port(), free_port()
    orchestrates = start(rushes, "worker", "--queue", "orchestrate", "--grace", "1")
    makes = start(
        rushes, "worker", "--queue", "cpu", "--grace", "1", "--metrics", f"127.0.0.1:{ours}", "--sdk-metrics", f"127.0.0.1:{sdks}"
    )
    # Whoever starts the command may be part of a trace already.
    submits = subprocess.Popen(
        [rushes, "submit", "plates", card, "--out", work / "out", "--exr", "zip", "--on-bad-frame", "hold", "--frames-per-unit", "6"],
        env=env | {"TRACEPARENT": PARENT},
        stdout=subprocess.DEVNULL,
    )
    assert submits.wait(300) == 0
    counted, of_sdk = metrics(ours), metrics(sdks)
    assert sum(s.value for s in counted["rushes_frames"].samples) == 32, counted["rushes_frames"]
    latencies = [n for n in of_sdk if n.startswith("temporal_") and "latency" in n]
    assert latencies, sorted(of_sdk)
    for worker in (orchestrates, makes):
        worker.send_signal(signal.SIGTERM)
    for worker in (orchestrates, makes):
        assert worker.wait(60) == 0
finally:
    for process in reversed(started):
        process.kill()
        process.wait()
    server.stop(None)

spans = collector.spans
assert {service for _, _, service in spans.values()} == {"rushes"}
assert not [s.name for s, _, _ in spans.values() if "Query" in s.name]
trace = bytes.fromhex(PARENT.split("-")[1])
debayers = [(s, pid) for s, pid, _ in spans.values() if s.name == "debayer" and s.trace_id == trace]
# 16 frames of two clips, 6 at a time.
assert len(debayers) == 6, len(debayers)
pids = {"submit": submits.pid, "orchestrate": orchestrates.pid, "cpu": makes.pid}
CHAIN = [
    ("debayer", "cpu"),
    ("execute", "cpu"),
    ("RunActivity:rushes-unit", "cpu"),
    ("StartActivity:rushes-unit", "orchestrate"),
    ("RunWorkflow:rushes-order", "orchestrate"),
    ("StartChildWorkflow:rushes-order", "orchestrate"),
    ("RunWorkflow:rushes-order", "orchestrate"),
    ("StartWorkflow:rushes-order", "submit"),
    ("rushes submit", "submit"),
]
for span, _ in debayers:
    assert attribute(span, "busy_ms").double_value > 0
    at, inner = span.span_id, None
    for name, process in CHAIN:
        assert at in spans, f"nobody sent the parent of {inner and inner.name}, which should be {name}"
        outer, pid, _ = spans[at]
        assert (outer.name, pid) == (name, pids[process]), (outer.name, pid, name, process)
        assert outer.trace_id == trace and outer.end_time_unix_nano >= outer.start_time_unix_nano
        at, inner = outer.parent_span_id, outer
    assert at.hex() == PARENT.split("-")[2]
clips = {attribute(spans[s.parent_span_id][0], "clip").string_value for s, _ in debayers}
assert len(clips) == 2, clips
# The card was looked at where it was submitted.
assert {"clip_stage"} <= {s.name for s, pid, _ in spans.values() if pid == submits.pid}

print(f"traces: {len(spans)} spans of three processes, stage to submission; metrics: Prometheus reads them")
