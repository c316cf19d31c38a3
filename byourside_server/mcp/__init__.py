"""The phone as tools for language models: a server of the Model Context Protocol, over stdio and over HTTP.

One layer of tools stands on a small door (`door`), which has two makers: the switchboard in this process
(`house_door`) and the public API over HTTP (`http_door`). In this room `import mcp` is the library.
"""
