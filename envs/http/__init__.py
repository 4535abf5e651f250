"""HTTP access to the tables of operations: routes, arguments, rich-text documents, errors, gateway and ASGI app."""

from envs.http.gateway import Answer, Request, Site

__all__ = ["Answer", "Request", "Site"]
