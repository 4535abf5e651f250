"""Print the operations of the simulated APIs as Markdown.

    python -m envs.reference [--api jira|confluence] [NAME ...]

Each with its method, path, parameters, an example call and the response. The examples are run on an example site when
the command runs. A response is an error if the site has no matching record
or the required arguments alone are not enough.
"""

import json
from collections.abc import Sequence

from envs.api.errors import EnvError
from envs.api.operation import Api, Json, Operation, Parameter
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.cli import Parser, program, run
from envs.confluence import CONFLUENCE
from envs.example_site import made_up_site
from envs.jira import JIRA

APIS = {api.name: api for api in (JIRA, CONFLUENCE)}
_LONGEST = 400
"""Longest response shown, in characters."""


def reference(api: Api, names: Sequence[str] = ()) -> str:
    """Return Markdown of the named operations of an API, or of all."""
    world = made_up_site()
    shown = [operation for operation in api.operations if not names or operation.name in names]
    return "\n".join([f"# {api.name}", *(_section(world, api, operation) for operation in shown)])


def _section(world: World, api: Api, operation: Operation) -> str:
    arguments = example(world, operation)
    response = Simulator(world, api.by_name()).perform(operation, arguments)
    answer = "" if response.body is None else json.dumps(response.body, ensure_ascii=False)
    if len(answer) > _LONGEST:
        answer = f"{answer[:_LONGEST]} …"
    lines = [f"\n## {operation.name}\n", f"`{operation.method} {operation.path}`", f"\n{operation.description}\n"]
    if operation.parameters:
        lines += ["| parameter | in | type | |", "| --- | --- | --- | --- |"]
        lines += [_row(parameter) for parameter in operation.parameters]
        lines.append("")
    call = json.dumps({"name": operation.name, "arguments": arguments}, ensure_ascii=False)
    return "\n".join([*lines, "```json", call, f"{response.status} {answer}".rstrip(), "```"])


def _row(parameter: Parameter) -> str:
    required = "required" if parameter.required else ""
    return f"| {parameter.name} | {parameter.location} | {_kind(parameter.schema)} | {required} |"


def _kind(schema: Json) -> str:
    if "enum" in schema:
        return ", ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    kinds = schema.get("type", "any JSON")
    kinds = kinds if isinstance(kinds, str) else " or ".join(kinds)
    return f"array of {_kind(schema.get('items', {}))}" if kinds == "array" else kinds


def example(world: World, operation: Operation) -> dict[str, Json]:
    """Return a value for every required parameter, taken from the site's records where possible."""
    return {p.name: _value(world, operation, p) for p in operation.parameters if p.required}


def _value(world: World, operation: Operation, parameter: Parameter) -> Json:
    issue, page, project = (next(iter(world.tables[name].values())) for name in ("issues", "pages", "projects"))
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": "Hi"}]}
    document = {"type": "doc", "version": 1, "content": [paragraph]}
    new = {"project": {"key": project["key"]}, "issuetype": {"name": "Task"}, "summary": "Oil the gate"}
    known: dict[str, Json] = {
        "issueIdOrKey": issue["key"],
        "projectIdOrKey": project["key"],
        "issueIdsOrKeys": [issue["key"]],
        "accountId": world.me,
        "jql": f"project = {project['key']}",
        "jqls": [f"project = {project['key']}"],
        "cql": "type = page",
        "fields": new,
        "issueUpdates": [{"fields": new}],
        "pageId": page["id"],
        "page-id": page["id"],
        "spaceId": page["spaceId"],
        "labels": [{"prefix": "global", "name": "red"}],
        "name": "red",
        "title": "A page",
        "status": "current",
        "body": {"representation": "storage", "value": "<p>Hi</p>"} if operation.api == "confluence" else document,
        "version": {"number": page["version"] + 1},
    }
    if parameter.name in known:
        return known[parameter.name]
    if parameter.name == "id" and "/pages/" in operation.path or "/content/" in operation.path:
        return page["id"]
    if parameter.name == "id" and "/spaces/" in operation.path:
        return page["spaceId"]
    return _any(parameter.schema)


def _any(schema: Json) -> Json:
    """Return some value that fits a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    plain: dict[str, Json] = {"array": [], "object": {}, "integer": 1, "number": 1, "boolean": True}
    return plain.get(kind, "1")


def main(arguments: Sequence[str]) -> int:
    """Print the reference. Raises EnvError for an unknown operation."""
    parser = Parser(prog=program("envs.reference"), description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--api", choices=sorted(APIS), help="default: both")
    parser.add_argument("names", nargs="*", metavar="NAME", help="operations to print (default: all)")
    options = parser.parse_args(arguments)
    apis = [APIS[options.api]] if options.api else list(APIS.values())
    known = {name for api in apis for name in api.by_name()}
    if unknown := [name for name in options.names if name not in known]:
        near = sorted(name for name in known if unknown[0].lower() in name.lower())
        hint = f"similar names are {', '.join(near)}" if near else "give no name to print all operations"
        raise EnvError(f"unknown operation {unknown[0]!r}; {hint}")
    for api in apis:
        if not options.names or set(options.names) & set(api.by_name()):
            print(reference(api, options.names))
    return 0


if __name__ == "__main__":
    run(main)
