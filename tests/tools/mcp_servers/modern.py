"""A server by the SDK's second version, whose tools change: `python modern.py [PORT]`, else stdio."""

import sys

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("modern", version="1")


@server.tool()
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def grow(ctx: Context) -> str:
    """Have one more tool from now on."""
    server.add_tool(lambda: "here", name="late", description="Came later.")
    await ctx.notify_tools_changed()
    return "grown"


if len(sys.argv) > 1:
    server.run("streamable-http", port=int(sys.argv[1]))
else:
    server.run()
