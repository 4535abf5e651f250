"""Issue properties: arbitrary JSON values by key."""

from collections.abc import Mapping
from dataclasses import replace

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import ID_OR_KEY, endpoint, on_issue, path_id
from envs.jira.replies import global_error


def _keys(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    link = f"{world.site}/rest/api/3/issue/{issue['key']}/properties/"
    return Response(200, {"keys": [{"key": key, "self": link + key} for key in issue.get("properties", {})]})


def _missing(arguments: Mapping[str, Json]) -> Response:
    return global_error(404, f"The property with key '{arguments.get('propertyKey', '')}' does not exist.")


def _get(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    key, properties = arguments.get("propertyKey", ""), issue.get("properties", {})
    return Response(200, {"key": key, "value": properties[key]}) if key in properties else _missing(arguments)


def _set(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    key, properties = arguments.get("propertyKey", ""), issue.get("properties", {})
    if "value" not in arguments or not 0 < len(key) <= 255:
        return global_error(400, "The property value is missing, or its key is empty or longer than 255 characters.")
    world.tick()
    world.table("issues")[issue["id"]] = {**issue, "properties": {**properties, key: arguments["value"]}}
    return Response(200 if key in properties else 201)


def _delete(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    key, properties = arguments.get("propertyKey", ""), issue.get("properties", {})
    if key not in properties:
        return _missing(arguments)
    world.tick()
    others = {name: value for name, value in properties.items() if name != key}
    world.table("issues")[issue["id"]] = {**issue, "properties": others}
    return Response(204)


_PATH = "/issue/{issueIdOrKey}/properties"
_ONE, _KEY = f"{_PATH}/{{propertyKey}}", path_id("propertyKey")
PROPERTIES = (
    endpoint("getIssuePropertyKeys", f"GET {_PATH}", "Returns an issue's property keys.", on_issue(_keys), ID_OR_KEY),
    endpoint("getIssueProperty", f"GET {_ONE}", "Returns a property of an issue.", on_issue(_get), ID_OR_KEY, _KEY),
    replace(
        endpoint(
            "setIssueProperty", f"PUT {_ONE}", "Sets a property of an issue.", on_issue(_set), ID_OR_KEY, _KEY,
            Parameter("value", "body", {"description": "Any JSON."}, required=True),
        ),
        whole_body="value",
    ),
    endpoint("deleteIssueProperty", f"DELETE {_ONE}", "Deletes a property.", on_issue(_delete), ID_OR_KEY, _KEY),
)  # fmt: skip
