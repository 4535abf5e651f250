"""The tables of operations over HTTP. Read in this order: routes, arguments, documents, refusals, site, app."""

from envs.http.site import Answer, Request, Site

__all__ = ["Answer", "Request", "Site"]
