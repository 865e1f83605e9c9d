import asyncio

from countersign_client import AsyncGate, StillPending, Uncertain, Unsuccessful


async def main() -> None:
    async with AsyncGate() as gate:

        @gate.guard("files.delete", timeout=3600, arguments=lambda name: {"path": f"/srv/{name}"})
        async def delete(name: str) -> None:
            try:
                await remove(name)
            except ConnectionError as lost:
                raise Uncertain("the storage hung up before it answered") from lost

        try:
            await delete("old.log")
        except StillPending:
            print("nobody has answered within an hour")
        except Unsuccessful as end:
            print(end)


async def remove(name: str) -> None:
    print(f"removing {name}")


asyncio.run(main())
