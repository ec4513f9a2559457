"""How many messages a second the Service Bus emulator moves with the real Python SDK.

Runs the bus as a process of its own and sends, then receives and completes, batches of messages of 512 bytes over
one topic and subscription. Prints a line of JSON per measurement: what was done, messages per second, and the CPU
time the bus spent on each message. The clients share the cores with the bus, and are most of the cost.

    python -m benchmarks.bus [--messages 20000] [--batch 100] [--clients 2]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

ROOT = Path(__file__).resolve().parent.parent
CONFIG = {
    "UserConfig": {
        "Namespaces": [
            {
                "Name": "benchmark",
                "Topics": [
                    {
                        "Name": "topic",
                        "Subscriptions": [
                            {
                                "Name": "subscription",
                                "Rules": [
                                    {
                                        "Name": "target",
                                        "Properties": {
                                            "FilterType": "Sql",
                                            "SqlFilter": {"SqlExpression": "target IS NULL OR target = 'emea'"},
                                        },
                                    }
                                ],
                            }
                        ],
                    }
                ],
            }
        ]
    }
}


async def send(connection_string: str, messages: int, batch: int) -> None:
    """Send messages in batches over one sender."""
    async with (
        ServiceBusClient.from_connection_string(connection_string) as client,
        client.get_topic_sender("topic") as sender,
    ):
        for _ in range(messages // batch):
            await sender.send_messages([ServiceBusMessage(b"x" * 512) for _ in range(batch)])


async def receive(connection_string: str, messages: int, batch: int) -> None:
    """Receive and complete messages in batches over one receiver."""
    async with (
        ServiceBusClient.from_connection_string(connection_string) as client,
        client.get_subscription_receiver("topic", "subscription") as receiver,
    ):
        done = 0
        while done < messages:
            received = await receiver.receive_messages(batch, max_wait_time=5)
            await asyncio.gather(*(receiver.complete_message(message) for message in received))
            done += len(received)


def run_client(action: str, connection_string: str, messages: int, batch: int) -> subprocess.Popen[bytes]:
    """Start this file again as one client."""
    arguments = ["--client", action, "--connection-string", connection_string]
    arguments += ["--messages", str(messages), "--batch", str(batch)]
    return subprocess.Popen([sys.executable, __file__, *arguments])  # noqa: S603  our own file, our own arguments


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/stat")
    if not status.exists():
        return 0.0
    fields = status.read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def measure(action: str, ready: dict[str, object], pid: int, options: argparse.Namespace) -> None:
    """Run one action with all clients and print its figures."""
    share = options.messages // options.clients // options.batch * options.batch
    used = cpu_seconds(pid)
    started = time.perf_counter()
    clients = [run_client(action, str(ready["connectionString"]), share, options.batch) for _ in range(options.clients)]
    failed = [client.wait() for client in clients]
    seconds = time.perf_counter() - started
    if any(failed):
        sys.exit(f"a client failed while it should {action}")
    count = share * options.clients
    figures = {
        "benchmark": f"bus.{action}",
        "messages": count,
        "batch": options.batch,
        "clients": options.clients,
        "messagesPerSecond": round(count / seconds),
        "busMicrosecondsPerMessage": round((cpu_seconds(pid) - used) / count * 1e6),
    }
    print(json.dumps(figures), flush=True)


def main() -> None:
    """Measure sending, then receiving."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--client", choices=["send", "receive"], help=argparse.SUPPRESS)
    parser.add_argument("--connection-string", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        action = send if options.client == "send" else receive
        asyncio.run(action(options.connection_string, options.messages, options.batch))
        return
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "Config.json"
        config.write_text(json.dumps(CONFIG), encoding="utf-8")
        command = [sys.executable, "-m", "sandbox.bus", "--port", "0", "--json", "--config", str(config)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as bus:  # noqa: S603  as above
            try:
                ready = json.loads(bus.stdout.readline() if bus.stdout else b"{}")
                measure("send", ready, bus.pid, options)
                measure("receive", ready, bus.pid, options)
            finally:
                bus.terminate()


if __name__ == "__main__":
    main()
