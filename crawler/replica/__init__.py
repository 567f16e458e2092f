"""Small real-looking forums and article sites on loopback, for the demo and the tests.

Everybody and everything in them is invented. `content` holds the words, `changes` alters them,
`invented` makes forums of any size, `pages` turns a site and a request into an answer, `conduct`
says how it treats visitors, `journal` what they asked; `server` is the only module that opens a
socket.
"""

from crawler.replica.conduct import Conduct, Limit, Trouble
from crawler.replica.server import Replica, ReplicaSite, host, serve

__all__ = ["Conduct", "Limit", "Replica", "ReplicaSite", "Trouble", "host", "serve"]
