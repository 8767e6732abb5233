"""WebSocket clients of the realtime API, made with a library that is not ours: single ones and crowds, on an event loop beside the test."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

Json = dict[str, Any]
TICKETS = "/api/ai-clipping-agent/realtime-tickets"
OPEN_SECONDS = 60
# the server answers a connection only after its function has: more at once only wait for one another
AT_ONCE = 16


class Client:
    """One connection. What it hears is in `heard`, in order, with the time of arrival in `times`."""

    def __init__(self, sockets: Sockets, connection: ClientConnection) -> None:
        self.sockets, self.connection = sockets, connection
        self.heard: list[Json] = []
        self.times: list[float] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.reading = asyncio.ensure_future(self.read())

    async def read(self) -> None:
        try:
            while await self.reads.wait():
                text = await self.connection.recv()
                self.times.append(time.monotonic())
                self.heard.append(json.loads(text))
        except ConnectionClosed:
            pass

    async def tell(self, message: Json | str) -> None:
        await self.connection.send(message if isinstance(message, str) else json.dumps(message))

    def send(self, message: Json | str) -> None:
        self.sockets.run(self.tell(message))

    def subscribe(self, job: str | None = None) -> None:
        self.send(subscription(job))

    def of_type(self, *kinds: str) -> list[Json]:
        return [message for message in list(self.heard) if message["type"] in kinds]

    def news(self, job: str | None = None) -> list[Json]:
        """What happened to a job, or to all of them, as this client was told."""
        told = [message for message in list(self.heard) if message["type"].startswith("job.")]
        return [message for message in told if job in (None, message["job"]["id"])]

    def stop_reading(self) -> None:
        self.sockets.loop.call_soon_threadsafe(self.reads.clear)

    def go_on_reading(self) -> None:
        self.sockets.loop.call_soon_threadsafe(self.reads.set)

    @property
    def is_open(self) -> bool:
        return not self.reading.done()

    def close(self) -> None:
        self.sockets.run(self.connection.close())

    def cut(self) -> None:
        """The line is gone, without a word."""
        self.sockets.loop.call_soon_threadsafe(self.connection.transport.abort)


class Sockets:
    """Opens connections and keeps them going, whatever the test waits for."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clients: list[Client] = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, work: Coroutine, seconds: float = 120) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def open(self, url: str) -> Client:
        return self.run(self.opened(url))

    def refusal(self, url: str) -> int | None:
        """The status with which a connection is refused; none if it is not."""
        try:
            self.open(url).close()
        except InvalidStatus as refused:
            return refused.response.status_code
        return None

    def open_all(self, urls: Iterable[str], message: Json | None = None, at_once: int = AT_ONCE) -> list[Client]:
        """So many clients, each of which begins with a message, if there is one."""

        async def begin(url: str) -> Client:
            client = await self.opened(url)
            if message:
                await client.tell(message)
            return client

        return self.run(side_by_side(begin, urls, at_once))

    async def opened(self, url: str) -> Client:
        # pings of the library's own would only measure how busy this machine is
        connection = await connect(url, proxy=None, compression=None, ping_interval=None, open_timeout=OPEN_SECONDS, max_queue=1, close_timeout=1)
        self.clients.append(client := Client(self, connection))
        return client

    def close(self) -> None:
        """Cuts what is open still: nobody waits for a farewell."""
        for client in self.clients:
            client.cut()
            client.go_on_reading()
        self.run(ended(self.clients))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)


async def side_by_side(work: Callable[[Any], Coroutine], items: Iterable[Any], at_once: int) -> list[Any]:
    places = asyncio.Semaphore(at_once)

    async def one(item: Any) -> Any:
        async with places:
            return await work(item)

    return await asyncio.gather(*map(one, items))


async def ended(clients: list[Client]) -> None:
    await asyncio.gather(*(client.reading for client in clients))


def ticket(user: Any) -> Json:
    """A ticket of a user's (harness.User): good for one connection, to the address in it."""
    status, issued = user.call("POST", TICKETS)
    assert status == 201, (status, issued)
    return issued


def subscription(job: str | None = None) -> Json:
    return {"action": "subscribe"} | ({"jobId": job} if job else {})


def place(message: Json) -> tuple[int, int]:
    """What a client orders by, and drops what it has heard already."""
    return message["attempt"], message["sequence"]
