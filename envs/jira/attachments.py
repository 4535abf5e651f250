"""Attachments of issues. Only their metadata is stored, not their content."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import ID_OR_KEY, endpoint, on_issue, path_id
from envs.jira.history import item, rewrite
from envs.jira.replies import global_error, timestamp, user_of


def attachment_body(world: World, file: Record) -> dict[str, Json]:
    """Return a body of schema Attachment."""
    return {
        "self": f"{world.site}/rest/api/3/attachment/{file['id']}",
        "id": file["id"],
        "filename": file["filename"],
        "author": user_of(world, file["author"]),
        "created": timestamp(file["created"]),
        "size": file["size"],
        "mimeType": file["mimeType"],
        "content": f"{world.site}/rest/api/3/attachment/content/{file['id']}",
    }


def _add(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    files = arguments.get("file") or []
    if not files:
        return global_error(404, "No file was attached.")
    added, items = [], []
    for file in files:
        record = {"id": world.new_id(), "issue": issue["id"], "author": world.me, "created": world.now_ms}
        record |= {"filename": file.get("filename", ""), "size": file.get("size", 0)}
        record["mimeType"] = file.get("mimeType", "application/octet-stream")
        world.table("issue_attachments")[record["id"]] = record
        items.append(item("Attachment", (None, None), (record["id"], record["filename"])))
        added.append(record)
    rewrite(world, issue, items)
    return Response(200, [attachment_body(world, record) for record in added])


def get_attachment(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAttachment: 200 with the metadata, in which the id is a number."""
    file = world.tables.get("issue_attachments", {}).get(arguments.get("id", ""))
    if file is None:
        return global_error(404, f"The attachment with id '{arguments.get('id', '')}' does not exist")
    return Response(200, {**attachment_body(world, file), "id": int(file["id"])})


def remove_attachment(world: World, arguments: Mapping[str, Json]) -> Response:
    """removeAttachment: 204."""
    file = world.tables.get("issue_attachments", {}).get(arguments.get("id", ""))
    if file is None:
        return global_error(404, f"The attachment with id '{arguments.get('id', '')}' does not exist")
    del world.table("issue_attachments")[file["id"]]
    removal = item("Attachment", (file["id"], file["filename"]), (None, None))
    rewrite(world, world.table("issues")[file["issue"]], [removal])
    return Response(204)


_FILES = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "filename": {"type": "string"},
            "mimeType": {"type": "string"},
            "size": {"type": "integer", "minimum": 0},
        },
    },
}
ATTACHMENTS = (
    endpoint(
        "addAttachment", "POST /issue/{issueIdOrKey}/attachments", "Attaches files to an issue.", on_issue(_add),
        ID_OR_KEY, Parameter("file", "body", _FILES, required=True), keep=("filename", "id"),
    ),
    endpoint(
        "getAttachment", "GET /attachment/{id}", "Returns what is known about a file.", get_attachment, path_id(),
        keep=("filename", "size", "mimeType"),
    ),
    endpoint("removeAttachment", "DELETE /attachment/{id}", "Deletes a file.", remove_attachment, path_id()),
)  # fmt: skip
