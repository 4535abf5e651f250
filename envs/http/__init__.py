"""HTTP access to the simulated sites: the gateway from requests to answers with headers, routes, and the ASGI app."""

from envs.http.gateway import Answer, Gateway, Request

__all__ = ["Answer", "Gateway", "Request"]
