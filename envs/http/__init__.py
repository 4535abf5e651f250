"""HTTP access to the simulated sites: the gateway from requests to answers with headers, routes, arguments, ASGI app."""

from envs.http.gateway import Answer, Request, Site

__all__ = ["Answer", "Request", "Site"]
