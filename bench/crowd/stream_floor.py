"""What the contenders' transport alone costs: a bare websocket that sends back what it hears.

Its argument is the PORT.
"""

import asyncio
import json
import sys

import uvloop
import websockets


async def echo(stream):
    async for message in stream:
        heard = json.loads(message)
        if heard["event"] == "media":
            answer = {
                "event": "media",
                "streamSid": heard["streamSid"],
                "media": {"payload": heard["media"]["payload"]},
            }
            await stream.send(json.dumps(answer))


async def main():
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), compression=None, max_queue=None):
        print("ready", flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(main())
