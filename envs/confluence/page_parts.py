"""Parts of a page other than its text: content properties, attachments (metadata only) and versions."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.confluence import replies
from envs.confluence.endpoint import ANY_ID, endpoint
from envs.confluence.pages import find
from envs.confluence.spaces import CURSOR, LIMIT

_STRING = {"type": "string"}


def property_body(world: World, record: Record) -> Json:
    """Return a body of schema ContentProperty."""
    version = replies.version_body(world, record["version"], record["updatedAt"])
    return {"id": record["id"], "key": record["key"], "value": record["value"], "version": version}


def _page(world: World, arguments: Mapping[str, Json]) -> Record | Response:
    return find(world, arguments, "page-id")


def _property(world: World, arguments: Mapping[str, Json]) -> Record | Response:
    page = _page(world, arguments)
    if isinstance(page, Response):
        return page
    property_id = str(arguments.get("property-id", ""))
    if not property_id.isdigit():
        return replies.not_a_number("property-id", property_id)
    record = world.table("properties").get(property_id)
    return record if record and record["pageId"] == page["id"] else replies.error(404, "NOT_FOUND")


def get_properties(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageContentProperties: 200 with the page's properties, or only the one with `key`."""
    page = _page(world, arguments)
    if isinstance(page, Response):
        return page
    records = world.find("properties", pageId=page["id"])
    bodies = [
        property_body(world, record) for record in records if record["key"] == arguments.get("key", record["key"])
    ]
    path = f"/pages/{page['id']}/properties"
    return replies.one_page(world, bodies, arguments.get("limit", 25), path, arguments.get("cursor", ""))


def create_property(world: World, arguments: Mapping[str, Json]) -> Response:
    """createPageProperty: 200 with the property; 400 if the page already has one with the key."""
    page = _page(world, arguments)
    if isinstance(page, Response):
        return page
    if not arguments.get("key") or "value" not in arguments:
        return replies.invalid("A property needs a key and a value.")
    if world.find("properties", pageId=page["id"], key=arguments["key"]):
        return replies.invalid(f"The page already has a property with the key {arguments['key']}.")
    values = {"pageId": page["id"], "key": arguments["key"], "value": arguments["value"], "version": 1}
    record = {"id": world.new_id(), **values, "updatedAt": world.tick()}
    world.table("properties")[record["id"]] = record
    return Response(200, property_body(world, record))


def get_property(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageContentPropertiesById: 200 with the property."""
    record = _property(world, arguments)
    return record if isinstance(record, Response) else Response(200, property_body(world, record))


def update_property(world: World, arguments: Mapping[str, Json]) -> Response:
    """updatePagePropertyById: 200 with the property at its next version; 409 if the given version is not that."""
    record = _property(world, arguments)
    if isinstance(record, Response):
        return record
    if arguments.get("key") != record["key"] or "value" not in arguments:
        return replies.invalid("The property's own key and a value are needed.")
    number = (arguments.get("version") or {}).get("number")
    if number != record["version"] + 1:
        versions = f"Current Version: [{record['version']}]. Provided version: [{number}]"
        return replies.error(409, "CONFLICT", f"Version must be incremented when updating a property. {versions}")
    updated = {**record, "value": arguments["value"], "version": number, "updatedAt": world.tick()}
    world.table("properties")[record["id"]] = updated
    return Response(200, property_body(world, updated))


def delete_property(world: World, arguments: Mapping[str, Json]) -> Response:
    """deletePagePropertyById: 204."""
    record = _property(world, arguments)
    if isinstance(record, Response):
        return record
    del world.table("properties")[record["id"]]
    world.tick()
    return Response(204)


def attachment_body(world: World, record: Record) -> Json:
    """Return a body of schema AttachmentBulk or AttachmentSingle."""
    download = f"/download/attachments/{record['pageId']}/{record['title']}"
    return {
        "id": record["id"],
        "status": "current",
        "title": record["title"],
        "createdAt": replies.timestamp(record["createdAt"]),
        "pageId": record["pageId"],
        "mediaType": record["mediaType"],
        "mediaTypeDescription": "",
        "comment": record["comment"],
        "fileId": f"file-{record['id']}",
        "fileSize": record["fileSize"],
        "webuiLink": f"/pages/viewpageattachments.action?pageId={record['pageId']}",
        "downloadLink": download,
        "version": replies.version_body(world, record["version"], record["createdAt"]),
        "_links": {"webui": f"/pages/viewpageattachments.action?pageId={record['pageId']}", "download": download},
    }


def get_attachments(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageAttachments: 200 with the metadata of the page's attachments, filtered by name and type."""
    page = find(world, arguments)
    if isinstance(page, Response):
        return page
    filters = {field: arguments[name] for name, field in _FILTERS.items() if name in arguments}
    bodies = [attachment_body(world, record) for record in world.find("attachments", pageId=page["id"], **filters)]
    path = f"/pages/{page['id']}/attachments"
    return replies.one_page(world, bodies, arguments.get("limit", 50), path, arguments.get("cursor", ""))


_FILTERS = {"filename": "title", "mediaType": "mediaType"}


def get_attachment(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAttachmentById: 200 with the metadata."""
    attachment = world.table("attachments").get(str(arguments.get("id")))
    return Response(200, attachment_body(world, attachment)) if attachment else replies.error(404, "NOT_FOUND")


def delete_attachment(world: World, arguments: Mapping[str, Json]) -> Response:
    """deleteAttachment: 204."""
    if world.table("attachments").pop(str(arguments.get("id")), None) is None:
        return replies.error(404, "NOT_FOUND")
    world.tick()
    return Response(204)


def _versions(page: Record) -> list[Record]:
    """Return all versions of a page, latest first."""
    return [page, *reversed(page.get("history", []))]


def get_versions(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageVersions: 200 with the versions of a page, latest first."""
    page = find(world, arguments)
    if isinstance(page, Response):
        return page
    bodies = []
    for version in _versions(page):
        body = _version_body(world, page, version) | {"page": {"id": page["id"], "title": version["title"]}}
        if arguments.get("body-format") == version["body"]["representation"]:
            body["page"]["body"] = {version["body"]["representation"]: dict(version["body"])}
        bodies.append(body)
    path = f"/pages/{page['id']}/versions"
    return replies.one_page(world, bodies, arguments.get("limit", 25), path, arguments.get("cursor", ""))


def _version_body(world: World, page: Record, version: Record) -> dict[str, Json]:
    when = replies.changed_at({"createdAt": page["createdAt"], **version})
    return replies.version_body(world, version["version"], when, version.get("message", ""))


def get_version(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageVersionDetails: 200 with one version; 404 for a version that the page never had."""
    page = _page(world, arguments)
    if isinstance(page, Response):
        return page
    number = str(arguments.get("version-number", ""))
    if not number.isdigit():
        return replies.not_a_number("version-number", number)
    version = next((version for version in _versions(page) if str(version["version"]) == number), None)
    if version is None:
        return replies.error(404, "NOT_FOUND")
    body = _version_body(world, page, version) | {"contentTypeModified": False, "collaborators": [world.me]}
    if version["version"] > 1:
        body["prevVersion"] = version["version"] - 1
    if version["version"] < page["version"]:
        body["nextVersion"] = version["version"] + 1
    return Response(200, body)


_PAGE_ID, _ID = Parameter("page-id", "path", ANY_ID, required=True), Parameter("id", "path", ANY_ID, required=True)
_PROPERTY_ID = Parameter("property-id", "path", ANY_ID, required=True)
_KEY, _VALUE = Parameter("key", "body", _STRING, required=True), Parameter("value", "body", {}, required=True)
_VERSION = {"type": "object", "properties": {"number": {"type": "integer"}, "message": _STRING}}
_FORMAT = Parameter("body-format", "query", {"enum": ["storage", "atlas_doc_format"]}, compact={})
PAGE_PARTS = (
    endpoint(
        "getPageContentProperties", "GET /pages/{page-id}/properties", "Returns a page's properties.",
        get_properties, _PAGE_ID, Parameter("key", "query", _STRING), LIMIT, CURSOR,
        keep=("results.key", "results.id", "results.value", "results.version.number"),
    ),
    endpoint(
        "createPageProperty", "POST /pages/{page-id}/properties", "Sets a new property of a page.",
        create_property, _PAGE_ID, _KEY, _VALUE, keep=("key", "id"),
    ),
    endpoint(
        "getPageContentPropertiesById", "GET /pages/{page-id}/properties/{property-id}", "Returns a property.",
        get_property, _PAGE_ID, _PROPERTY_ID, keep=("key", "id", "value", "version.number"),
    ),
    endpoint(
        "updatePagePropertyById", "PUT /pages/{page-id}/properties/{property-id}", "Replaces a property's value.",
        update_property, _PAGE_ID, _PROPERTY_ID, _KEY, _VALUE,
        Parameter("version", "body", _VERSION, required=True), keep=("key", "id", "version.number"),
    ),
    endpoint(
        "deletePagePropertyById", "DELETE /pages/{page-id}/properties/{property-id}", "Deletes a property.",
        delete_property, _PAGE_ID, _PROPERTY_ID,
    ),
    endpoint(
        "getPageAttachments", "GET /pages/{id}/attachments", "Returns what is attached to a page.",
        get_attachments, _ID, Parameter("filename", "query", _STRING), Parameter("mediaType", "query", _STRING),
        LIMIT, CURSOR, keep=("results.title", "results.id"),
    ),
    endpoint(
        "getAttachmentById", "GET /attachments/{id}", "Returns an attachment's metadata.", get_attachment,
        Parameter("id", "path", _STRING, required=True), keep=("title", "id", "pageId", "fileSize"),
    ),
    endpoint(
        "deleteAttachment", "DELETE /attachments/{id}", "Deletes an attachment.", delete_attachment,
        Parameter("id", "path", _STRING, required=True),
    ),
    endpoint(
        "getPageVersions", "GET /pages/{id}/versions", "Returns the versions of a page, the latest first.",
        get_versions, _ID, _FORMAT, LIMIT, CURSOR, keep=("results.number", "results.message"),
    ),
    endpoint(
        "getPageVersionDetails", "GET /pages/{page-id}/versions/{version-number}", "Returns a version's details.",
        get_version, _PAGE_ID, Parameter("version-number", "path", ANY_ID, required=True), keep=("number", "message"),
    ),
)  # fmt: skip
