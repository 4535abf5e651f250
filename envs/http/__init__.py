"""The tables of operations over HTTP. Read in this order: routes, arguments, documents, refusals, site, app."""

from envs.http.gateway import Answer, Request, Site

__all__ = ["Answer", "Request", "Site"]
