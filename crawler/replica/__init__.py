"""Small real-looking forums and article sites on loopback, for the demo and the tests.

Everybody and everything in them is invented. `content` holds the words, `pages` turns a site and
a request into an answer, `server` is the only module that opens a socket.
"""

from crawler.replica.server import Replica, ReplicaSite, serve

__all__ = ["Replica", "ReplicaSite", "serve"]
