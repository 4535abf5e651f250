"""The table of all Jira operations."""

from envs.api.operation import Api
from envs.jira.attachments import ATTACHMENTS
from envs.jira.boards import BOARDS
from envs.jira.comments import COMMENTS
from envs.jira.components import COMPONENTS
from envs.jira.creating import CREATE_ISSUE, CREATE_ISSUES
from envs.jira.distractors import DISTRACTORS
from envs.jira.field_meta import FIELD_META
from envs.jira.issue_edits import ISSUE_EDITS
from envs.jira.issues import GET_ISSUE
from envs.jira.links import LINKS
from envs.jira.metadata import METADATA
from envs.jira.normal_forms import NORMAL_FORMS
from envs.jira.permissions import PERMISSIONS
from envs.jira.projects import PROJECTS
from envs.jira.properties import PROPERTIES
from envs.jira.search import SEARCH
from envs.jira.sprints import SPRINTS
from envs.jira.transitions import DO_TRANSITION, GET_TRANSITIONS
from envs.jira.users import USERS
from envs.jira.versions import VERSIONS
from envs.jira.watchers import WATCHERS
from envs.jira.worklogs import WORKLOGS
from envs.jira.world import LINK_TYPES, RESOLUTIONS

_ISSUES = (CREATE_ISSUE, CREATE_ISSUES, GET_ISSUE, GET_TRANSITIONS, DO_TRANSITION, *ISSUE_EDITS)
_PARTS = (*COMMENTS, *WATCHERS, *LINKS, *WORKLOGS, *PROPERTIES, *ATTACHMENTS)
_FIXED = frozenset(record["name"] for table in (RESOLUTIONS, LINK_TYPES) for record in table.values())
_SITE = (*USERS, *PROJECTS, *COMPONENTS, *VERSIONS, *METADATA, *PERMISSIONS, *FIELD_META, *BOARDS, *SPRINTS)
JIRA = Api(
    "jira",
    (*_ISSUES, *SEARCH, *_PARTS, *_SITE),
    distractors=DISTRACTORS,
    everywhere=_FIXED,
    normal_forms=NORMAL_FORMS,
)
