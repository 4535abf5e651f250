"""Confluence Cloud: operations of the REST API v2, and of v1 those that v2 lacks, as one table."""

from envs.api.operation import Api, Operation
from envs.confluence import labels, page_edits, pages, search, spaces, tree
from envs.confluence.comments import COMMENTS
from envs.confluence.distractors import DISTRACTORS
from envs.confluence.normal_forms import NORMAL_FORMS
from envs.confluence.page_parts import PAGE_PARTS

_MODULES = (spaces, pages, page_edits, tree, labels, search)
_SINGLE = tuple(value for module in _MODULES for value in vars(module).values() if isinstance(value, Operation))
CONFLUENCE = Api("confluence", (*_SINGLE, *COMMENTS, *PAGE_PARTS), distractors=DISTRACTORS, normal_forms=NORMAL_FORMS)

__all__ = ["CONFLUENCE"]
