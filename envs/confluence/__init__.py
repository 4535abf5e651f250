"""Confluence Cloud REST API v2. Read in this order: world, replies, spaces, pages."""

from envs.confluence.pages import CREATE_PAGE, GET_PAGE_BY_ID, GET_PAGES
from envs.confluence.spaces import GET_SPACES
from envs.operation import Api

CONFLUENCE = Api("confluence", (GET_SPACES, GET_PAGES, GET_PAGE_BY_ID, CREATE_PAGE))

__all__ = ["CONFLUENCE"]
