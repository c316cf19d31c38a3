"""The HTTP front: `/v1/agent/…`, `/healthz`, and the pages that describe them.

Turns bytes into requests, asks the switchboard, and turns what it says into bytes. Decides nothing itself.
"""
