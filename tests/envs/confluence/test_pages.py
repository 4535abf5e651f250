"""Confluence spaces and pages: filters, creation, and what is refused."""

import pytest

from envs.api.simulator import Simulator
from envs.api.world import World
from envs.confluence import CONFLUENCE
from envs.confluence.world import put_page, put_space

BODY = {"representation": "storage", "value": "<p>Hi</p>"}


@pytest.fixture
def site() -> Simulator:
    world = World(next_id=500_000)
    for space_id, home, key in (("111111", "111112", "ABC"), ("222222", "222223", "XY")):
        space = put_space(world, space_id, home, key, key.title())
        put_page(world, str(int(space_id) + 5), space, home, "Handbook")
    return Simulator(world, CONFLUENCE.by_name())


def create(site: Simulator, **changed):
    """Call createPage with valid arguments, some changed, or left out if the value is `...`."""
    base = {"spaceId": "111111", "parentId": "111116", "title": "Plan", "body": BODY}
    return site.call("createPage", {name: value for name, value in (base | changed).items() if value is not ...})


def test_get_spaces__filters_by_key(site):
    assert [space["id"] for space in site.call("getSpaces", {"keys": ["XY"]}).body["results"]] == ["222222"]
    assert len(site.call("getSpaces", {}).body["results"]) == 2
    assert site.call("getSpaces", {"keys": ["NOPE"]}).body["results"] == []


def test_get_pages__needs_the_space_to_tell_equal_titles_apart(site):
    both = site.call("getPages", {"title": "Handbook"}).body["results"]
    assert [page["id"] for page in both] == ["111116", "222227"]
    results = site.call("getPages", {"title": "Handbook", "space-id": ["222222"]}).body["results"]
    assert [page["id"] for page in results] == ["222227"]
    assert len(site.call("getPages", {"limit": 1}).body["results"]) == 1


def test_create_page__starts_at_version_one_under_its_parent(site):
    response = create(site)
    assert response.status == 200
    page = site.call("getPageById", {"id": response.body["id"], "body-format": "storage"}).body
    assert (page["version"]["number"], page["parentId"], page["spaceId"], page["title"]) == (
        1,
        "111116",
        "111111",
        "Plan",
    )
    assert page["body"] == {"storage": BODY}


def test_create_page__without_parent_hangs_under_the_homepage(site):
    assert create(site, parentId=...).body["parentId"] == "111112"


def test_get_page_by_id__gives_the_body_only_on_request(site):
    assert not site.call("getPageById", {"id": "111116"}).body.get("body")


@pytest.mark.parametrize(
    ("changed", "status", "code", "title"),
    [
        (
            {"title": "Handbook"},
            400,
            None,
            "A page with this title already exists: A page already exists with the same TITLE in this space",
        ),
        ({"spaceId": "999999"}, 404, "NOT_FOUND", "Not Found"),
        (
            {"spaceId": "Docs"},
            400,
            "INVALID_REQUEST_PARAMETER",
            "Provided value {Docs} for 'spaceId' is not the correct type. Expected type is long.",
        ),
        ({"parentId": "222227"}, 400, None, None),
        ({"spaceId": ...}, 400, None, None),
        ({"title": ...}, 400, None, None),
        ({"body": {"representation": "storage"}}, 400, None, None),
        ({"body": "text"}, 400, None, None),
        ({"body": {"representation": "markdown", "value": "x"}}, 400, None, None),
    ],
)
def test_create_page__refuses_and_changes_nothing(site, changed, status, code, title):
    before = site.world.digest()
    response = create(site, **changed)
    (error,) = response.body["errors"]
    assert response.status == error["status"] == status
    assert set(error) == {"status", "code", "title", "detail"}
    assert code in (None, error["code"]) and title in (None, error["title"])
    assert site.world.digest() == before


def test_get_page_by_id__unknown_is_404_and_a_word_is_400(site):
    assert site.call("getPageById", {"id": "1"}).status == 404
    refused = site.call("getPageById", {"id": "Docs"})
    assert (
        refused.body["errors"][0]["title"]
        == "Provided value {Docs} for 'id' is not the correct type. Expected type is long."
    )
